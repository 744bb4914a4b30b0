// One answer of guard_metrics: written piece by piece, and between two pieces other requests have
// their turn, so that however many series there are, none of them waits for all.
#pragma once

#include "core/metric.h"
#include "ngx/compat.h"

namespace guard::core {

// What a content handler returns. r may be gone when it is NGX_DONE.
ngx_int_t answer_metrics(ngx_http_request_t* r, const MetricRegistry& registry,
                         MetricFormat format) noexcept;

}  // namespace guard::core
