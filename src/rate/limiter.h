// The counters of one window of a policy in its shared memory: the same questions for every
// algorithm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/counter_log.h"
#include "core/counter_once.h"
#include "core/counter_script.h"
#include "core/counter_table.h"
#include "core/fixed_window.h"
#include "core/gcra.h"
#include "core/sliding_window.h"

namespace guard::rate {

enum class Algorithm : std::uint8_t { gcra, sliding_window, sliding_log, fixed_window };

core::CounterKind kind_of(Algorithm algorithm);

// count requests per period, from a capacity of burst (gcra alone: else burst is count).
struct Quota {
  Algorithm algorithm = Algorithm::gcra;
  std::uint64_t count = 1;
  std::uint64_t period = 1'000'000;  // microseconds
  std::uint64_t burst = 1;

  // Microseconds in which an untouched quota comes back: the w of RateLimit-Policy.
  std::uint64_t window() const {
    return algorithm == Algorithm::gcra ? (period * burst + count - 1) / count : period;
  }
  bool has_windows() const {
    return algorithm == Algorithm::sliding_window || algorithm == Algorithm::fixed_window;
  }
  // Of shared memory, for one key.
  std::size_t entry_size() const {
    return algorithm == Algorithm::sliding_log ? core::CounterLog::entry_size(count)
                                               : sizeof(core::Pair);
  }
};

struct Decision {
  bool admitted = true;
  std::uint64_t remaining = 0;  // requests that would pass now, after this one
  std::uint64_t reset = 0;      // microseconds until remaining grows; 0: it is full
  std::uint64_t retry = 0;      // microseconds until the same request would pass; 0: it does
};

// All functions: now in microseconds of a clock that all processes share, > 0; cost in requests.
class Limiter {
 public:
  // Attaches to the memory, see CounterZone::attach.
  Limiter(std::span<std::byte> memory, const Quota& quota);

  core::Attached attached() const { return zone().attached(); }
  const core::CounterStats& stats() const { return zone().stats(); }

  // What take would answer; changes nothing.
  Decision peek(std::uint64_t hash, std::uint64_t now, std::uint64_t cost) noexcept;
  Decision take(const core::CounterKey& key, std::uint64_t now, std::uint64_t cost) noexcept;
  // The counts become those that Redis has answered with, as of now. The decision is what has been
  // answered to a request of that cost.
  Decision adopt(const core::CounterKey& key, std::uint64_t now, std::uint64_t cost,
                 const core::RemoteAnswer& answer) noexcept;
  // Undoes a take at `taken`.
  void give_back(const core::CounterKey& key, std::uint64_t taken, std::uint64_t cost) noexcept;

  // True at most once per key and period, see core/counter_once.h.
  bool first_report(std::uint64_t hash, std::uint64_t now) noexcept {
    return reports_.first(hash, now, quota_.period);
  }
  // What a window of Redis needs to know of a key; 0 for other algorithms.
  std::uint64_t phase_of(std::uint64_t hash) const noexcept;
  // See CounterZone::pressure.
  std::uint64_t pressure(std::uint64_t now) const noexcept { return zone().pressure(now); }

 private:
  Decision adopt_log(const core::CounterKey& key, std::uint64_t now, std::uint64_t cost,
                     const core::RemoteAnswer& answer) noexcept;
  const core::CounterZone& zone() const { return log_ ? log_->zone() : table_->zone(); }

  Quota quota_;
  core::Gcra gcra_;
  core::SlidingWindow sliding_;
  core::FixedWindow fixed_;
  core::CounterOnce reports_;
  std::optional<core::CounterTable> table_;
  std::optional<core::CounterLog> log_;
};

}  // namespace guard::rate
