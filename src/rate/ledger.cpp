#include "rate/ledger.h"

#include <utility>

namespace guard::rate {

void MeteredPolicy::define(Policy defined) {
  policy = std::move(defined);
  code = policy.code();
  for (const Window& window : policy.windows) {
    Meter& meter = meters.emplace_back();
    meter.owner = this;
    meter.quota = window.quota;
    meter.name = policy.name_of(window);
    meter.detail = policy.detail(window);
    meter.item = policy_item(meter.name, window.quota);
  }
}

void MeteredPolicy::share(core::RemoteStore& store) {
  std::string name = store.prefix + policy.name + ":";
  for (std::size_t i = 0; i < meters.size(); ++i) {
    Meter& meter = meters[i];
    std::string suffix = meters.size() == 1 ? "" : "." + policy.windows[i].period;
    meter.remote.emplace(kind_of(meter.quota.algorithm),
                         core::CounterParameters{meter.quota.count, meter.quota.period},
                         meter.quota.burst, name, suffix);
  }
  shared.emplace();
  shared->store = &store;
  if (meters.size() == 1 && meters.front().quota.algorithm == Algorithm::gcra) {
    shared->alone = std::make_unique<core::CounterQueue>(store.client, *meters.front().remote);
  }
}

bool MeteredPolicy::attach(std::span<std::byte> memory) {
  std::size_t whole = 0;
  for (const Meter& meter : meters) whole += meter.quota.entry_size();
  bool inherited = true;
  for (Meter& meter : meters) {
    std::size_t size = meter.quota.entry_size();
    // The last one gets what rounding has left.
    std::span<std::byte> part = memory.first(memory.size() / whole * size);
    if (&meter == &meters.back()) part = memory;
    meter.limiter.emplace(part, meter.quota, policy.counts_by_interval());
    inherited = inherited && meter.limiter->attached() == core::Attached::inherited;
    memory = memory.subspan(part.size());
    whole -= size;
  }
  return inherited;
}

void Ledger::begin(bool inner) noexcept {
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->inner == inner) asked->final = true;
  }
}

void Ledger::mean(const MeteredPolicy& policy) noexcept {
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->final && asked->meter->owner == &policy && asked->charged) asked->dry_run = false;
  }
}

const Asked* Ledger::ask(std::span<Asked> windows, bool alone) noexcept {
  // What an earlier location has only observed is told anew.
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->final && asked->meter->owner == windows.front().meter->owner) asked->unknown = true;
  }
  const Asked* refusal = nullptr;
  for (Asked& asked : windows) {
    *end_ = &asked;
    end_ = &asked.next;
    // Another check may refuse before charge() has asked.
    if (alone) asked.unknown = true;
    // Where nobody counts, or nobody knows, what was counted here says nothing either.
    if (alone || decided_elsewhere(asked)) continue;
    asked.decision = asked.meter->limiter->peek(asked.key.hash, asked.time(), asked.cost);
    if (asked.decision.admitted) continue;
    if (refusal == nullptr || stricter(asked.decision, refusal->decision)) refusal = &asked;
  }
  if (refusal != nullptr) {
    for (Asked& asked : windows) asked.withheld = true;
  }
  return refusal;
}

void Ledger::give_back(Asked& asked) noexcept {
  if (!asked.charged) return;
  std::uint64_t taken = asked.time();
  if (asked.shared != nullptr && asked.shared->state == SharedEntry::State::taken) {
    asked.shared->refund();
    // The windows of the mirror are Redis's.
    if (asked.meter->quota.has_windows()) taken = asked.shared->taken_at;
  }
  asked.meter->limiter->give_back(asked.key, taken, asked.cost);
  asked.charged = false;
}

void Ledger::give_back(bool inner) noexcept {
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->inner == inner && !asked->final) give_back(*asked);
  }
}

void Ledger::withhold(const Asked& asked) noexcept {
  for (Asked* other = first_; other != nullptr; other = other->next) {
    if (other->meter->owner != asked.meter->owner || other->final) continue;
    other->withheld = true;
    give_back(*other);
  }
}

const Asked* Ledger::strictest() const noexcept {
  const Asked* strictest = nullptr;
  each_told([&](const Asked& asked) {
    if (strictest == nullptr || stricter(asked.decision, strictest->decision)) strictest = &asked;
  });
  return strictest;
}

const Asked* Ledger::closed(bool inner, bool dry_run) const noexcept {
  for (const Asked* asked = first_; asked != nullptr; asked = asked->next) {
    bool closed = asked->shared != nullptr && asked->shared->state == SharedEntry::State::closed;
    if (closed && asked->inner == inner && !asked->final && asked->dry_run == dry_run) return asked;
  }
  return nullptr;
}

const Asked* Ledger::strictest_refusal(bool inner) const noexcept {
  const Asked* strictest = nullptr;
  each_refusal(inner, [&](const Asked& asked) {
    if (strictest == nullptr || stricter(asked.decision, strictest->decision)) strictest = &asked;
  });
  return strictest;
}

std::span<Asked> ask_all(MeteredPolicy& policy, const Asked& question, Space space) noexcept {
  std::vector<Meter>& meters = policy.meters;
  auto* asked = space.take<Asked>(meters.size());
  if (asked == nullptr) return {};
  for (std::size_t i = 0; i < meters.size(); ++i) {
    new (asked + i) Asked(question);
    asked[i].meter = &meters[i];
  }
  return {asked, meters.size()};
}

}  // namespace guard::rate
