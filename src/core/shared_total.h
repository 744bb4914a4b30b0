// The arithmetic of counting here and telling Redis later. Redis has one number for each key (and
// window), the total of all nodes: a count, or for the GCRA the theoretical arrival time in whole
// microseconds of Redis's clock. A node that has taken `more` since it told last says
//
//   total = max(total, floor) + more
//
// where floor + more is what it knows itself: all that it has counted and what it has heard of the
// others. So the total is never less than what any node knows: not after a key was idle (the GCRA's
// clock goes on where nobody counts), not after Redis has lost its data, and not after an exchange
// was lost. Counts of several nodes add up, since nobody's floor contains what others have not told
// yet.
//
// What the node makes of the answer is
//
//   state = max(state, min(state + (total - told), total + pending))
//
// the answer's part that it did not know, on top of what it has counted meanwhile. told is its own
// state when it asked, pending what was noted since, is not told yet, and surely is in the state:
// a request is noted just before it is counted, and a process may be held up in between for longer
// than an exchange takes. So whoever does that says so (core/in_flight.h), or what he is counting
// would come back in the answer as if others had, and the next floor would count it twice. As it
// is, the second sum is never too large, and too small only by what is in flight when the answer
// comes. The first one bounds what a process does that found no room to say so. A stale answer
// lowers nothing; neither do others' refunds that were told after what they give back.
//
// The GCRA's `more` is the difference of two rounded times and not a rounded difference: what a
// node says adds up exactly. It is at most what has not run off yet, plus `late`: of what was taken
// long ago, while Redis was away, nobody need know any more.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/gcra.h"
#include "core/window_state.h"

namespace guard::core {

struct TotalOffer {
  std::int64_t floor = 0;
  std::int64_t more = 0;
  std::uint64_t life = 0;  // milliseconds for which the total has a meaning, at least kLeastLife
};

// Redis takes no life of 0, and clocks differ.
inline constexpr std::uint64_t kLeastLife = 1000;
// Numbers of a script are doubles.
inline constexpr std::int64_t kMaxTotal = std::int64_t{1} << 53;

// The longest in which a burst may come back, in microseconds: a hundred years.
inline constexpr std::uint64_t kMaxTotalBurst = std::uint64_t{36500} * 86'400'000'000;

// Times in microseconds, of the clock of all states; ahead: what Redis's clock is ahead of it,
// wraps.
class GcraTotal {
 public:
  // late: microseconds, below a day
  constexpr GcraTotal(const Gcra& gcra, std::uint64_t late)
      : gcra_(gcra), late_(gcra.units(late)) {}

  // state: all that is known here, with delta in it. A state of 0 is taken for one of nothing used.
  constexpr TotalOffer offer(std::uint64_t state, std::int64_t delta, std::uint64_t now,
                             std::uint64_t ahead) const {
    std::uint64_t start = gcra_.units(now);
    std::uint64_t known = state == 0 ? start : state;
    std::uint64_t level = known > start ? known - start : 0;
    std::int64_t top = whole(static_cast<std::int64_t>(known));
    std::int64_t bottom = whole(static_cast<std::int64_t>(known) - increment(delta, level));
    std::uint64_t life = std::max(level, gcra_.capacity()) / gcra_.scale() / 1000 + 1;
    return {bottom + static_cast<std::int64_t>(ahead), top - bottom, std::max(life, kLeastLife)};
  }

