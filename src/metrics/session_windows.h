// Who was there within a window of time, in shared memory: a sketch for each twelfth of it, of
// which thirteen count, the twelfth that has begun included. So what is counted is of the window's
// length at least, and at most a twelfth longer.
//
// Times are those of the day, in milliseconds since 1970, so that many nginx whose clocks agree
// mean the same by the number of a twelfth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "metrics/session_sketch.h"

namespace guard::metrics {

inline constexpr std::uint64_t kWindowParts = 12;
inline constexpr std::size_t kWindowSlices = kWindowParts + 1;

// Plain data; zeros at first.
struct SessionMemory {
  struct Slice {
    std::uint64_t tag;      // which twelfth it is of, see SessionWindows
    std::uint64_t changed;  // 1: since it was told to others
    Registers registers;
  };
  std::uint64_t lease;
  // What Redis has said last of all nginx together, and when: microseconds of core/clock.h.
  std::uint64_t shared_count;
  std::uint64_t shared_at;
  std::uint64_t spare[5];
  Slice slices[kWindowSlices];
};

class SessionWindows {
 public:
  explicit SessionWindows(std::uint64_t window_ms) noexcept
      : slice_ms_((window_ms + kWindowParts - 1) / kWindowParts) {}

  // False: the memory is too small. fresh: it is laid out anew.
  bool attach(std::span<std::byte> memory, bool fresh) noexcept;
  SessionMemory& memory() noexcept { return *memory_; }
  const SessionMemory& memory() const noexcept { return *memory_; }

  std::uint64_t slice_ms() const noexcept { return slice_ms_; }
  std::uint64_t number_of(std::uint64_t now_ms) const noexcept { return now_ms / slice_ms_; }
  // The first of the thirteen that count now; the last is number_of(now_ms).
  std::uint64_t first_of(std::uint64_t now_ms) const noexcept {
    const std::uint64_t number = number_of(now_ms);
    return number < kWindowParts ? 0 : number - kWindowParts;
  }

  // A key was there. By any process, at any time.
  void add(std::uint64_t hash, std::uint64_t now_ms) noexcept;
  // How many different ones were there within the window.
  std::uint64_t count(std::uint64_t now_ms) const noexcept;

  // The slice of a number, and whether it has changed since this was asked last; null: there was
  // nobody.
  const Registers* slice(std::uint64_t number) const noexcept;
  bool take_changed(std::uint64_t number) noexcept;
  void set_changed(std::uint64_t number) noexcept;

 private:
  SessionMemory::Slice& at(std::uint64_t number) const noexcept {
    return memory_->slices[number % kWindowSlices];
  }
  bool claim(SessionMemory::Slice& slice, std::uint64_t number) noexcept;

  std::uint64_t slice_ms_;
  SessionMemory* memory_ = nullptr;
};

}  // namespace guard::metrics
