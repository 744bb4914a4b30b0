// The gates' phase handlers. See docs/architecture.md, "The way of a request".
#pragma once

#include "ngx/compat.h"

namespace guard::core {

ngx_int_t front_gate(ngx_http_request_t* r) noexcept;
ngx_int_t inner_gate(ngx_http_request_t* r) noexcept;

}  // namespace guard::core
