#include "health/board.h"

#include <cstring>
#include <new>

#include "core/process.h"
#include "core/siphash.h"

namespace guard::health {

struct Board::Memory {
  static constexpr std::uint64_t kMagic = 0x31746c484755ULL;  // "UGHlt1"
  std::uint64_t magic;
  std::uint64_t generation;
  alignas(64) std::uint64_t lease;
  alignas(64) std::array<Place, kMaxChecks> places;
};

namespace {

constexpr int kTries = 100;

// The word of facts: Status, kHasValue, size of the output.
constexpr std::uint64_t kHasValue = 1 << 8;
constexpr unsigned kSizeAt = 9;

std::uint64_t load(const std::uint64_t& word) noexcept {
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
}

void store(std::uint64_t& word, std::uint64_t value) noexcept {
  __atomic_store_n(&word, value, __ATOMIC_RELAXED);
}

}  // namespace

bool Place::add(const Result& result, std::uint64_t time_ms, unsigned rise,
                unsigned fall) noexcept {
  std::uint64_t before = load(sequence_);
  // An odd one was left by a writer that has died, or that the lease was taken from: it is late.
  const std::uint64_t writing = before | 1;
  __atomic_compare_exchange_n(&sequence_, &before, writing, false, __ATOMIC_ACQ_REL,
                              __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  const std::uint64_t old = load(verdict_);
  Verdict verdict{static_cast<Status>(old & 0xff), static_cast<std::uint32_t>(old >> 8)};
  const bool changed = verdict.add(result.status, rise, fall);
  store(verdict_,
        static_cast<std::uint64_t>(verdict.status) | std::uint64_t{verdict.in_a_row} << 8);
  store(time_ms_, time_ms);
  store(facts_, static_cast<std::uint64_t>(result.status) | (result.value ? kHasValue : 0) |
                    static_cast<std::uint64_t>(result.output_size) << kSizeAt);
  store(value_, static_cast<std::uint64_t>(result.value.value_or(0)));
  store(share_, result.share);
  for (std::size_t i = 0; i < kOutputWords; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, result.output_bytes.data() + 8 * i, 8);
    store(output_[i], word);
  }
  __atomic_store_n(&sequence_, writing + 1, __ATOMIC_RELEASE);
  return changed;
}

Standing Place::read() const noexcept {
  Standing standing;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = __atomic_load_n(&sequence_, __ATOMIC_ACQUIRE);
    standing.status = static_cast<Status>(load(verdict_) & 0xff);
    standing.time_ms = load(time_ms_);
    const std::uint64_t facts = load(facts_);
    standing.last.status = static_cast<Status>(facts & 0xff);
    standing.last.output_size = static_cast<std::size_t>(facts >> kSizeAt);
    if (standing.last.output_size > kMaxOutput) standing.last.output_size = 0;
    standing.last.value.reset();
    if ((facts & kHasValue) != 0) standing.last.value = static_cast<std::int64_t>(load(value_));
    standing.last.share = load(share_);
    for (std::size_t k = 0; k < kOutputWords; ++k) {
      const std::uint64_t word = load(output_[k]);
      std::memcpy(standing.last.output_bytes.data() + 8 * k, &word, 8);
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if ((before & 1) == 0 && load(sequence_) == before) break;
  }
  return standing;
}

bool Board::format(std::span<std::byte> memory) noexcept {
  if (memory.size() < sizeof(Memory)) return false;
  memory_ = new (memory.data()) Memory{};
  memory_->magic = Memory::kMagic;
  return true;
}

bool Board::adopt(std::span<std::byte> memory) noexcept {
  if (memory.size() < sizeof(Memory)) return false;
  memory_ = reinterpret_cast<Memory*>(memory.data());
  return memory_->magic == Memory::kMagic;
}

void Board::begin() noexcept {
  ++memory_->generation;
}

Place* Board::place(std::string_view identity) noexcept {
  const std::uint64_t hash = core::KeyedHash(core::SipKey{}).hash64({identity}) | 1;
  Place* oldest = nullptr;
  for (Place& place : memory_->places) {
    if (place.identity_ == hash) {
      place.generation_ = memory_->generation;
      return &place;
    }
    const bool free = place.identity_ == 0 || place.generation_ != memory_->generation;
    if (free && (oldest == nullptr || place.generation_ < oldest->generation_)) oldest = &place;
  }
  if (oldest == nullptr) return nullptr;
  *oldest = {};
  oldest->identity_ = hash;
  oldest->generation_ = memory_->generation;
  return oldest;
}

const Place* Board::begin_look(Place& place, std::uint64_t process) noexcept {
  for (const Place& other : memory_->places) {
    const std::uint64_t looker = load(other.looker_);
    if (looker != 0 && looker != process && !core::is_gone(looker)) return &other;
  }
  store(place.looker_, process);
  return nullptr;
}

std::uint64_t& Board::lease() noexcept {
  return memory_->lease;
}

}  // namespace guard::health
