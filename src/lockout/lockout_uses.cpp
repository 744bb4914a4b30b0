#include "lockout/lockout_uses.h"

#include <algorithm>

namespace guard::lockout {

namespace {

bool has(std::span<Policy* const> list, const Policy* policy) {
  return std::find(list.begin(), list.end(), policy) != list.end();
}

}  // namespace

void Uses::turn_off() {
  if (set_) core::fail("\"guard_lockout off\" beside other \"guard_lockout\" of the same level");
  set_ = true;
}

void Uses::expect(std::string_view word) const {
  if (!set_ || !list_.empty()) return;
  core::fail("\"guard_lockout ", word, "\" beside \"guard_lockout off\" of the same level");
}

void Uses::add(const Use& use, std::string_view word, Policy& policy) {
  if (has(list_, &policy)) {
    core::fail("lockout policy \"", use.name, "\" is applied twice at the same level");
  }
  if (!list_.empty() && adds_ != use.adds) {
    core::fail("\"guard_lockout ", word,
               "\": names with and without \"+\" cannot stand at the same level");
  }
  set_ = true;
  adds_ = use.adds;
  list_.push_back(&policy);
  if (list_.size() > kMaxUses) {
    core::fail("more than ", std::to_string(kMaxUses), " lockout policies at the same level");
  }
}

std::string Uses::inherit(const Uses& around) {
  std::string replaced;
  if (!set_) {
    *this = around;
  } else if (adds_) {
    std::vector<Policy*> all;
    for (Policy* policy : around.list_) {
      if (!has(list_, policy)) all.push_back(policy);
    }
    all.insert(all.end(), list_.begin(), list_.end());
    list_ = std::move(all);
  } else if (!list_.empty()) {
    for (Policy* policy : around.list_) {
      replaced += (replaced.empty() ? "\"" : ", \"") + policy->name + "\"";
    }
  }
  if (list_.size() > kMaxUses) {
    core::fail("more than ", std::to_string(kMaxUses), " lockout policies in one location");
  }
  return replaced;
}

}  // namespace guard::lockout
