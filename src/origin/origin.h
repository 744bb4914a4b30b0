// A web origin: scheme, host and port (RFC 6454; the serialization of the Fetch and HTML
// standards). Origins are equal if all three are, never by a part of their text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace guard::origin {

// Views into the text that it was parsed from. Letters of scheme and host may have either case:
// browsers send lower case, and comparing folds it.
struct Origin {
  std::string_view scheme;
  std::string_view host;   // with the brackets of an IPv6 address
  std::uint16_t port = 0;  // the scheme's default where none stands there; 0: it has none
};

// The longest origin that is looked at, in bytes: a scheme, a host name of 253, a port.
inline constexpr std::size_t kOriginMax = 320;

// scheme "://" host [ ":" port ] and not one byte else: no user, path, space, wildcard or percent
// sign, nor what no host name has. Nothing for anything else, so also for "null", which is no
// origin.
std::optional<Origin> parse_origin(std::string_view text) noexcept;

// The value of a Host field, or HTTP/2's :authority. port is 0 where none stands there.
struct Authority {
  std::string_view host;
  std::uint16_t port = 0;
};
std::optional<Authority> parse_authority(std::string_view text) noexcept;

// 80 for http and ws, 443 for https and wss, else 0.
std::uint16_t default_port(std::string_view scheme) noexcept;

bool same_origin(const Origin& a, const Origin& b) noexcept;
// Host and port alone. An authority without a port has the default of the origin's scheme.
bool same_host(const Origin& origin, const Authority& authority) noexcept;

}  // namespace guard::origin
