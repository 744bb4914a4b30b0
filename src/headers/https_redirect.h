// Where a plain HTTP request is sent, and which are let through.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "headers/policy.h"

namespace guard::headers {

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
