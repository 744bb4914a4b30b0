// How a client is named where nothing else is asked for: an IPv4 address, or the /64 that one IPv6
// subscriber has (RFC 6177).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace guard::core {

// An address in network order: 4 bytes (IPv4), 16 bytes (IPv6), none (a Unix socket).
using AddressBytes = std::span<const unsigned char>;

// The IPv4 address within an IPv4-mapped IPv6 address (::ffff:0:0/96), else the address itself.
AddressBytes unmapped(AddressBytes address) noexcept;

struct ClientNet {
  std::array<char, 24> bytes{};
  std::uint8_t size = 0;
  std::string_view view() const noexcept { return {bytes.data(), size}; }
};

// "192.0.2.1", "2001:db8:0:1::/64" (RFC 5952), or "unix" for any other number of bytes. A mapped
// address is the IPv4 address that it stands for.
ClientNet client_net(AddressBytes address) noexcept;

}  // namespace guard::core
