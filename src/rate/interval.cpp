#include "rate/interval.h"

#include <unistd.h>

#include <string>

#include "core/clock.h"
#include "core/lease.h"
#include "core/words.h"

namespace guard::rate {

namespace {

constexpr std::uint64_t kMicroseconds = 1000;  // of a millisecond

}  // namespace

Interval::Interval(MeteredPolicy& policy, core::RemoteStore& store)
    : policy_(policy),
      store_(store),
      queue_(
          store.client, store.cluster,
          [](void* self, const core::TotalAsk& ask, const core::TotalAnswer& answer) noexcept {
            static_cast<Interval*>(self)->hear(ask, answer);
          },
          [](void* self) noexcept { return static_cast<Interval*>(self)->overtaken(); },
          [](void* self, std::uint64_t asked_at, std::uint64_t now) noexcept {
            static_cast<Interval*>(self)->learn(asked_at, now);
          },
          this) {
  std::string name = store.prefix + policy.policy.name + ":";
  for (const Window& window : policy.policy.windows) {
    const Quota& quota = window.quota;
    if (quota.algorithm == Algorithm::gcra && quota.window() > core::kMaxTotalBurst) {
      core::fail("\"burst=", std::to_string(quota.burst), "\" takes more than ",
                 std::to_string(core::kMaxTotalBurst / 86'400'000'000),
                 " days to come back, which Redis cannot count");
    }
    std::string suffix = policy.policy.windows.size() == 1 ? "" : "." + window.period;
    totals_.emplace_back(name, suffix, quota.has_windows());
  }
}

std::uint64_t Interval::period() const noexcept {
  return static_cast<std::uint64_t>(policy_.policy.sync.count()) / 2;
}

core::DeltaHeader& Interval::header() const noexcept {
  return limiter(0).deltas()->header();
}

std::uint64_t Interval::ahead() const noexcept {
  const core::DeltaHeader& header = this->header();
  return core::load(header.clock_known) != 0 ? core::load(header.ahead) : store_.clock.ahead();
}

// Who was stopped for longer than the lease finds another one at it.
bool Interval::overtaken() const noexcept {
  const std::uint64_t holder = core::Lease::holder_of(core::load(header().lease));
  return holder != 0 && holder != static_cast<std::uint64_t>(getpid());
}

// Who does not speak to a Redis that hangs does not know that it does.
bool Interval::available() const noexcept {
  return core::load(header().away) == 0 && queue_.available();
}

void Interval::run(bool fresh) noexcept {
  if (fresh) {
    // Whoever had the job before may have died over it.
    for (Meter& meter : policy_.meters) meter.limiter->deltas()->mark_all();
    clock_.assume(0, ahead());
    clock_known_ = false;
  }
  if (!queue_.prepare()) return;
  if (!queue_.available()) {
    core::store(header().away, 1);
    clock_known_ = false;
    return;
  }
  bool any = false;
  for (Meter& meter : policy_.meters) any = any || meter.limiter->deltas()->any();
  // Whoever was not answered asks again, or nobody would find out why.
  if (!any && clock_known_ && answered_) return;
  answered_ = false;
  queue_.ask_time();
  if (clock_known_) begin();
}

// Nothing is told by the clock of a Redis that may not be this one any more.
void Interval::learn(std::uint64_t asked_at, std::uint64_t now) noexcept {
  clock_.learn(asked_at, core::microseconds(), now);
  answered_ = true;
  core::DeltaHeader& header = this->header();
  core::store(header.ahead, clock_.ahead());
  core::store(header.clock_known, 1);
  // Only an answer ends an outage: who has just taken over the job knows of no failure yet.
  if (core::load(header.away) != 0) core::store(header.away, 0);
  if (clock_known_) return;
  clock_known_ = true;
  begin();
}

void Interval::begin() noexcept {
  if (sweeping_) {
    again_ = true;
    return;
  }
  sweeping_ = true;
  swept_ = again_ = false;
  meter_ = 0;
  sweep_ = limiter(0).deltas()->sweep();
  go_on();
}

void Interval::go_on() noexcept {
  while (!queue_.full()) {
    std::optional<core::Change> change;
    if (queue_.available() && !overtaken()) {
      change = sweep_.next();
    } else {
      sweep_.stop();
      meter_ = policy_.meters.size() - 1;
    }
    if (change) {
      tell(*change);
    } else if (meter_ + 1 < policy_.meters.size()) {
      sweep_ = limiter(++meter_).deltas()->sweep();
    } else {
      swept_ = true;
      return end_if_done();
    }
  }
}

void Interval::end_if_done() noexcept {
  if (!swept_ || !queue_.idle()) return;
  sweeping_ = false;
  if (again_ && queue_.available()) begin();
}

void Interval::tell(const core::Change& found) noexcept {
  Limiter& counts = limiter(meter_);
  const Limiter::Taken taken = counts.take_delta(found);
  if (taken.delta == 0) return;
  core::Change change = found;
  change.delta = taken.delta;
  std::uint64_t now = core::microseconds();
  auto late = static_cast<std::uint64_t>(policy_.policy.sync.count()) * kMicroseconds;
  auto offer = counts.offer(change, taken.state, now, ahead(), late);
  if (!offer) return;
  core::TotalAsk ask;
  ask.counter = &totals_[meter_];
  ask.hash = change.hash;
  ask.number = offer->number;
  ask.offer = *offer;
  ask.previous = policy_.meters[meter_].quota.algorithm == Algorithm::sliding_window;
  ask.meter = meter_;
  ask.window = change.window;
  ask.delta = change.delta;
  ask.told = offer->told;
  ask.told_at = now;
  queue_.ask(ask);
}

void Interval::hear(const core::TotalAsk& ask, const core::TotalAnswer& answer) noexcept {
  Limiter& counts = limiter(ask.meter);
  core::Change change{ask.hash, ask.window, ask.delta};
  std::uint64_t now = core::microseconds();
  switch (answer.outcome) {
    case core::TotalOutcome::answered:
      counts.merge(change, ask.told, ask.told_at, answer.total, answer.previous, now, ahead());
      break;
    case core::TotalOutcome::unsent:
      counts.put_back(change, now, ahead());
      break;
    case core::TotalOutcome::unknown:
      // Told again, it might be counted twice; as it is, the next floor makes up for it.
      break;
  }
  if (!swept_) return go_on();
  end_if_done();
}

std::uint64_t Interval::dropped() noexcept {
  std::uint64_t sum = 0;
  for (Meter& meter : policy_.meters) {
    core::DeltaStats& stats = meter.limiter->deltas()->stats();
    std::uint64_t dropped = core::load(stats.dropped);
    std::uint64_t reported = core::load(stats.reported);
    if (dropped <= reported) continue;
    if (core::compare_and_swap(stats.reported, reported, dropped)) sum += dropped - reported;
  }
  return sum;
}

}  // namespace guard::rate
