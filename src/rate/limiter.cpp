#include "rate/limiter.h"

#include <algorithm>

namespace guard::rate {

namespace {

using core::CounterKey;
using core::CounterKind;
using core::CounterLog;
using core::CounterOnce;
using core::CounterTable;
using core::CounterZone;

// The part of the memory, at its end, that remembers which keys were reported; in front of it, that
// of what others have not been told.
constexpr std::size_t kReportShare = 64;
constexpr std::size_t kDeltaShare = 4;

std::size_t report_words(std::span<std::byte> memory) {
  std::size_t words = memory.size() / kReportShare / sizeof(std::uint64_t);
  return std::max(CounterOnce::kWays, words / CounterOnce::kWays * CounterOnce::kWays);
}

std::span<std::uint64_t> report_part(std::span<std::byte> memory) {
  std::size_t words = report_words(memory);
  std::byte* end = memory.data() + memory.size();
  end -= reinterpret_cast<std::uintptr_t>(end) % sizeof(std::uint64_t);
  return {reinterpret_cast<std::uint64_t*>(end) - words, words};
}

std::span<std::byte> before_reports(std::span<std::byte> memory) {
  auto* end = reinterpret_cast<std::byte*>(report_part(memory).data());
  return memory.first(static_cast<std::size_t>(end - memory.data()));
}

std::span<std::byte> counter_part(std::span<std::byte> memory, bool deltas) {
  std::span<std::byte> rest = before_reports(memory);
  return deltas ? rest.first(rest.size() - rest.size() / kDeltaShare) : rest;
}

std::span<std::byte> delta_part(std::span<std::byte> memory) {
  std::span<std::byte> rest = before_reports(memory);
  return rest.last(rest.size() / kDeltaShare);
}

template <class Decided>
Decision of(const Decided& d) {
  return {d.admitted, d.remaining, d.reset, d.retry};
}

// What only counts fails open.
template <class Decided>
Decision of(CounterTable::Update outcome, Decided& d) {
  if (outcome == CounterTable::Update::unavailable) d.admitted = true;
  return of(d);
}

template <class Window>
Decision peek_window(const CounterTable& table, const Window& window, std::uint64_t hash,
                     std::uint64_t now, std::uint64_t cost) noexcept {
  return of(window.decide(table.peek(hash), now, window.clock().phase_of(hash), cost));
}

template <class Window, class Decide>
CounterTable::Update update_window(CounterTable& table, const Window& window, const CounterKey& key,
                                   std::uint64_t now, Decide&& decide) noexcept {
  auto used = [&](std::uint64_t tag, std::uint64_t state) noexcept {
    return window.used(state, now, window.clock().phase_of(tag));
  };
  return table.update(key, used, decide);
}

template <class Window>
void give_back_window(CounterTable& table, const Window& window, const CounterKey& key,
                      std::uint64_t taken, std::uint64_t cost) noexcept {
  std::uint64_t phase = window.clock().phase_of(key.hash);
  update_window(table, window, key, taken, [&](std::uint64_t state) noexcept {
    return state == 0 ? 0 : window.give_back(state, taken, phase, cost);
  });
}

// A key that has none of its quota used need not be remembered.
auto becomes(std::uint64_t state, bool used) noexcept {
  return [=](std::uint64_t old) noexcept { return old == 0 && !used ? old : state; };
}

template <class Window>
Decision adopt_window(CounterTable& table, const Window& window, const CounterKey& key,
                      std::uint64_t cost, const core::RemoteAnswer& answer) noexcept {
  std::uint64_t phase = window.clock().phase_of(key.hash);
  core::WindowCounts counts = window.clock().at(0, answer.now, phase);
  counts.previous = answer.previous;
  counts.current = answer.current;
  std::uint64_t state = core::WindowClock::pack(counts);
  bool used = counts.previous != 0 || counts.current != 0;
  update_window(table, window, key, answer.now, becomes(state, used));
  return of(window.decide(state, answer.now, phase, answer.admitted ? 0 : cost));
}

// A state of the GCRA is a time in its units: the later, the more is used.
auto used_after(std::uint64_t now) noexcept {
  return
      [now](std::uint64_t, std::uint64_t state) noexcept { return state > now ? state - now : 0; };
}

}  // namespace

CounterKind kind_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::sliding_window:
      return CounterKind::sliding_window;
    case Algorithm::sliding_log:
      return CounterKind::sliding_log;
    case Algorithm::fixed_window:
      return CounterKind::fixed_window;
    case Algorithm::gcra:
      break;
  }
  return CounterKind::gcra;
}

