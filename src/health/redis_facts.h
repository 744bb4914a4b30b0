// What Redis says of itself (INFO).
#pragma once

#include <cstdint>
#include <string_view>

#include "health/policy.h"
#include "health/result.h"

namespace guard::health {

// text: of INFO, or why there is none. A replica and a memory that is nearly full are warnings.
Result judge_redis(const CheckPolicy& policy, bool ok, std::string_view text,
                   std::uint64_t microseconds) noexcept;

}  // namespace guard::health
