#include "lockout/lockout_sketch.h"

#include <algorithm>
#include <atomic>

#include "core/counter_cas.h"

namespace guard::lockout {

namespace {

using core::load;
using core::store;
using Slice = LockSketch::Slice;
using Sketch = LockSketch::Sketch;

constexpr std::uint8_t kFailed = 1;

// What is reserved: the slice, by when it began, and the weight.
constexpr int kWeightShift = 44;
constexpr std::uint64_t kMaxWeight = (std::uint64_t{1} << (64 - kWeightShift)) - 1;
constexpr std::uint64_t kNoWeight = (std::uint64_t{1} << kWeightShift) - 1;  // in no slice

constexpr std::uint64_t begun_of(std::uint64_t place) {
  return place & kNoWeight;
}

void raise(Slice& slice, std::uint64_t value, std::uint8_t mark) noexcept {
  const Sketch::Place place = Sketch::place_of(value);
  std::uint8_t& present = slice.registers[place.index];
  const auto raised = static_cast<std::uint8_t>(place.rank << 1 | mark);
  if (present < raised) present = raised;
}

void end(Slice& slice, std::uint64_t place) noexcept {
  store(slice.under_way, slice.under_way - std::min(slice.under_way, place >> kWeightShift));
}

void free_if_empty(Slice& slice) noexcept {
  const bool empty =
      slice.under_way == 0 &&
      std::ranges::all_of(slice.registers, [](std::uint8_t raised) { return raised == 0; });
  if (empty) store(slice.begun, 0);
}

std::uint64_t rounded(double estimate) noexcept {
  return static_cast<std::uint64_t>(std::llround(estimate));
}

}  // namespace

bool LockSketch::in_use(std::uint64_t now) const noexcept {
  return std::ranges::any_of(slices_, [&](Slice& slice) { return lives(load(slice.begun), now); });
}

LockSketch::Charged LockSketch::charged(std::uint64_t now) const noexcept {
  Charged charged;
  Sketch::Registers registers{};  // local: the compiler sees that nothing else is in them
  for (const Slice& slice : slices_) {
    if (!lives(slice.begun, now)) continue;
    charged.under_way += slice.under_way;
    if (charged.oldest == 0 || slice.begun < charged.oldest) charged.oldest = slice.begun;
    charged.newest = std::max(charged.newest, slice.begun);
    for (std::size_t i = 0; i < Sketch::kRegisters; ++i) {
      registers[i] = std::max(registers[i], slice.registers[i]);
    }
  }
  if (charged.oldest == 0) return charged;
  charged.registers = registers;
  // Neighbours are counted apart: a counter that is raised twice in a row waits for itself.
  constexpr std::size_t kApart = 4;
  std::array<Sketch::Counts, kApart> counts{};
  for (std::size_t i = 0; i < Sketch::kRegisters; ++i) ++counts[i % kApart][registers[i] >> 1];
  for (std::size_t rank = 0; rank < charged.counts.size(); ++rank) {
    for (const Sketch::Counts& part : counts) charged.counts[rank] += part[rank];
  }
  charged.estimate = core::estimate_keys(charged.counts);
  return charged;
}

std::uint64_t LockSketch::weight(Charged charged, std::uint64_t value) noexcept {
  const Sketch::Place place = Sketch::place_of(value);
  const std::uint8_t rank = charged.registers[place.index] >> 1;
  if (rank >= place.rank) return 0;
  if (charged.oldest == 0) return 1;
  --charged.counts[rank];
  ++charged.counts[place.rank];
  const double added = core::estimate_keys(charged.counts) - charged.estimate;
  return std::clamp<std::uint64_t>(rounded(added), 1, kMaxWeight);
}

InUse LockSketch::use(std::uint64_t now) const noexcept {
  const Charged charged = this->charged(now);
  return {rounded(charged.estimate) + charged.under_way, charged.newest};
}

Decision LockSketch::decide(std::uint64_t value, std::uint64_t now) const noexcept {
  const Charged charged = this->charged(now);
  const std::uint64_t count = rounded(charged.estimate);
  if (count + charged.under_way < rule_.limit) return {};
  Decision decision;
  decision.under_way = count < rule_.limit;
  // While attempts under way fill what is left, a value that is counted already waits as well: of
  // values that are many some seem to be counted that are not.
  if (!decision.under_way && weight(charged, value) == 0) return {};
  decision.verdict = Verdict::full;
  decision.retry = charged.oldest + length() + rule_.window - now;
  return decision;
}

LockSketch::Slice& LockSketch::current(std::uint64_t now) noexcept {
  Slice* oldest = slices_.data();
  Slice* newest = slices_.data();
  for (Slice& slice : slices_) {
    if (slice.begun < oldest->begun) oldest = &slice;
    if (slice.begun > newest->begun) newest = &slice;
  }
  if (newest->begun != 0 && newest->begun + length() > now) return *newest;
  // Slices begin a length apart, so the oldest of them does not count any more.
  store(oldest->begun, 0);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  store(oldest->under_way, 0);
  oldest->registers.fill(0);
  store(oldest->begun, now);
  return *oldest;
}

LockSketch::Slice* LockSketch::slice_of(std::uint64_t place) noexcept {
  for (Slice& slice : slices_) {
    if (slice.begun != 0 && slice.begun == begun_of(place)) return &slice;
  }
  return nullptr;
}

std::uint64_t LockSketch::reserve(std::uint64_t value, std::uint64_t now) noexcept {
  const std::uint64_t weight = LockSketch::weight(charged(now), value);
  if (weight == 0) return kNoWeight;
  Slice& slice = current(now);
  store(slice.under_way, slice.under_way + weight);
  return slice.begun | weight << kWeightShift;
}

bool LockSketch::fail(std::uint64_t value, std::uint64_t place, std::uint64_t now) noexcept {
  raise(current(now), value, kFailed);
  if (Slice* slice = slice_of(place)) end(*slice, place);
  const Charged charged = this->charged(now);
  std::uint32_t raised = 0;
  std::uint32_t failed = 0;
  for (const std::uint8_t one : charged.registers) {
    raised += one != 0 ? 1 : 0;
    failed += one & kFailed;
  }
  return rounded(charged.estimate * failed / raised) >= rule_.limit;
}

void LockSketch::give_back(std::uint64_t /*value*/, std::uint64_t place) noexcept {
  Slice* slice = slice_of(place);
  if (slice == nullptr) return;
  end(*slice, place);
  free_if_empty(*slice);
}

void LockSketch::leave(std::uint64_t value, std::uint64_t place) noexcept {
  Slice* slice = slice_of(place);
  if (slice == nullptr) return;
  raise(*slice, value, 0);
  end(*slice, place);
}

template <class Forgotten>
void LockSketch::forget(Forgotten&& forgotten) noexcept {
  for (Slice& slice : slices_) {
    for (std::uint8_t& raised : slice.registers) {
      if (forgotten(raised)) raised = 0;
    }
    free_if_empty(slice);
  }
}

void LockSketch::forget_failures() noexcept {
  forget([](std::uint8_t raised) { return (raised & kFailed) != 0; });
}

void LockSketch::forget_outcomes() noexcept {
  forget([](std::uint8_t) { return true; });
}

void LockSketch::clear() noexcept {
  for (Slice& slice : slices_) store(slice.begun, 0);
}

}  // namespace guard::lockout
