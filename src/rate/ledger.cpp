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

bool MeteredPolicy::attach(std::span<std::byte> memory) {
  std::size_t whole = 0;
  for (const Meter& meter : meters) whole += meter.quota.entry_size();
  bool inherited = true;
  for (Meter& meter : meters) {
    std::size_t size = meter.quota.entry_size();
    // The last one gets what rounding has left.
    std::span<std::byte> part = memory.first(memory.size() / whole * size);
    if (&meter == &meters.back()) part = memory;
    meter.limiter.emplace(part, meter.quota);
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

const Asked* Ledger::ask(std::span<Asked> windows, bool alone) noexcept {
  const Asked* refusal = nullptr;
  for (Asked& asked : windows) {
    *end_ = &asked;
    end_ = &asked.next;
    if (alone) continue;
    asked.decision = asked.meter->limiter->peek(asked.key.hash, asked.now, asked.cost);
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
  asked.meter->limiter->give_back(asked.key, asked.now, asked.cost);
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

const Asked* Ledger::strictest_refusal(bool inner) const noexcept {
  const Asked* strictest = nullptr;
  each_refusal(inner, [&](const Asked& asked) {
    if (strictest == nullptr || stricter(asked.decision, strictest->decision)) strictest = &asked;
  });
  return strictest;
}

}  // namespace guard::rate
