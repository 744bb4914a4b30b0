#include "metrics/session_windows.h"

#include <algorithm>
#include <type_traits>

#include "core/counter_cas.h"

namespace guard::metrics {

namespace {

static_assert(std::is_trivially_copyable_v<SessionMemory>);

// How often somebody looks whether another one has emptied a slice. Who is stopped meanwhile costs
// the others what they were about to add, and no more time than this.
constexpr int kPatience = 2000;

// A tag is the number and whether the slice is ready; 0: it never was used.
constexpr std::uint64_t ready(std::uint64_t number) {
  return (number + 1) << 1U | 1U;
}
constexpr std::uint64_t emptying(std::uint64_t number) {
  return (number + 1) << 1U;
}

}  // namespace

bool SessionWindows::attach(std::span<std::byte> memory, bool fresh) noexcept {
  if (memory.size() < sizeof(SessionMemory)) return false;
  memory_ = reinterpret_cast<SessionMemory*>(memory.data());
  if (fresh) *memory_ = {};
  return true;
}

// Whoever comes first empties it. One who died over that is not waited for longer than until the
// slice is that of another number.
bool SessionWindows::claim(SessionMemory::Slice& slice, std::uint64_t number) noexcept {
  for (int i = 0; i < kPatience; ++i) {
    const std::uint64_t seen = core::load(slice.tag);
    if (seen == ready(number)) return true;
    if (seen == emptying(number)) {
      core::relax();
    } else if (core::compare_and_swap(slice.tag, seen, emptying(number))) {
      slice.registers.fill(0);
      core::store(slice.changed, 0);
      return core::compare_and_swap(slice.tag, emptying(number), ready(number));
    }
  }
  return false;
}

void SessionWindows::add(std::uint64_t hash, std::uint64_t now_ms) noexcept {
  const std::uint64_t number = number_of(now_ms);
  SessionMemory::Slice& slice = at(number);
  if (core::load(slice.tag) != ready(number) && !claim(slice, number)) return;
  const Sketch::Place place = Sketch::place_of(hash);
  std::uint8_t& rank = slice.registers[place.index];
  std::uint8_t seen = __atomic_load_n(&rank, __ATOMIC_RELAXED);
  if (seen >= place.rank) return;
  while (seen < place.rank && !__atomic_compare_exchange_n(&rank, &seen, place.rank, true,
                                                           __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  core::store(slice.changed, 1);
}

const Registers* SessionWindows::slice(std::uint64_t number) const noexcept {
  const SessionMemory::Slice& slice = at(number);
  return core::load(slice.tag) == ready(number) ? &slice.registers : nullptr;
}

std::uint64_t SessionWindows::count(std::uint64_t now_ms) const noexcept {
  Registers merged{};
  for (std::uint64_t number = first_of(now_ms); number <= number_of(now_ms); ++number) {
    const Registers* registers = slice(number);
    if (registers == nullptr) continue;
    // Of a register that is being raised either of the two does.
    for (std::size_t i = 0; i < Sketch::kRegisters; ++i)
      merged[i] = std::max(merged[i], (*registers)[i]);
  }
  return Sketch::estimate(merged);
}

bool SessionWindows::take_changed(std::uint64_t number) noexcept {
  SessionMemory::Slice& slice = at(number);
  if (core::load(slice.tag) != ready(number)) return false;
  return __atomic_exchange_n(&slice.changed, 0, __ATOMIC_ACQ_REL) != 0;
}

void SessionWindows::set_changed(std::uint64_t number) noexcept {
  if (slice(number) != nullptr) core::store(at(number).changed, 1);
}

}  // namespace guard::metrics
