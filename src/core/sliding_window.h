// The sliding window counter: two fixed windows, of which the earlier one counts by the part of it
// that the sliding window still covers, as if what passed in it had been spread evenly. (It is
// widely known from Cloudflare's "How we built rate limiting capable of scaling to millions of
// domains", 2017.)
//
// A request of cost c passes, elapsed milliseconds after the current window began, if
//   previous * (period - elapsed) + (current + c) * period <= count * period
// in integers: nothing is rounded.
//
// At most 2 * count - ceil(count / period) pass in any time of one period (period in milliseconds:
// that is 2 * count - 1 unless count is larger), and as many do when all of a quota is spent in the
// last millisecond of a window and the next one is drained as it comes back. In any time t of a
// period or more at most count * (ceil(t / period) + 1) - 1.
#pragma once

#include <cstdint>

#include "core/window_state.h"

namespace guard::core {

class SlidingWindow {
 public:
  // 1 <= count <= WindowClock::kMaxCount; period as for WindowClock
  constexpr SlidingWindow(std::uint64_t count, std::uint64_t period)
      : count_(count), clock_(period) {}

  constexpr const WindowClock& clock() const { return clock_; }

  // The most that can pass in any time of one period.
  constexpr std::uint64_t bound() const {
    return 2 * count_ - (count_ + clock_.period() - 1) / clock_.period();
  }

  // cost 0 always passes and changes nothing. A cost beyond count never passes; its retry says when
  // the quota is full.
  constexpr WindowDecision decide(std::uint64_t state, std::uint64_t now, std::uint64_t phase,
                                  std::uint64_t cost) const {
    WindowCounts counts = clock_.at(state, now, phase);
    WindowDecision decision;
    decision.admitted = cost == 0 || cost <= free(counts);
    decision.state = state;
    if (!decision.admitted) {
      decision.retry = until(counts, cost < count_ ? cost : count_);
    } else if (cost != 0) {
      counts.current += cost;
      decision.state = WindowClock::pack(counts);
    }
    decision.remaining = free(counts);
    if (decision.remaining < count_) decision.reset = until(counts, decision.remaining + 1);
    return decision;
  }

  constexpr std::uint64_t give_back(std::uint64_t state, std::uint64_t taken, std::uint64_t phase,
                                    std::uint64_t cost) const {
    return clock_.give_back(state, taken, phase, cost);
  }

  // How much of the quota is used, in count * period parts; 0: the state is worth nothing.
  constexpr std::uint64_t used(std::uint64_t state, std::uint64_t now, std::uint64_t phase) const {
    WindowCounts counts = clock_.at(state, now, phase);
    return counts.previous * (clock_.period() - counts.elapsed) + counts.current * clock_.period();
  }

 private:
  constexpr std::uint64_t free(const WindowCounts& counts) const {
    std::uint64_t period = clock_.period();
    std::uint64_t taken = counts.current;
    if (counts.previous != 0) {
      taken += (counts.previous * (period - counts.elapsed) + period - 1) / period;
    }
    return taken < count_ ? count_ - taken : 0;
  }

  // Microseconds until `wanted`, 1 to count, are free if nobody else comes.
  constexpr std::uint64_t until(const WindowCounts& counts, std::uint64_t wanted) const {
    if (wanted <= free(counts)) return 0;
    std::uint64_t room = count_ - wanted;
    if (counts.current <= room && counts.previous != 0) {
      return counts.until(when(counts.previous, room - counts.current));
    }
    return counts.until(clock_.period() + when(counts.current, room));
  }

  // Milliseconds of a window after which what passed in the one before counts as at most `room`.
  constexpr std::uint64_t when(std::uint64_t passed, std::uint64_t room) const {
    return room >= passed ? 0 : clock_.period() - room * clock_.period() / passed;
  }

  std::uint64_t count_;
  WindowClock clock_;
};

}  // namespace guard::core
