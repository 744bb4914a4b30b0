#include "core/counter_delta.h"

#include <algorithm>
#include <bit>

#include "core/blank.h"
#include "core/words.h"

namespace guard::core {

namespace {

constexpr std::uint64_t kMagic = 0x3361746c65446755;  // layout 3
constexpr std::size_t kLine = 64;
constexpr std::size_t kMaxProcesses = 256;
constexpr std::size_t kProcessShare = 16;  // of the memory, at most
constexpr int kVersionShift = 48;
static_assert(kKeyBits == (std::uint64_t{1} << kVersionShift) - 1);

std::size_t rounded(std::size_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}

std::size_t marks_for(std::size_t sets) {
  return (sets + 63) / 64;
}

}  // namespace

DeltaTable DeltaTable::attach(std::span<std::byte> memory) {
  std::size_t skipped = (kLine - reinterpret_cast<std::uintptr_t>(memory.data()) % kLine) % kLine;
  std::size_t processes =
      std::min(kMaxProcesses, memory.size() / kProcessShare / sizeof(InFlightSlot));
  std::size_t slots = skipped + sizeof(DeltaHeader);
  std::size_t front = slots + processes * sizeof(InFlightSlot);
  std::size_t room = memory.size() > front ? memory.size() - front : 0;
  // A set takes its entries and one bit, and the bits as a whole at most a line of rounding.
  std::size_t sets = room > kLine ? (room - kLine) * 8 / (kSetSize * 8 + 1) : 0;
  if (sets == 0) fail("the shared memory zone is too small");

  DeltaTable table;
  table.header_ = reinterpret_cast<DeltaHeader*>(memory.data() + skipped);
  auto* marks = reinterpret_cast<std::uint64_t*>(memory.data() + front);
  table.marks_ = {marks, marks_for(sets)};
  table.sets_ = reinterpret_cast<Pair*>(memory.data() + front + rounded(marks_for(sets) * 8));
  DeltaHeader& header = *table.header_;
  table.in_flight_ = InFlight({reinterpret_cast<InFlightSlot*>(memory.data() + slots), processes},
                              header.processes);
  if (header.magic == kMagic && header.bytes == memory.size() && header.sets == sets) {
    table.attached_ = Attached::inherited;
    return table;
  }
  table.attached_ = header.magic == kMagic ? Attached::replaced : Attached::created;
  blank(memory);
  header.magic = kMagic;
  header.bytes = memory.size();
  header.sets = sets;
  return table;
}

// Whoever changes what is there has seen the key in its place after he has seen what he changes. A
// later key changes it again, so he comes too late or is overwritten, but never the last.
void DeltaTable::complete(Pair* entry, std::uint64_t key, std::uint64_t high, bool anew) noexcept {
  Pair* rest = rest_of(entry);
  for (int tries = 0; tries < kMaxTries; ++tries) {
    Pair seen = load(rest);
    if (!anew && same_key(seen.tag, key & kKeyBits)) return;
    if (load(entry->tag) != key) return;
    std::uint64_t version = (seen.tag >> kVersionShift) + 1;
    if (compare_and_swap(rest, seen, {(key & kKeyBits) | version << kVersionShift, high})) return;
  }
}

// Whoever clears a mark looks at the set afterwards, and so sees what was changed before the mark
// was found to be set. compare_and_swap is a full barrier.
void DeltaTable::mark(std::size_t set) const noexcept {
  std::uint64_t& word = marks_[set / kMarks];
  std::uint64_t bit = std::uint64_t{1} << set % kMarks;
  if ((__atomic_load_n(&word, __ATOMIC_SEQ_CST) & bit) != 0) return;
  __atomic_fetch_or(&word, bit, __ATOMIC_SEQ_CST);
}

std::int64_t DeltaTable::pending(std::uint64_t hash, std::uint64_t window) const noexcept {
  std::uint64_t key = key_of(hash);
  const Pair* first = entries(set_of(key));
  std::int64_t sum = 0;
  for (const Pair* entry = first; entry != first + kWays; ++entry) {
    Pair seen = load(entry);
    if (is_of(seen, key, window)) sum += delta_of(seen);
  }
  return sum;
}

void DeltaTable::begin(std::uint64_t hash, std::uint64_t window, std::int64_t amount) noexcept {
  in_flight_.begin({key_of(hash), pack(window, amount)});
}

// What was noted first is still in flight afterwards, or has come into the state since. What is
// noted last was in flight before, or is noted.
std::int64_t DeltaTable::settled(std::uint64_t hash, std::uint64_t window) const noexcept {
  auto open = [&]() noexcept {
    std::int64_t taken = 0;
    std::int64_t given_back = 0;
    in_flight_.each([&](const Pair& entry) noexcept {
      if (!is_of(entry, key_of(hash), window)) return;
      (delta_of(entry) > 0 ? taken : given_back) += std::abs(delta_of(entry));
    });
    return std::pair(taken, given_back);
  };
  const auto before = open();
  const std::int64_t sum = pending(hash, window);
  const auto after = open();
  return sum - after.first - std::max(before.second, after.second);
}

bool DeltaTable::any() const noexcept {
  for (const std::uint64_t& word : marks_) {
    if (load(word) != 0) return true;
  }
  return false;
}

void DeltaTable::mark_all() noexcept {
  for (std::size_t set = 0; set < header_->sets; ++set) mark(set);
}

std::optional<Change> DeltaTable::Sweep::next() noexcept {
  for (;;) {
    while (way_ < kWays) {
      Pair* entry = table_->entries(set_) + way_++;
      Pair seen = load(entry);
      if (seen.tag == 0 || delta_of(seen) == 0) continue;
      Pair rest = load(rest_of(entry));
      // Whoever is about to complete it marks the set again.
      if (!same_key(rest.tag, seen.tag & kKeyBits)) continue;
      return Change{{seen.tag, rest.value}, window_of(seen), delta_of(seen)};
    }
    while (marks_ == 0) {
      if (word_ == table_->marks_.size()) return std::nullopt;
      std::uint64_t& word = table_->marks_[word_++];
      if (load(word) != 0) marks_ = __atomic_exchange_n(&word, 0, __ATOMIC_SEQ_CST);
    }
    set_ = (word_ - 1) * kMarks + static_cast<std::size_t>(std::countr_zero(marks_));
    marks_ &= marks_ - 1;
    way_ = 0;
  }
}

void DeltaTable::Sweep::stop() noexcept {
  if (table_ == nullptr) return;
  if (way_ < kWays) marks_ |= std::uint64_t{1} << set_ % kMarks;
  if (marks_ != 0) __atomic_fetch_or(&table_->marks_[word_ - 1], marks_, __ATOMIC_SEQ_CST);
  marks_ = 0;
  way_ = kWays;
  word_ = table_->marks_.size();
}

}  // namespace guard::core
