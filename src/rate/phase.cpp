#include "rate/phase.h"

#include <algorithm>

namespace guard::rate {

namespace {

bool needs_body(const Policy& policy, const VariableOrigin& origin) {
  return std::any_of(policy.variables.begin(), policy.variables.end(), origin.body);
}

}  // namespace

bool is_inner(const Policy& policy, std::span<const std::string_view> cost,
              const VariableOrigin& origin) {
  if (policy.phase != Phase::automatic) return policy.phase == Phase::inner;
  return needs_body(policy, origin) || std::any_of(cost.begin(), cost.end(), origin.body);
}

std::string phase_warning(const Policy& policy, const VariableOrigin& origin) {
  if (policy.phase == Phase::inner) return {};
  bool inner = needs_body(policy, origin);
  if (policy.phase == Phase::front) {
    if (!inner) return {};
    return "rate policy \"" + policy.name + "\" has \"phase=front\", where its key \"" +
           policy.key + "\" is not known yet";
  }
  auto derived = std::find_if(policy.variables.begin(), policy.variables.end(), origin.derived);
  if (inner || derived == policy.variables.end()) return {};
  return "rate policy \"" + policy.name + "\" is asked before the body is known, and \"$" +
         *derived + "\" of its key is made by another directive: write \"phase=front\", or " +
         "\"phase=inner\" if that takes it from the body";
}

}  // namespace guard::rate
