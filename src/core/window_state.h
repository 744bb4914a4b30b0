// What the algorithms that count by windows (core/sliding_window.h, core/fixed_window.h) remember
// of a key: the window in which it was counted last, how much has passed in it, and how much in the
// one before. 63 bits in all: bit 63 of a state is the counter table's own.
//
// Times come in microseconds of a clock that all processes share; windows begin at whole
// milliseconds. The windows of a key are shifted by its phase, which comes from its hash, so that
// not all keys of a policy begin anew at one moment.
//
// A window's index is kept modulo 2^23: a key that was not seen for that many periods (97 days, if
// the period is a second), give or take one, has what it had then. A state from the next window
// counts as if that had just begun (another process read its clock a little later), one from
// further ahead as nothing.
#pragma once

#include <cstdint>

namespace guard::core {

struct WindowDecision {
  bool admitted = true;
  std::uint64_t state = 0;      // the new one; the old one if not admitted
  std::uint64_t remaining = 0;  // requests that would pass now, after this decision
  std::uint64_t reset = 0;      // microseconds until remaining grows; 0 if it is full
  std::uint64_t retry = 0;      // microseconds until the same cost passes; 0 if it did
};

// A state, seen at a certain time.
struct WindowCounts {
  std::uint64_t index = 0;  // of the current window
  std::uint64_t previous = 0;
  std::uint64_t current = 0;
  std::uint64_t elapsed = 0;  // milliseconds of the current window
  std::int64_t start = 0;     // microseconds from now to where that millisecond begins

  // Microseconds from now until so many milliseconds of the current window have elapsed.
  constexpr std::uint64_t until(std::uint64_t milliseconds) const {
    std::int64_t wait = static_cast<std::int64_t>((milliseconds - elapsed) * 1000) + start;
    return wait > 0 ? static_cast<std::uint64_t>(wait) : 0;
  }
};

class WindowClock {
 public:
  static constexpr std::uint64_t kMaxCount = 1'000'000;
  static constexpr std::uint64_t kIndexMask = (std::uint64_t{1} << 23) - 1;

  // period: microseconds, a multiple of 1000, up to a day
  constexpr explicit WindowClock(std::uint64_t period) : period_(period / 1000) {}

  constexpr std::uint64_t period() const { return period_; }  // milliseconds

  // Milliseconds, below the period. Only of bits that the tag of an entry keeps.
  constexpr std::uint64_t phase_of(std::uint64_t hash) const {
    return ((hash & 0xffff'ffff) * period_) >> 32;
  }

  // The number of the current window, all of whose bits count; and of the one of a state, modulo
  // kIndexMask + 1.
  constexpr std::uint64_t number_at(std::uint64_t now, std::uint64_t phase) const {
    return (now / 1000 + phase) / period_;
  }
  static constexpr std::uint64_t index_of(std::uint64_t state) {
    return state >> (2 * kCountBits) & kIndexMask;
  }

  // state 0: a key that was never seen.
  constexpr WindowCounts at(std::uint64_t state, std::uint64_t now, std::uint64_t phase) const {
    std::uint64_t position = now / 1000 + phase;
    std::uint64_t window = position / period_;
    WindowCounts counts;
    counts.index = window & kIndexMask;
    counts.elapsed = position - window * period_;
    counts.start = -static_cast<std::int64_t>(now % 1000);
    std::uint64_t behind = (counts.index - index_of(state)) & kIndexMask;
    if (behind == 0) {
      counts.previous = previous_of(state);
      counts.current = current_of(state);
    } else if (behind == 1) {
      counts.previous = current_of(state);
    } else if (behind == kIndexMask) {
      counts.start += static_cast<std::int64_t>((period_ - counts.elapsed) * 1000);
      counts.index = index_of(state);
      counts.elapsed = 0;
      counts.previous = previous_of(state);
      counts.current = current_of(state);
    }
    return counts;
  }

  static constexpr std::uint64_t pack(const WindowCounts& counts) {
    return counts.index << (2 * kCountBits) | counts.previous << kCountBits | counts.current;
  }

  // The state as if a request of that cost had not been admitted at `taken`.
  constexpr std::uint64_t give_back(std::uint64_t state, std::uint64_t taken, std::uint64_t phase,
                                    std::uint64_t cost) const {
    WindowCounts counts;
    counts.index = index_of(state);
    counts.previous = previous_of(state);
    counts.current = current_of(state);
    std::uint64_t behind = (counts.index - at(0, taken, phase).index) & kIndexMask;
    if (behind > 1) return state;
    if (behind == 1) cost -= subtract(counts.previous, cost);
    subtract(counts.current, cost);
    return pack(counts);
  }

 private:
  static constexpr int kCountBits = 20;
  static constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;
  static_assert(kMaxCount <= kCountMask);

  static constexpr std::uint64_t previous_of(std::uint64_t state) {
    return state >> kCountBits & kCountMask;
  }
  static constexpr std::uint64_t current_of(std::uint64_t state) { return state & kCountMask; }

  // At most what there is; answers how much it was.
  static constexpr std::uint64_t subtract(std::uint64_t& from, std::uint64_t amount) {
    std::uint64_t less = amount < from ? amount : from;
    from -= less;
    return less;
  }

  std::uint64_t period_;
};

}  // namespace guard::core
