// The exact sliding log: one timestamp for every request that passed within the window. At most
// stamps.size() requests pass in any window, exactly, and none is refused that could have passed.
//
// The stamps are in no order: a stamp that is older than the window is a free place. So every
// change is one 8-byte store, and whatever subset of them a dying process leaves behind is a valid
// log.
//
// Times are microseconds of a clock that all processes share and that never steps. 0: never.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/counter_cas.h"

namespace guard::core {

class SlidingLog {
 public:
  static constexpr std::size_t kMaxCount = 64;

  struct Decision {
    bool admitted = true;
    std::uint64_t remaining = 0;  // requests that would pass now, after this decision
    std::uint64_t reset = 0;      // microseconds until remaining grows; 0 if it is full
    std::uint64_t retry = 0;      // microseconds until the same cost passes; 0 if it did
  };

  // 1 <= count <= kMaxCount; window in microseconds
  constexpr SlidingLog(std::size_t count, std::uint64_t window) : count_(count), window_(window) {}

  constexpr std::size_t count() const { return count_; }
  constexpr std::uint64_t window() const { return window_; }

  constexpr bool lives(std::uint64_t stamp, std::uint64_t now) const {
    return stamp != 0 && stamp + window_ > now;
  }

  // What would be decided; changes nothing. A cost beyond count never passes; its retry says when
  // the log is empty.
  Decision peek(std::span<const std::uint64_t> stamps, std::uint64_t now,
                std::uint64_t cost) const noexcept {
    Live live = collect(stamps, now);
    return describe(live, now, cost, live.size + cost <= count_ ? cost : 0);
  }

  // now > 0
  Decision take(std::span<std::uint64_t> stamps, std::uint64_t now,
                std::uint64_t cost) const noexcept {
    Live live = collect(stamps, now);
    if (live.size + cost > count_) return describe(live, now, cost, 0);
    std::uint64_t left = cost;
    for (std::uint64_t& stamp : stamps) {
      if (left == 0) break;
      if (lives(stamp, now)) continue;
      store(stamp, now);
      --left;
    }
    return describe(live, now, cost, cost);
  }

  // Undoes a take at `taken`.
  void give_back(std::span<std::uint64_t> stamps, std::uint64_t taken,
                 std::uint64_t cost) const noexcept {
    for (std::uint64_t& stamp : stamps) {
      if (cost == 0) return;
      if (stamp != taken) continue;
      store(stamp, 0);
      --cost;
    }
  }

 private:
  struct Live {
    std::array<std::uint64_t, kMaxCount> stamps;
    std::size_t size = 0;
  };

  Live collect(std::span<const std::uint64_t> stamps, std::uint64_t now) const noexcept {
    Live live;
    for (std::uint64_t stamp : stamps.first(count_)) {
      if (lives(stamp, now)) live.stamps[live.size++] = stamp;
    }
    return live;
  }

  // Microseconds until `places` of the live stamps, 1 or more, have left the window.
  std::uint64_t until_free(Live& live, std::uint64_t now, std::size_t places) const noexcept {
    auto* nth = live.stamps.data() + (places - 1);
    std::nth_element(live.stamps.data(), nth, live.stamps.data() + live.size);
    return *nth + window_ - now;
  }

  Decision describe(Live& live, std::uint64_t now, std::uint64_t cost,
                    std::uint64_t taken) const noexcept {
    Decision decision;
    decision.admitted = live.size + cost <= count_;
    decision.remaining = count_ - live.size - taken;
    if (live.size != 0) {
      decision.reset = until_free(live, now, 1);
    } else if (taken != 0) {
      decision.reset = window_;
    }
    if (!decision.admitted) {
      std::size_t places = std::min<std::size_t>(live.size + cost - count_, live.size);
      decision.retry = places == 0 ? 0 : until_free(live, now, places);
    }
    return decision;
  }

  std::size_t count_;
  std::uint64_t window_;
};

}  // namespace guard::core
