// What an entry of LockTable knows of the attempts of its key where more distinct values count than
// are kept one by one: HyperLogLog (core/hyperloglog.h), in memory that does not grow with the
// limit. The standard error of 2^10 registers is 3.25 %.
//
// Nothing can be taken out of a sketch. So the window is cut into slices, each with a sketch of its
// own; what counts is all of those that may hold something of the window, a quarter of it more than
// it at most. An attempt that is under way is only a number in the slice in which it was reserved,
// what it would add to the estimate: it is given back by taking that number off. Attempts with a
// value that is counted already add nothing.
//
// A register is twice the rank, and one more if that is of a failure and not of an attempt whose
// outcome nobody knows (leave). Both are charged; the part of the registers that failures have
// raised says how many of what is charged have failed.
//
// A view of the entry's memory, which is valid after every single store. What a process that died
// had under way ends with its slice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/hyperloglog.h"
#include "lockout/lockout_places.h"

namespace guard::lockout {

class LockSketch {
 public:
  static constexpr std::uint64_t kParts = 4;          // of a window
  static constexpr std::size_t kSlices = kParts + 1;  // the one that has begun included
  using Sketch = core::HyperLogLog<10>;

  struct Slice {
    std::uint64_t begun;  // 0: there is nothing in it
    std::uint64_t under_way;
    Sketch::Registers registers;
  };
  static constexpr std::size_t kSize = kSlices * sizeof(Slice);

  LockSketch(void* memory, const LockRule& rule) noexcept
      : rule_(rule), slices_(*static_cast<std::array<Slice, kSlices>*>(memory)) {}

  // As LockPlaces.
  bool in_use(std::uint64_t now) const noexcept;
  InUse use(std::uint64_t now) const noexcept;
  Decision decide(std::uint64_t value, std::uint64_t now) const noexcept;
  std::uint64_t reserve(std::uint64_t value, std::uint64_t now) noexcept;
  bool fail(std::uint64_t value, std::uint64_t place, std::uint64_t now) noexcept;
  void give_back(std::uint64_t value, std::uint64_t place) noexcept;
  void leave(std::uint64_t value, std::uint64_t place) noexcept;
  void forget_failures() noexcept;
  void forget_outcomes() noexcept;
  void clear() noexcept;

 private:
  // All slices that count.
  struct Charged {
    Sketch::Registers registers{};
    Sketch::Counts counts{};  // of their ranks
    double estimate = 0;
    std::uint64_t under_way = 0;
    std::uint64_t oldest = 0;  // when they began; 0: there is none
    std::uint64_t newest = 0;
  };

  std::uint64_t length() const noexcept { return (rule_.window + kParts - 1) / kParts; }
  bool lives(std::uint64_t begun, std::uint64_t now) const noexcept {
    return begun != 0 && begun + length() + rule_.window > now;
  }
  Charged charged(std::uint64_t now) const noexcept;
  // By how much an attempt would raise the estimate; 0: its value is counted already.
  static std::uint64_t weight(Charged charged, std::uint64_t value) noexcept;
  Slice& current(std::uint64_t now) noexcept;
  // The slice in which an attempt was reserved; null: it is gone, or the attempt weighed nothing.
  Slice* slice_of(std::uint64_t place) noexcept;
  template <class Forgotten>
  void forget(Forgotten&& forgotten) noexcept;

  const LockRule& rule_;
  std::array<Slice, kSlices>& slices_;
};

}  // namespace guard::lockout
