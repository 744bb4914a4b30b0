#include "metrics/policy.h"

#include <chrono>
#include <string>

namespace guard::metrics {

std::vector<std::uint64_t> default_buckets() {
  return {5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000};
}

EndpointPolicy parse_endpoint(core::Words& words) {
  words.read(0, {}, {"public"});
  return {words.flag("public")};
}

std::vector<std::uint64_t> parse_buckets(const core::Words& words) {
  using std::chrono::milliseconds;
  if (words.size() > kMaxBuckets) {
    core::fail("more than ", std::to_string(kMaxBuckets), " buckets in \"", words.directive(),
               "\"");
  }
  std::vector<std::uint64_t> bounds;
  for (const std::string_view word : words.all()) {
    const milliseconds bound =
        core::parse_time(words.directive(), word, milliseconds(1), std::chrono::hours(24));
    const auto count = static_cast<std::uint64_t>(bound.count());
    if (!bounds.empty() && count <= bounds.back()) {
      core::fail("bucket \"", word, "\" of \"", words.directive(),
                 "\" is not above the one before it");
    }
    bounds.push_back(count);
  }
  return bounds;
}

std::size_t parse_zone_size(const core::Words& words) {
  return core::parse_size(words.directive(), words[0], std::size_t{1} << 20, kMaxZoneSize);
}

}  // namespace guard::metrics
