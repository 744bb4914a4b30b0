// What several rooms say of the zones in which they count.
#pragma once

#include "core/metric_text.h"

namespace guard::core {

inline constexpr MetricFamily kZoneEvictions = {
    "guard_zone_evictions", MetricType::counter, "",
    "Entries of a zone that still counted, and were given up for want of room"};
inline constexpr MetricFamily kZoneUsed = {"guard_zone_used_ratio", MetricType::gauge, "ratio",
                                           "Share of a zone that is in use"};

}  // namespace guard::core
