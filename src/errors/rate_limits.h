// How long Sentry wants no more errors
// (https://develop.sentry.dev/sdk/expected-features/rate-limiting/).
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::errors {

inline constexpr std::uint64_t kLimitedFor = 60'000;        // milliseconds, where 429 does not say
inline constexpr std::uint64_t kLongestLimit = 86'400'000;  // a day, whatever it says

// Milliseconds; 0: it takes more, or says so. head: the fields of the answer, lines that end in
// CRLF; wall_ms: now, since 1970.
std::uint64_t limited_for(unsigned status, std::string_view head, std::uint64_t wall_ms) noexcept;

}  // namespace guard::errors
