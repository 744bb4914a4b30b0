#include "lockout/ban_uses.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/words.h"
#include "lockout/ban_register.h"

namespace guard::lockout {

std::string_view BanUses::name_of(BanRegister* const& one) {
  return one->policy.name;
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
