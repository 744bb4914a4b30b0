// The counters of one window of a policy in its shared memory: the same questions for every
// algorithm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/counter_delta.h"
#include "core/counter_log.h"
#include "core/counter_once.h"
#include "core/counter_script.h"
#include "core/counter_table.h"
#include "core/fixed_window.h"
#include "core/gcra.h"
#include "core/shared_total.h"
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
  // Attaches to the memory, see CounterZone::attach. deltas: what is taken is also noted for
  // others, in a part of that memory.
  Limiter(std::span<std::byte> memory, const Quota& quota, bool deltas = false);

  core::Attached attached() const {
    return deltas_ && deltas_->attached() != core::Attached::inherited ? deltas_->attached()
                                                                       : zone().attached();
  }
  const core::CounterStats& stats() const { return zone().stats(); }

  // What take would answer; changes nothing.
  Decision peek(std::uint64_t hash, std::uint64_t now, std::uint64_t cost) noexcept;
  Decision take(const core::CounterKey& key, std::uint64_t now, std::uint64_t cost) noexcept;
  // The counts become those that Redis has answered with, as of now, but never more than one quota
  // that was just used up: whatever it says, it is asked again when that has come back. The
  // decision is what has been answered to a request of that cost.
  Decision adopt(const core::CounterKey& key, std::uint64_t now, std::uint64_t cost,
                 const core::RemoteAnswer& answer) noexcept;
  // By how much the clock of a Redis is ahead of our own, as all processes that share the memory
  // take it: what the last of them has told; nothing: none has.
  std::optional<std::uint64_t> ahead() const noexcept;
  void tell_ahead(std::uint64_t ahead) const noexcept;
  // Undoes a take at `taken`.
  void give_back(const core::CounterKey& key, std::uint64_t taken, std::uint64_t cost) noexcept;

  // What a node tells of a key, see core/shared_total.h. Nothing: it means nothing any more.
  // late: microseconds; ahead, here and below: what Redis's clock is ahead of ours.
  struct Offer : core::TotalOffer {
    std::uint64_t number = 0;  // of the window
    std::uint64_t told = 0;    // for merge
  };
  // In every process that takes or gives back, before it does.
  void enter(pid_t process) noexcept {
    if (deltas_) deltas_->enter(process);
  }
  core::DeltaTable* deltas() noexcept { return deltas_ ? &*deltas_ : nullptr; }
  // Takes what has been noted for a key. state: its state, with no more in it than was noted.
  struct Taken {
    std::int64_t delta = 0;
    std::uint64_t state = 0;
  };
  Taken take_delta(const core::Change& change) noexcept;
  // Notes it again: it was not told after all.
  void put_back(const core::Change& change, std::uint64_t now, std::uint64_t ahead) noexcept;
  std::optional<Offer> offer(const core::Change& change, std::uint64_t state, std::uint64_t now,
                             std::uint64_t ahead, std::uint64_t late) const noexcept;
  // The answer to an offer that was made at told_at.
  void merge(const core::Change& change, std::uint64_t told, std::uint64_t told_at,
             std::int64_t total, std::optional<std::int64_t> previous, std::uint64_t now,
             std::uint64_t ahead) noexcept;

  // True at most once per key and period, see core/counter_once.h.
  bool first_report(std::uint64_t hash, std::uint64_t now) noexcept {
    return reports_.first(hash, now, quota_.period);
  }
  // What a window of Redis needs to know of a key; 0 for other algorithms.
  std::uint64_t phase_of(std::uint64_t hash) const noexcept;
  // Sets of the counters, entries of a set, and how many keys have used some of their quota in
  // `count` sets from the one numbered `first` on.
  std::uint64_t sets() const noexcept { return zone().sets(); }
  std::uint64_t ways() const noexcept {
    return log_ ? core::CounterLog::kWays : core::CounterTable::kWays;
  }
  std::uint64_t count_used(std::uint64_t first, std::uint64_t count,
                           std::uint64_t now) const noexcept;
  // See CounterZone::pressure.
  std::uint64_t pressure(std::uint64_t now) const noexcept { return zone().pressure(now); }

 private:
  class Note;

  Decision adopt_log(const core::CounterKey& key, std::uint64_t now, std::uint64_t cost,
                     const core::RemoteAnswer& answer) noexcept;
  Decision take_gcra(const core::CounterKey& key, std::uint64_t now, std::uint64_t cost) noexcept;
  template <class Window>
  Decision take_window(const Window& window, const core::CounterKey& key, std::uint64_t now,
                       std::uint64_t cost) noexcept;
  // now: of the clock by which the states count
  void note(const core::Hash128& hash, std::uint64_t window, std::int64_t amount,
            std::uint64_t now) noexcept;
  void uncount(const core::CounterKey& key, std::uint64_t taken, std::uint64_t cost) noexcept;
  bool is_worthless(std::uint64_t hash, std::uint64_t window, std::uint64_t now) const noexcept;
  bool is_sliding() const { return quota_.algorithm == Algorithm::sliding_window; }

  const core::CounterZone& zone() const { return log_ ? log_->zone() : table_->zone(); }

  Quota quota_;
  core::Gcra gcra_;
  core::SlidingWindow sliding_;
  core::FixedWindow fixed_;
  core::CounterOnce reports_;
  std::optional<core::CounterTable> table_;
  std::optional<core::CounterLog> log_;
  std::optional<core::DeltaTable> deltas_;
};

}  // namespace guard::rate