// What a request takes is noted for others just before it is counted, see core/shared_total.h,
// once, however often the race for its entry has to be run.
class Limiter::Note {
 public:
  Note(Limiter& limiter, const CounterKey& key, std::uint64_t now, std::uint64_t cost) noexcept
      : limiter_(limiter),
        hash_{key.hash, key.high},
        now_(now),
        cost_(static_cast<std::int64_t>(cost)) {}
  ~Note() {
    if (window_) limiter_.deltas_->end();
  }
  Note(const Note&) = delete;
  Note& operator=(const Note&) = delete;

  void put(std::uint64_t window) noexcept {
    if (!limiter_.deltas_ || cost_ == 0 || window_ == window) return;
    remove();
    limiter_.deltas_->begin(hash_.low, window, cost_);
    limiter_.note(hash_, window, cost_, now_);
    window_ = window;
  }
  void remove() noexcept {
    if (!window_) return;
    limiter_.note(hash_, *window_, -cost_, now_);
    limiter_.deltas_->end();
    window_.reset();
  }

 private:
  Limiter& limiter_;
  core::Hash128 hash_;
  std::uint64_t now_;
  std::int64_t cost_;
  std::optional<std::uint64_t> window_;
};

Limiter::Limiter(std::span<std::byte> memory, const Quota& quota, bool deltas)
    : quota_(quota),
      gcra_(quota.count, quota.period, quota.burst),
      sliding_(quota.count, quota.period),
      fixed_(quota.count, quota.period),
      reports_(report_part(memory)) {
  bool log = quota.algorithm == Algorithm::sliding_log;
  std::size_t set_size = log ? CounterLog::set_size(quota.count) : CounterTable::kSetSize;
  CounterZone zone = CounterZone::attach(counter_part(memory, deltas), kind_of(quota.algorithm),
                                         set_size, {quota.count, quota.period});
  if (deltas) deltas_ = core::DeltaTable::attach(delta_part(memory));
  if (log) {
    log_.emplace(zone, core::SlidingLog(quota.count, quota.period));
  } else {
    table_.emplace(zone);
  }
  if (attached() != core::Attached::inherited) {
    for (std::uint64_t& word : report_part(memory)) core::store(word, 0);
  }
}

Decision Limiter::peek(std::uint64_t hash, std::uint64_t now, std::uint64_t cost) noexcept {
  switch (quota_.algorithm) {
    case Algorithm::sliding_window:
      return peek_window(*table_, sliding_, hash, now, cost);
    case Algorithm::fixed_window:
      return peek_window(*table_, fixed_, hash, now, cost);
    case Algorithm::sliding_log:
      return of(log_->peek(hash, now, cost));
    case Algorithm::gcra:
      break;
  }
  return of(gcra_.decide(table_->peek(hash), now, cost));
}

Decision Limiter::take(const CounterKey& key, std::uint64_t now, std::uint64_t cost) noexcept {
  switch (quota_.algorithm) {
    case Algorithm::sliding_window:
      return take_window(sliding_, key, now, cost);
    case Algorithm::fixed_window:
      return take_window(fixed_, key, now, cost);
    case Algorithm::sliding_log:
      return of(log_->take(key, now, cost));
    case Algorithm::gcra:
      break;
  }
  return take_gcra(key, now, cost);
}

Decision Limiter::take_gcra(const CounterKey& key, std::uint64_t now, std::uint64_t cost) noexcept {
  core::Gcra::Decision decision;
  Note note(*this, key, now, cost);
  auto decide = [&](std::uint64_t state) noexcept {
    decision = gcra_.decide(state, now, cost);
    decision.admitted ? note.put(0) : note.remove();
    return decision.state;
  };
  auto outcome = table_->update(key, used_after(gcra_.units(now)), decide);
  if (outcome == CounterTable::Update::unavailable) note.remove();
  return of(outcome, decision);
}

template <class Window>
Decision Limiter::take_window(const Window& window, const CounterKey& key, std::uint64_t now,
                              std::uint64_t cost) noexcept {
  core::WindowDecision decision;
  std::uint64_t phase = window.clock().phase_of(key.hash);
  Note note(*this, key, now, cost);
  auto outcome = update_window(*table_, window, key, now, [&](std::uint64_t state) noexcept {
    decision = window.decide(state, now, phase, cost);
    decision.admitted ? note.put(core::WindowClock::index_of(decision.state)) : note.remove();
    return decision.state;
  });
  if (outcome == CounterTable::Update::unavailable) note.remove();
  return of(outcome, decision);
}

