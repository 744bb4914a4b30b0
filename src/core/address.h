// An IP address as a value. IPv4 is kept in its mapped form (::ffff:0:0/96), so that a client that
// reaches an IPv6 socket over IPv4 is the same client.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace guard::core {

class Address {
 public:
  // Network order, 4 and 16 bytes.
  static Address from_v4(const std::uint8_t* bytes) noexcept;
  static Address from_v6(const std::uint8_t* bytes) noexcept;

  bool is_v4() const noexcept;
  bool is_loopback() const noexcept;  // 127.0.0.0/8, ::1
  // All 16 bytes; those of an IPv4 address are the last four.
  const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

  friend bool operator==(const Address&, const Address&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// Dotted quad, or IPv6 without brackets and zone; nothing else.
std::optional<Address> parse_address(std::string_view text) noexcept;

// The longest that write_client_net writes: "ffff:ffff:ffff:ffff::/64".
inline constexpr std::size_t kClientNetMax = 24;

// How a client is named where nothing else is asked for: "192.0.2.1", or the /64 that one IPv6
// subscriber has (RFC 6177), "2001:db8:0:1::/64" (as RFC 5952 writes it). Answers the bytes
// written, at most kClientNetMax.
std::size_t write_client_net(const Address& address, char* out) noexcept;

}  // namespace guard::core
