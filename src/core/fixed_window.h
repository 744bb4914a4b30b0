// The fixed window counter: count requests pass in each window, and the next window begins at
// nothing.
//
// At most 2 * count pass in any time of one period, and as many do when a quota is spent at the end
// of a window and the next one at its beginning. In any time t at most
// count * (ceil(t / period) + 1).
#pragma once

#include <cstdint>

#include "core/window_state.h"

namespace guard::core {

class FixedWindow {
 public:
  // 1 <= count <= WindowClock::kMaxCount; period as for WindowClock
  constexpr FixedWindow(std::uint64_t count, std::uint64_t period)
      : count_(count), clock_(period) {}

  constexpr const WindowClock& clock() const { return clock_; }

  // The most that can pass in any time of one period.
  constexpr std::uint64_t bound() const { return 2 * count_; }

  // cost 0 always passes and changes nothing. A cost beyond count never passes; its retry says when
  // the quota is full.
  constexpr WindowDecision decide(std::uint64_t state, std::uint64_t now, std::uint64_t phase,
                                  std::uint64_t cost) const {
    WindowCounts counts = clock_.at(state, now, phase);
    WindowDecision decision;
    decision.admitted = cost == 0 || (cost <= count_ && counts.current <= count_ - cost);
    decision.state = state;
    if (decision.admitted && cost != 0) {
      counts.current += cost;
      decision.state = WindowClock::pack(counts);
    }
    decision.remaining = counts.current < count_ ? count_ - counts.current : 0;
    if (counts.current != 0) decision.reset = counts.until(clock_.period());
    if (!decision.admitted) decision.retry = decision.reset;
    return decision;
  }

  constexpr std::uint64_t give_back(std::uint64_t state, std::uint64_t taken, std::uint64_t phase,
                                    std::uint64_t cost) const {
    return clock_.give_back(state, taken, phase, cost);
  }

  // How much of the quota is used; 0: the state is worth nothing.
  constexpr std::uint64_t used(std::uint64_t state, std::uint64_t now, std::uint64_t phase) const {
    return clock_.at(state, now, phase).current;
  }

 private:
  std::uint64_t count_;
  WindowClock clock_;
};

}  // namespace guard::core
