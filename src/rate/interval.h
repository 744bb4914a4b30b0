// Counting in shared memory and telling Redis every so often (sync=100ms): what one worker of a
// node does for a policy. The requests' own part is in Limiter, which notes what it takes; the
// arithmetic in core/shared_total.h.
//
// A round tells every key that has changed since the round before, and merges each answer. Rounds
// do not overlap, so a key is never on its way twice. They come twice within sync=: what a node has
// taken is told within half of it, and what Redis has been told is heard within the other half. So
// no node knows less than what others had taken one sync= and one round trip ago.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/remote_store.h"
#include "core/total_queue.h"
#include "rate/ledger.h"

namespace guard::rate {

class Interval {
 public:
  // policy: of sync= that is not strict, and one that lives as long. Throws ConfigError if Redis
  // cannot count so.
  Interval(MeteredPolicy& policy, core::RemoteStore& store);
  Interval(const Interval&) = delete;
  Interval& operator=(const Interval&) = delete;

  // Milliseconds between two rounds.
  std::uint64_t period() const noexcept;
  // What all workers share of it; once the memory is attached.
  core::DeltaHeader& header() const noexcept;
  // By how much Redis's clock is ahead, as all workers take it.
  std::uint64_t ahead() const noexcept;
  // Whether Redis hears of what is counted now.
  bool available() const noexcept;

  // In the one worker that has the job. fresh: it has not had it before.
  void run(bool fresh) noexcept;
  bool busy() const noexcept { return sweeping_ || !queue_.idle() || queue_.asks_time(); }

  // How many changes found no room since the last time that this answered more than 0.
  std::uint64_t dropped() noexcept;

 private:
  void begin() noexcept;
  void go_on() noexcept;
  void end_if_done() noexcept;
  void tell(const core::Change& change) noexcept;
  void hear(const core::TotalAsk& ask, const core::TotalAnswer& answer) noexcept;
  void learn(std::uint64_t asked_at, std::uint64_t now) noexcept;
  bool overtaken() const noexcept;
  Limiter& limiter(std::size_t meter) const noexcept { return *policy_.meters[meter].limiter; }

  MeteredPolicy& policy_;
  core::RemoteStore& store_;
  core::TotalQueue queue_;
  std::vector<core::RemoteTotal> totals_;  // of the policy's meters
  std::size_t meter_ = 0;                  // which of them is being swept
  core::DeltaTable::Sweep sweep_;
  core::RemoteClock clock_;
  bool clock_known_ = false;  // by this worker, since Redis was last away
  bool answered_ = true;      // Redis has told the time that it was last asked for
  bool sweeping_ = false;
  bool swept_ = false;  // all are told, not all have been answered
  bool again_ = false;  // the next round is due already
};

}  // namespace guard::rate
