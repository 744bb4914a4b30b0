#include "headers/csp_report_policy.h"

namespace guard::headers {

namespace {

constexpr std::uint64_t kMinSize = 1024;
constexpr std::uint64_t kMaxSize = 1U << 20U;
constexpr std::uint64_t kMaxRate = 100'000;
constexpr auto kMaxWindow = std::chrono::hours(24 * 30);
constexpr std::uint64_t kMinZone = 64U << 10U;
constexpr std::uint64_t kMaxZone = std::uint64_t{1} << 30U;

}  // namespace

CspReportPolicy parse_csp_report(core::Words& words) {
  CspReportPolicy policy;
  words.read(0, {"size", "rate", "total", "window", "zone"});
  if (const auto value = words.named("size")) {
    policy.size = core::parse_size("size=", *value, kMinSize, kMaxSize);
  }
  if (const auto value = words.named("rate")) {
    policy.rate = static_cast<std::uint32_t>(core::parse_number("rate=", *value, 1, kMaxRate));
  }
  if (const auto value = words.named("total")) {
    policy.total = static_cast<std::uint32_t>(core::parse_number("total=", *value, 1, kMaxRate));
  }
  if (policy.total < policy.rate) {
    core::fail("\"total=", std::to_string(policy.total),
               "\" is less than \"rate=", std::to_string(policy.rate), "\"");
  }
  if (const auto value = words.named("window")) {
    const auto window = core::parse_time("window=", *value, std::chrono::seconds(1), kMaxWindow);
    policy.window = static_cast<std::uint32_t>(window.count() / 1000);
  }
  if (const auto value = words.named("zone")) {
    policy.zone = core::parse_size("zone=", *value, kMinZone, kMaxZone);
  }
  return policy;
}

}  // namespace guard::headers
