// Where a plain HTTP request is sent, and which are let through.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "headers/policy.h"

namespace guard::headers {

// Whether host is one that pattern names: nginx's exact, "*.example.com", ".example.com" and
// "www.example.*" forms; regular expressions are not for here. host is in lower case, as nginx
// leaves it, pattern need not be.
bool names_host(std::string_view pattern, std::string_view host) noexcept;

// Whether a server name is one host and can stand in a Location.
bool is_plain_host(std::string_view pattern) noexcept;

// A safe method (RFC 9110, 9.2.1) is redirected by 301; any other by 308, which keeps method and
// body.
std::uint16_t redirect_status(std::string_view method) noexcept;

// "https://host[:port]target". target is the raw request target: path and query, or, where the
// client sent an absolute URI without a path, empty or only a query. Answers the number of bytes
// written, or 0 if they do not fit.
std::size_t write_location(std::string_view host, std::uint16_t port, std::string_view target,
                           std::span<char> out) noexcept;
std::size_t location_size_max(std::string_view host, std::string_view target) noexcept;

}  // namespace guard::headers
