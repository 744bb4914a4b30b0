// The ban policies of the configuration in force, for whoever looks at their bans from outside a
// request that they apply to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "lockout/ban_register.h"
#include "ngx/compat.h"

namespace guard::lockout {

std::span<BanRegister* const> bans_in_force(ngx_http_request_t* r) noexcept;

// The hash of the ban key whose variables have these values, in their order; nothing: there are
// more of them, or fewer. Addresses need not be in the form of $guard_client_net.
std::optional<std::uint64_t> ban_key(BanRegister& owner,
                                     std::span<const std::string_view> values) noexcept;

}  // namespace guard::lockout