Decision Limiter::adopt_log(const CounterKey& key, std::uint64_t now, std::uint64_t cost,
                            const core::RemoteAnswer& answer) noexcept {
  std::array<std::uint64_t, core::SlidingLog::kMaxCount> stamps{};
  std::array<std::uint64_t, core::SlidingLog::kMaxCount> kept{};
  std::size_t size = std::min<std::size_t>(answer.size, quota_.count);
  for (std::size_t i = 0; i < size; ++i) {
    const std::int64_t age = answer.age(i);
    if (age < static_cast<std::int64_t>(now)) stamps[i] = now - static_cast<std::uint64_t>(age);
    kept[i] = std::min(stamps[i], now);
  }
  log_->adopt(key, now, {kept.data(), size});
  return of(
      core::SlidingLog(quota_.count, quota_.period).peek(stamps, now, answer.admitted ? 0 : cost));
}

Decision Limiter::adopt(const CounterKey& key, std::uint64_t now, std::uint64_t cost,
                        const core::RemoteAnswer& answer) noexcept {
  Decision decision;
  switch (quota_.algorithm) {
    case Algorithm::sliding_window:
      decision = adopt_window(*table_, sliding_, key, cost, answer);
      break;
    case Algorithm::fixed_window:
      decision = adopt_window(*table_, fixed_, key, cost, answer);
      break;
    case Algorithm::sliding_log:
      decision = adopt_log(key, now, cost, answer);
      break;
    case Algorithm::gcra: {
      std::uint64_t start = gcra_.units(now);
      std::uint64_t kept = start + std::min(answer.level, gcra_.capacity());
      table_->update(key, used_after(start), becomes(kept, answer.level != 0));
      decision = of(gcra_.decide(start + answer.level, now, answer.admitted ? 0 : cost));
      break;
    }
  }
  decision.admitted = answer.admitted;
  return decision;
}

std::optional<std::uint64_t> Limiter::ahead() const noexcept {
  const core::CounterClock& clock = zone().clock();
  if (core::load(clock.known) == 0) return std::nullopt;
  return core::load(clock.ahead);
}

void Limiter::tell_ahead(std::uint64_t ahead) const noexcept {
  core::CounterClock& clock = zone().clock();
  core::store(clock.ahead, ahead);
  core::store(clock.known, 1);
}

std::uint64_t Limiter::phase_of(std::uint64_t hash) const noexcept {
  return quota_.has_windows() ? sliding_.clock().phase_of(hash) : 0;
}

// What a node is said to have counted is never less than what it has: here the state comes first.
void Limiter::give_back(const CounterKey& key, std::uint64_t taken, std::uint64_t cost) noexcept {
  if (!deltas_ || cost == 0) return uncount(key, taken, cost);
  const core::WindowClock& clock = sliding_.clock();
  std::uint64_t window =
      quota_.has_windows() ? clock.at(0, taken, clock.phase_of(key.hash)).index : 0;
  auto amount = -static_cast<std::int64_t>(cost);
  deltas_->begin(key.hash, window, amount);
  uncount(key, taken, cost);
  note({key.hash, key.high}, window, amount, taken);
  deltas_->end();
}

void Limiter::uncount(const CounterKey& key, std::uint64_t taken, std::uint64_t cost) noexcept {
  switch (quota_.algorithm) {
    case Algorithm::sliding_window:
      return give_back_window(*table_, sliding_, key, taken, cost);
    case Algorithm::fixed_window:
      return give_back_window(*table_, fixed_, key, taken, cost);
    case Algorithm::sliding_log:
      return log_->give_back(key.hash, taken, cost);
    case Algorithm::gcra:
      break;
  }
  table_->update(key, used_after(gcra_.units(taken)), [&](std::uint64_t state) noexcept {
    return state == 0 ? 0 : gcra_.give_back(state, cost);
  });
}

std::uint64_t Limiter::count_used(std::uint64_t first, std::uint64_t count,
                                  std::uint64_t now) const noexcept {
  const auto of_window = [&](const auto& window) noexcept {
    return table_->count_used(first, count, [&](std::uint64_t tag, std::uint64_t state) noexcept {
      return state == 0 ? 0 : window.used(state, now, window.clock().phase_of(tag));
    });
  };
  switch (quota_.algorithm) {
    case Algorithm::sliding_log:
      return log_->count_used(first, count, now);
    case Algorithm::sliding_window:
      return of_window(sliding_);
    case Algorithm::fixed_window:
      return of_window(fixed_);
    case Algorithm::gcra:
      break;
  }
  return table_->count_used(first, count, used_after(gcra_.units(now)));
}

}  // namespace guard::rate
