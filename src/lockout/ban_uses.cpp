#include "lockout/ban_uses.h"

#include <algorithm>

#include "core/words.h"
#include "lockout/ban_register.h"

namespace guard::lockout {

void BanUses::turn_off() {
  if (set_) core::fail("\"guard_ban off\" beside other \"guard_ban\" of the same level");
  set_ = true;
}

void BanUses::add(const BanUse& use, std::string_view word, BanRegister& policy) {
  if (set_ && list_.empty()) {
    core::fail("\"guard_ban ", word, "\" beside \"guard_ban off\" of the same level");
  }
  if (std::ranges::find(list_, &policy) != list_.end()) {
    core::fail("ban policy \"", use.name, "\" is applied twice at the same level");
  }
  if (!list_.empty() && adds_ != use.adds) {
    core::fail("\"guard_ban ", word,
               "\": names with and without \"+\" cannot stand at the same level");
  }
  if (list_.size() == kMaxBanUses) {
    core::fail("more than ", std::to_string(kMaxBanUses), " ban policies at the same level");
  }
  set_ = true;
  adds_ = use.adds;
  list_.push_back(&policy);
}

std::string BanUses::inherit(const BanUses& around) {
  std::string replaced;
  if (!set_) {
    *this = around;
  } else if (adds_) {
    std::vector<BanRegister*> all = around.list_;
    for (BanRegister* own : list_) {
      if (std::ranges::find(all, own) == all.end()) all.push_back(own);
    }
    list_ = std::move(all);
  } else if (!list_.empty()) {
    for (const BanRegister* lost : around.list_) {
      replaced += (replaced.empty() ? "\"" : ", \"") + lost->policy.name + "\"";
    }
  }
  if (list_.size() > kMaxBanUses) {
    core::fail("more than ", std::to_string(kMaxBanUses), " ban policies in one location");
  }
  return replaced;
}

BanRegister* find_ban_policy(std::span<BanRegister* const> policies, std::string_view name) {
  auto found = std::ranges::find(policies, name, [](const BanRegister* one) -> const std::string& {
    return one->policy.name;
  });
  return found == policies.end() ? nullptr : *found;
}

void fail_unknown_ban(std::span<BanRegister* const> policies, std::string_view name) {
  std::vector<std::string_view> names;
  for (const BanRegister* one : policies) names.emplace_back(one->policy.name);
  std::string hint = core::suggestion(name, names);
  if (hint.empty()) hint = ", a policy must be defined before it is used";
  core::fail("unknown ban policy \"", name, "\"", hint);
}

}  // namespace guard::lockout
