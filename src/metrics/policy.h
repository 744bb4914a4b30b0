// What guard_metrics and its companions say.
#pragma once

#include <cstdint>
#include <vector>

#include "core/words.h"

namespace guard::metrics {

inline constexpr std::size_t kMaxBuckets = 32;
inline constexpr std::size_t kDefaultZoneSize = std::size_t{8} << 20;
inline constexpr std::size_t kMaxZoneSize = std::size_t{1} << 30;

// Bounds of the buckets of times, in milliseconds, rising; Prometheus's own.
std::vector<std::uint64_t> default_buckets();

struct EndpointPolicy {
  bool open = false;  // "public"
};

// guard_metrics [public]. All throw ConfigError.
EndpointPolicy parse_endpoint(core::Words& words);
// guard_metrics_buckets TIME ...
std::vector<std::uint64_t> parse_buckets(const core::Words& words);
// guard_metrics_zone SIZE
std::size_t parse_zone_size(const core::Words& words);

}  // namespace guard::metrics
