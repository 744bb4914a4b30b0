#include "rate/phase.h"

#include <algorithm>
#include <vector>

#include "core/policy_words.h"

namespace guard::rate {

namespace {

using Names = std::vector<std::string_view>;

bool needs_inner(const Names& variables, const VariableOrigin& origin) {
  return std::any_of(variables.begin(), variables.end(), origin.inner);
}

Names key_of(const Policy& policy) {
  return {policy.variables.begin(), policy.variables.end()};
}

// what: "key" or "cost", as it is written, and its variables. inner: what else the policy needs
// puts it inside.
std::string warning(const Policy& policy, std::string_view what, std::string_view written,
                    const Names& variables, bool inner, const VariableOrigin& origin) {
  std::string name = policy.title() + " ";
  std::string of("its ");
  of += what;
  std::string late = core::answer_warning(policy.title(), what, variables);
  if (!late.empty()) return late;
  if (policy.phase == Phase::inner) return {};
  if (policy.phase == Phase::front) {
    if (!needs_inner(variables, origin)) return {};
    return name + "has \"phase=front\", where " + of + " \"" + std::string(written) +
           "\" is not known yet";
  }
  auto derived = std::find_if(variables.begin(), variables.end(), origin.derived);
  if (inner || derived == variables.end() || needs_inner(variables, origin)) return {};
  return name + "is asked before the body is known, and \"$" + std::string(*derived) + "\" of " +
         of + " is made by another directive: write \"phase=front\", or \"phase=inner\" if that " +
         "takes it from the body";
}

}  // namespace

bool is_inner(const Policy& policy, std::span<const std::string_view> cost,
              const VariableOrigin& origin) {
  if (policy.phase != Phase::automatic) return policy.phase == Phase::inner;
  return needs_inner(key_of(policy), origin) || std::any_of(cost.begin(), cost.end(), origin.inner);
}

std::string key_warning(const Policy& policy, const VariableOrigin& origin) {
  return warning(policy, "key", policy.key, key_of(policy), false, origin);
}

std::string cost_warning(const Policy& policy, std::string_view written,
                         std::span<const std::string_view> cost, const VariableOrigin& origin) {
  return warning(policy, "cost", written, {cost.begin(), cost.end()},
                 needs_inner(key_of(policy), origin), origin);
}

}  // namespace guard::rate
