// The lockouts of the configuration in force, for whoever looks at their locks from outside a
// request that they apply to.
#pragma once

#include <span>

#include "lockout/lockout_attempts.h"
#include "ngx/compat.h"

namespace guard::lockout {

std::span<Guarded* const> lockouts_in_force(ngx_http_request_t* r) noexcept;
// Of the configuration that is being read. Not before every directive was.
std::span<Guarded* const> lockouts_of(ngx_conf_t* cf) noexcept;

}  // namespace guard::lockout
