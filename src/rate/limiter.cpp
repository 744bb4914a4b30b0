#include "rate/limiter.h"

namespace guard::rate {

namespace {

// The part of the memory, at its end, that remembers which keys were reported.
constexpr std::size_t kReportShare = 64;

std::size_t report_words(std::span<std::byte> memory) {
  return memory.size() / kReportShare / sizeof(std::uint64_t) + 1;
}

std::span<std::uint64_t> report_part(std::span<std::byte> memory) {
  std::size_t words = report_words(memory);
  std::byte* end = memory.data() + memory.size();
  end -= reinterpret_cast<std::uintptr_t>(end) % sizeof(std::uint64_t);
  return {reinterpret_cast<std::uint64_t*>(end) - words, words};
}

std::span<std::byte> counter_part(std::span<std::byte> memory) {
  auto* end = reinterpret_cast<std::byte*>(report_part(memory).data());
  return memory.first(static_cast<std::size_t>(end - memory.data()));
}

Decision of(const core::Gcra::Decision& d) {
  return {d.admitted, d.remaining, d.reset, d.retry};
}

Decision of(const core::SlidingLog::Decision& d) {
  return {d.admitted, d.remaining, d.reset, d.retry};
}

}  // namespace

Limiter::Limiter(std::span<std::byte> memory, const Quota& quota)
    : quota_(quota), gcra_(quota.count, quota.period, quota.burst), reports_(report_part(memory)) {
  using core::CounterKind;
  using core::CounterLog;
  using core::CounterTable;
  using core::CounterZone;
  core::CounterParameters parameters{quota.count, quota.period};
  if (quota.algorithm == Algorithm::gcra) {
    table_.emplace(CounterZone::attach(counter_part(memory), CounterKind::gcra,
                                       CounterTable::kSetSize, parameters));
  } else {
    log_.emplace(CounterZone::attach(counter_part(memory), CounterKind::sliding_log,
                                     CounterLog::set_size(quota.count), parameters),
                 core::SlidingLog(quota.count, quota.period));
  }
  if (attached() != core::Attached::inherited) {
    for (std::uint64_t& word : report_part(memory)) core::store(word, 0);
  }
}

Decision Limiter::peek(std::uint64_t hash, std::uint64_t now, std::uint64_t cost) noexcept {
  if (table_) return of(gcra_.decide(table_->peek(hash), now, cost));
  return of(log_->peek(hash, now, cost));
}

Decision Limiter::take(const core::CounterKey& key, std::uint64_t now,
                       std::uint64_t cost) noexcept {
  if (log_) return of(log_->take(key, now, cost));
  core::Gcra::Decision decision;
  auto outcome = table_->update(key, gcra_.units(now), [&](std::uint64_t state) noexcept {
    decision = gcra_.decide(state, now, cost);
    return decision.state;
  });
  // What only counts fails open.
  if (outcome == core::CounterTable::Update::unavailable) decision.admitted = true;
  return of(decision);
}

void Limiter::give_back(const core::CounterKey& key, std::uint64_t taken,
                        std::uint64_t cost) noexcept {
  if (log_) return log_->give_back(key.hash, taken, cost);
  table_->update(key, gcra_.units(taken), [&](std::uint64_t state) noexcept {
    return state == 0 ? 0 : gcra_.give_back(state, cost);
  });
}

}  // namespace guard::rate
