// Where a room registers what it counts.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/metric.h"
#include "ngx/compat.h"

namespace guard::core {

// Of the configuration that is being read, and of one that runs; null: it has no http block. In
// preconfiguration or later.
MetricRegistry& metrics_of(ngx_conf_t* cf);
MetricRegistry* metrics_of(ngx_cycle_t* cycle) noexcept;

// What the requests of a location are called: its guard_route; empty: it has none. While locations
// are merged, in a module behind core's.
std::string_view route_of(ngx_conf_t* cf);
// And where it has none: the location as it is written, "= /login", "~ \.php$"; empty: outside of
// any.
std::string location_name(ngx_conf_t* cf);
// The same for what an API description calls them: the texts that Request::set_operation() gets,
// which must live as long as the configuration. To be declared by who sets them.
void declare_operations(ngx_conf_t* cf, std::vector<std::string_view> names);
const std::vector<std::string_view>& operations_of(ngx_conf_t* cf);

// The location whose answer a request got: not that of its error page. To be asked when the request
// is over, by who has had it noted.
void** answering_location(ngx_http_request_t* r) noexcept;
// Notes it on the way, where a location has error pages. In postconfiguration.
void install_error_page_notes(ngx_conf_t* cf);

}  // namespace guard::core
