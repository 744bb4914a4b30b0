// What is said of Guard's own zones.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/metric_text.h"
#include "ngx/zone.h"

namespace guard::core {

inline constexpr MetricFamily kZoneEvictions = {
    "guard_zone_evictions", MetricType::counter, "",
    "Entries that still counted, or were to, and for which a zone had no room"};
inline constexpr MetricFamily kZoneUsed = {"guard_zone_used_ratio", MetricType::gauge, "ratio",
                                           "Share of a zone that is in use"};

struct ZoneUse {
  std::uint64_t used = 0;
  std::uint64_t places = 1;
  std::uint64_t evictions = 0;
};

// Of a zone whose use is known at any time; that of others a Census counts. Configuration time.
// read: in a worker.
using ReadZoneUse = ZoneUse (*)(void* context) noexcept;
void add_zone_metrics(ngx_conf_t* cf, const ngx::Zone& zone, ReadZoneUse read, void* context);
// One that holds so many bytes, always the same, and nothing else.
void add_zone_metrics(ngx_conf_t* cf, const ngx::Zone& zone, std::size_t bytes);

}  // namespace guard::core
