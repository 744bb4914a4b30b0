// Interim declarations until the address, proxy and secret logic lands.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
namespace guard::core {
struct Address {
  static Address from_v4(const std::uint8_t*) { return {}; }
  static Address from_v6(const std::uint8_t*) { return {}; }
};
inline std::optional<Address> parse_address(std::string_view) {
  return {};
}
struct CidrList {
  void add(std::string_view) {}
  bool empty() const { return true; }
  bool contains(const Address&) const noexcept { return false; }
};
}  // namespace guard::core
namespace guard::core {
constexpr std::size_t kClientNetMax = 64;
inline std::size_t write_client_net(const Address&, char*) noexcept {
  return 0;
}
}  // namespace guard::core
namespace guard::core {
inline std::optional<std::string_view> parse_forwarded_proto(std::string_view) noexcept {
  return {};
}
}  // namespace guard::core
namespace guard::core {
inline bool prefers_html(std::string_view) noexcept {
  return false;
}
}  // namespace guard::core
namespace guard::core {
struct Secret {
  std::array<std::uint8_t, 16> hash_key(std::string_view) const { return {}; }
};
}  // namespace guard::core
struct ngx_conf_s;
namespace guard::ngx {
inline guard::core::Secret read_secret(ngx_conf_s*, std::string_view, std::string_view) {
  return {};
}
}  // namespace guard::ngx
