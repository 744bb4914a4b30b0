// The fields that tell a client how much is left: RateLimit and RateLimit-Policy
// (draft-ietf-httpapi-ratelimit-headers-11, Structured Fields of RFC 9651), and the X-RateLimit-*
// of older habit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "rate/limiter.h"
#include "rate/policy.h"

namespace guard::rate {

enum class FieldStyle : std::uint8_t { draft, legacy, both, off };

inline constexpr std::array<std::string_view, 4> kFieldStyles = {"draft", "legacy", "both", "off"};

// Whole seconds, rounded up: nobody is sent back too early.
constexpr std::uint64_t ceil_seconds(std::uint64_t microseconds) {
  return (microseconds + 999'999) / 1'000'000;
}

// Seconds for Retry-After of a refusal: at least 1, never less than the t of the RateLimit field,
// which tells of `told`.
constexpr std::uint64_t retry_after(const Decision& refusal, const Decision& told) {
  std::uint64_t seconds = ceil_seconds(refusal.retry > told.reset ? refusal.retry : told.reset);
  return seconds == 0 ? 1 : seconds;
}

// Whether a says less to come than b: a refusal before what passed, the longer wait before the
// shorter, the smaller rest before the larger.
bool stricter(const Decision& a, const Decision& b) noexcept;

// An item of RateLimit-Policy: "api";q=100;w=60. q is how many pass at once (burst), w the seconds
// in which an untouched quota comes back, rounded up.
std::string policy_item(std::string_view name, const Quota& quota);

// The longest that write_rate_limit writes for a window of any policy.
inline constexpr std::size_t kRateLimitMax = kMaxName + 56;

// The RateLimit field: "api";r=50;t=30. No t when the quota is full. Answers the bytes written.
std::size_t write_rate_limit(std::string_view name, const Decision& decision, char* out) noexcept;

}  // namespace guard::rate
