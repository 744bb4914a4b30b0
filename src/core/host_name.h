// Names of hosts as nginx and clients have them.
#pragma once

#include <string_view>

namespace guard::core {

// Whether host is one that pattern names: nginx's exact, "*.example.com", ".example.com" and
// "www.example.*" forms; regular expressions are not for here. host is in lower case, as nginx
// leaves it, pattern need not be.
bool names_host(std::string_view pattern, std::string_view host) noexcept;

// Whether text, without a port, can be nothing but a host: a name as DNS and browsers have them in
// practice, so with "_"; an IPv4 address, which looks like one; an IPv6 address in brackets. nginx
// takes more, such as "evil.example#.example.com", which a URL reads as another host.
bool is_host(std::string_view text) noexcept;

// Whether a server name is one host and can stand in a Location.
bool is_plain_host(std::string_view pattern) noexcept;

// Whether host, without a port, needs nobody who says where it is: an IP address (IPv6 with or
// without brackets), "localhost" or a name below it (RFC 6761, 6.3). No page of another site has
// such a host in a browser, whatever its owner's DNS says.
bool is_own_host(std::string_view host) noexcept;

}  // namespace guard::core
