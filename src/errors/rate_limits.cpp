#include "errors/rate_limits.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "core/ascii.h"

namespace guard::errors {

namespace {

constexpr std::uint64_t kSecond = 1000;

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

// Up to a separator, which is taken as well.
std::string_view take(std::string_view& text, char separator) noexcept {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return trim(part);
}

// A number of seconds, maybe with a fraction, which is rounded up.
std::optional<std::uint64_t> read_seconds(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) return kLongestLimit;
  if (error != std::errc{} || (at != end && *at != '.')) return std::nullopt;
  if (at != end) ++number;
  return std::min(number, kLongestLimit / kSecond) * kSecond;
}

// "Wed, 21 Oct 2026 07:28:00 GMT", as how long until then.
std::optional<std::uint64_t> read_date(std::string_view text, std::uint64_t wall_ms) noexcept {
  std::array<char, 30> copy{};
  if (text.size() + 1 != copy.size()) return std::nullopt;
  std::ranges::copy(text, copy.begin());
  tm parts{};
  const char* end = strptime(copy.data(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const auto then = static_cast<std::uint64_t>(std::max<time_t>(timegm(&parts), 0)) * kSecond;
  return std::min(then > wall_ms ? then - wall_ms : 0, kLongestLimit);
}

// "60:error;transaction:organization:reason, 2700::key"
std::uint64_t longest_quota(std::string_view value) noexcept {
  std::uint64_t longest = 0;
  while (!value.empty()) {
    std::string_view quota = take(value, ',');
    const std::optional<std::uint64_t> seconds = read_seconds(take(quota, ':'));
    std::string_view categories = take(quota, ':');
    bool ours = categories.empty();
    while (!categories.empty()) {
      const std::string_view category = take(categories, ';');
      ours = ours || category == "error" || category == "default";
    }
    if (seconds && ours) longest = std::max(longest, *seconds);
  }
  return longest;
}

}  // namespace

std::uint64_t limited_for(unsigned status, std::string_view head, std::uint64_t wall_ms) noexcept {
  std::uint64_t quota = 0;
  std::optional<std::uint64_t> retry;
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find('\n'));
    head.remove_prefix(std::min(line.size() + 1, head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (core::equal_without_case(name, "x-sentry-rate-limits")) {
      quota = std::max(quota, longest_quota(value));
    }
    if (core::equal_without_case(name, "retry-after")) {
      retry = read_seconds(value);
      if (!retry) retry = read_date(value, wall_ms);
    }
  }
  // The quotas say more; Retry-After is for who does not know them.
  if (quota != 0) return quota;
  if (status != 429) return 0;
  return retry.value_or(kLimitedFor);
}

}  // namespace guard::errors
