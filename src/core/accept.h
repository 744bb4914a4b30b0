// Content negotiation (RFC 9110, section 12.5.1) between the two forms of a refusal, and of
// metrics.
#pragma once

#include <cstddef>
#include <string_view>

namespace guard::core {

inline constexpr std::size_t kAcceptMax = 4096;  // bytes that are looked at

// Whether an Accept field value wants text/html more than application/problem+json or
// application/json. Each is weighed by the most specific range that names it; a tie, and a client
// that says nothing or nothing intelligible, gets JSON.
bool prefers_html(std::string_view accept) noexcept;

// Whether an Accept field value names application/openmetrics-text and wants no plain text more.
bool prefers_openmetrics(std::string_view accept) noexcept;

}  // namespace guard::core
