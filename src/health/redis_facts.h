// What Redis says of itself (INFO).
#pragma once

#include <cstdint>
#include <string_view>

#include "health/policy.h"
#include "health/result.h"

namespace guard::health {

// problem: why it does not answer, or empty; facts: the text of INFO, or empty. A replica and a
// memory that is nearly full are warnings.
Result judge_redis(const CheckPolicy& policy, std::string_view problem, std::string_view facts,
                   std::uint64_t microseconds) noexcept;

}  // namespace guard::health
