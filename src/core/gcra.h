// The generic cell rate algorithm (ITU-T I.371, annex A; ATM Forum Traffic Management 4.1, 4.4.2)
// in its virtual scheduling form. The whole state of a key is one time, the theoretical arrival
// time: when its quota is, or was, full again.
//
// Capacity is `burst` requests, restored at `count` per `period`: at most
// burst + floor(t * count / period) requests pass in any time t.
//
// Times come in microseconds of a clock that all processes share and that never steps
// (CLOCK_MONOTONIC). Inside they are counted in units of 1/scale microsecond, chosen so that the
// emission interval period / count is a whole number of units: nothing is rounded and nothing
// drifts. Where that would need a scale beyond kMaxScale, the interval is rounded up by less than
// one unit: never more passes than the rate allows. 2^63 units are 17 years of uptime at the
// largest scale.
#pragma once

#include <cstdint>
#include <numeric>

namespace guard::core {

class Gcra {
 public:
  static constexpr std::uint64_t kMaxScale = 16384;
  static constexpr std::uint64_t kMaxCount = 1'000'000;
  static constexpr std::uint64_t kMaxBurst = 1'000'000;
  static constexpr std::uint64_t kMaxPeriod = 86'400'000'000;  // microseconds: one day

  struct Decision {
    bool admitted = true;
    std::uint64_t state = 0;      // the new theoretical arrival time; the old one if not admitted
    std::uint64_t remaining = 0;  // requests that would pass now, after this decision
    std::uint64_t reset = 0;      // microseconds until remaining grows; 0 if it is full
    std::uint64_t retry = 0;      // microseconds until the same cost passes; 0 if it did
  };

  // 1 <= count <= kMaxCount, 1 <= burst <= kMaxBurst, 1 <= period <= kMaxPeriod
  constexpr Gcra(std::uint64_t count, std::uint64_t period, std::uint64_t burst) {
    std::uint64_t exact = count / std::gcd(count, period);
    scale_ = exact <= kMaxScale ? exact : kMaxScale;
    interval_ = (period * scale_ + count - 1) / count;
    capacity_ = interval_ * burst;
    burst_ = burst;
  }

  constexpr std::uint64_t scale() const { return scale_; }
  constexpr std::uint64_t interval() const { return interval_; }  // units
  constexpr std::uint64_t capacity() const { return capacity_; }  // units
  constexpr std::uint64_t burst() const { return burst_; }
  constexpr std::uint64_t units(std::uint64_t microseconds) const { return microseconds * scale_; }

  // state 0: a key that was never seen. cost 0 always passes and changes nothing. A cost beyond
  // burst never passes; its retry says when the quota is full.
  constexpr Decision decide(std::uint64_t state, std::uint64_t now, std::uint64_t cost) const {
    std::uint64_t start = units(now);
    std::uint64_t level = state > start ? state - start : 0;
    if (cost == 0) return describe(true, state, level);

    std::uint64_t increment = cost * interval_;
    if (increment <= capacity_ && level <= capacity_ - increment) {
      return describe(true, start + level + increment, level + increment);
    }
    Decision decision = describe(false, state, level);
    std::uint64_t room = increment <= capacity_ ? capacity_ - increment : 0;
    decision.retry = ceil_microseconds(level - room);
    return decision;
  }

  // The state as if a request of that cost had not been admitted since.
  constexpr std::uint64_t give_back(std::uint64_t state, std::uint64_t cost) const {
    std::uint64_t increment = cost * interval_;
    return state > increment ? state - increment : 0;
  }

 private:
  constexpr std::uint64_t ceil_microseconds(std::uint64_t amount) const {
    return (amount + scale_ - 1) / scale_;
  }

  constexpr Decision describe(bool admitted, std::uint64_t state, std::uint64_t level) const {
    Decision decision;
    decision.admitted = admitted;
    decision.state = state;
    std::uint64_t room = level < capacity_ ? capacity_ - level : 0;
    decision.remaining = room / interval_;
    if (level != 0) {
      decision.reset = ceil_microseconds(level + (decision.remaining + 1) * interval_ - capacity_);
    }
    return decision;
  }

  std::uint64_t scale_ = 1;
  std::uint64_t interval_ = 1;
  std::uint64_t capacity_ = 1;
  std::uint64_t burst_ = 1;
};

}  // namespace guard::core