  // told: the state of the offer, made at told_at. state 0: a key that is not known here any more,
  // and stays so.
  constexpr std::uint64_t merge(std::uint64_t state, std::uint64_t told, std::uint64_t told_at,
                                std::int64_t pending, std::int64_t total, std::uint64_t now,
                                std::uint64_t ahead) const {
    if (state == 0 || total <= 0 || total > kMaxTotal) return state;
    std::int64_t time = total - static_cast<std::int64_t>(ahead);
    auto local = static_cast<std::int64_t>(now);
    if (time <= local) return state;
    auto arrival = gcra_.units(static_cast<std::uint64_t>(std::min(time, local + far())));
    if (arrival <= told) return state;
    std::uint64_t base = std::max(told, gcra_.units(told_at));
    std::uint64_t since = arrival + (state > base ? state - base : 0);
    std::int64_t limit = 2 * static_cast<std::int64_t>(gcra_.burst());
    std::int64_t noted = std::clamp(pending, -limit, limit);
    auto sum =
        static_cast<std::int64_t>(arrival) + noted * static_cast<std::int64_t>(gcra_.interval());
    return std::max(state,
                    std::min(since, static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0))));
  }

 private:
  // As many whole quotas at once are remembered as owed, whatever Redis says. Microseconds.
  constexpr std::int64_t far() const {
    return static_cast<std::int64_t>(16 * (gcra_.capacity() / gcra_.scale() + 1));
  }

  constexpr std::int64_t whole(std::int64_t units) const {
    auto scale = static_cast<std::int64_t>(gcra_.scale());
    return units / scale - (units % scale < 0 ? 1 : 0);
  }

  constexpr std::int64_t increment(std::int64_t delta, std::uint64_t level) const {
    auto interval = static_cast<std::int64_t>(gcra_.interval());
    auto most = static_cast<std::int64_t>(level + late_);
    if (delta < 0) return std::max(delta, -static_cast<std::int64_t>(gcra_.burst())) * interval;
    return delta > most / interval ? most : delta * interval;
  }

  Gcra gcra_;
  std::uint64_t late_;  // units
};

// now: of Redis's clock. index: of the window to which a delta belongs, as WindowClock knows it.
class WindowTotal {
 private:
  // The count of a window; null: it does not matter any more.
  template <class Counts>
  constexpr auto* of(Counts& counts, std::uint64_t index) const {
    std::uint64_t behind = (counts.index - index) & WindowClock::kIndexMask;
    if (behind == 0) return &counts.current;
    return behind == 1 && sliding_ ? &counts.previous : nullptr;
  }

 public:
  constexpr WindowTotal(const WindowClock& clock, bool sliding)
      : clock_(clock), sliding_(sliding) {}

  struct Offer : TotalOffer {
    std::uint64_t number = 0;  // of the window
    std::uint64_t count = 0;   // what is told, with delta
  };

  constexpr bool sliding() const { return sliding_; }

  // Nothing if the window does not count any more.
  constexpr std::optional<Offer> offer(std::uint64_t state, std::uint64_t index, std::int64_t delta,
                                       std::uint64_t now, std::uint64_t phase) const {
    WindowCounts counts = clock_.at(state, now, phase);
    const std::uint64_t* count = of(counts, index);
    if (count == nullptr) return std::nullopt;
    std::uint64_t number = clock_.number_at(now, phase);
    std::uint64_t behind = (number - index) & WindowClock::kIndexMask;
    number = behind == WindowClock::kIndexMask ? number + 1 : number - behind;
    Offer offer;
    offer.number = number;
    offer.count = *count;
    offer.floor = std::max<std::int64_t>(static_cast<std::int64_t>(*count) - delta, 0);
    offer.more = delta;
    std::uint64_t end = (number + (sliding_ ? 2 : 1)) * clock_.period();
    std::uint64_t position = now / 1000 + phase;
    offer.life = std::max(end > position ? end - position : 0, kLeastLife);
    return offer;
  }

  // previous: the total of the window before. state 0: as for the GCRA.
  constexpr std::uint64_t merge(std::uint64_t state, std::uint64_t index, std::uint64_t told,
                                std::int64_t pending, std::int64_t total,
                                std::optional<std::int64_t> previous, std::uint64_t now,
                                std::uint64_t phase) const {
    if (state == 0) return state;
    WindowCounts counts = clock_.at(state, now, phase);
    std::uint64_t* count = of(counts, index);
    if (count == nullptr) return state;
    std::uint64_t heard = bounded(total);
    std::uint64_t before = *count;
    if (heard > told) {
      *count = std::max(*count, std::min(bounded(static_cast<std::int64_t>(*count + heard - told)),
                                         bounded(static_cast<std::int64_t>(heard) + pending)));
    }
    bool changed = *count != before;
    if (previous && count == &counts.current && bounded(*previous) > counts.previous) {
      counts.previous = bounded(*previous);
      changed = true;
    }
    return changed ? WindowClock::pack(counts) : state;
  }

 private:
  static constexpr std::uint64_t bounded(std::int64_t count) {
    auto most = static_cast<std::int64_t>(WindowClock::kMaxCount);
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(count, 0, most));
  }

  WindowClock clock_;
  bool sliding_;
};

}  // namespace guard::core
