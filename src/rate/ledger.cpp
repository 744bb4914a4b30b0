#include "rate/ledger.h"

#include <utility>

namespace guard::rate {

void Meter::define(Policy defined) {
  policy = std::move(defined);
  code = policy.code();
  detail = policy.detail();
  item = policy_item(policy);
}

void Ledger::begin(bool inner) noexcept {
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->inner == inner) asked->final = true;
  }
}

void Ledger::ask(Asked& asked, bool alone) noexcept {
  if (!alone) asked.decision = asked.meter->limiter->peek(asked.key.hash, asked.now, asked.cost);
  *end_ = &asked;
  end_ = &asked.next;
}

void Ledger::give_back(bool inner) noexcept {
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->inner != inner || asked->final || !asked->charged) continue;
    asked->meter->limiter->give_back(asked->key, asked->now, asked->cost);
    asked->charged = false;
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
