// By which gate a policy is asked: that depends on where the variables of its key come from.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "rate/policy.h"

namespace guard::rate {

// What is known of a variable, which is named without the '$'.
struct VariableOrigin {
  // The request's body, or a check of the inner gate.
  std::function<bool(std::string_view)> inner;
  std::function<bool(std::string_view)> derived;  // a directive makes it of what cannot be seen
};

// cost: the variables of the cost.
bool is_inner(const Policy& policy, std::span<const std::string_view> cost,
              const VariableOrigin& origin);

// What is doubtful about the phase, because of the key or of the cost of one guard_rate (as it is
// written, and its variables), or nothing.
std::string key_warning(const Policy& policy, const VariableOrigin& origin);
std::string cost_warning(const Policy& policy, std::string_view written,
                         std::span<const std::string_view> cost, const VariableOrigin& origin);

}  // namespace guard::rate
