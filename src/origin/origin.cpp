#include "origin/origin.h"

#include <algorithm>
#include <charconv>

#include "core/ascii.h"
#include "core/host_name.h"

namespace guard::origin {

namespace {

using core::is_digit;
using core::is_letter;
using core::to_lower;

constexpr std::size_t kSchemeMax = 32;

bool is_scheme(std::string_view text) noexcept {
  if (text.empty() || text.size() > kSchemeMax || !is_letter(text.front())) return false;
  return std::ranges::all_of(
      text, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

// Digits as browsers write them: no sign, no leading zero, 1 to 65535.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || !is_digit(text.front()) || text.front() == '0') {
    return std::nullopt;
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

std::uint16_t default_port(std::string_view scheme) noexcept {
  if (core::equal_without_case(scheme, "https") || core::equal_without_case(scheme, "wss"))
    return 443;
  if (core::equal_without_case(scheme, "http") || core::equal_without_case(scheme, "ws")) return 80;
  return 0;
}

std::optional<Authority> parse_authority(std::string_view text) noexcept {
  if (text.size() > kOriginMax) return std::nullopt;
  Authority authority;
  // The colons of an IPv6 address are within its brackets.
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  authority.host = text.substr(0, colon);
  if (!core::is_host(authority.host)) return std::nullopt;
  if (colon != std::string_view::npos) {
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return std::nullopt;
    authority.port = *port;
  }
  return authority;
}

std::optional<Origin> parse_origin(std::string_view text) noexcept {
  constexpr std::string_view kMark = "://";
  if (text.size() > kOriginMax) return std::nullopt;
  const std::size_t mark = text.find(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  Origin origin;
  origin.scheme = text.substr(0, mark);
  if (!is_scheme(origin.scheme)) return std::nullopt;
  const auto authority = parse_authority(text.substr(mark + kMark.size()));
  if (!authority) return std::nullopt;
  origin.host = authority->host;
  origin.port = authority->port != 0 ? authority->port : default_port(origin.scheme);
  return origin;
}

bool same_origin(const Origin& a, const Origin& b) noexcept {
  return a.port == b.port && core::equal_without_case(a.scheme, b.scheme) &&
         core::equal_without_case(a.host, b.host);
}

bool same_host(const Origin& origin, const Authority& authority) noexcept {
  const std::uint16_t port = authority.port != 0 ? authority.port : default_port(origin.scheme);
  return origin.port == port && core::equal_without_case(origin.host, authority.host);
}

}  // namespace guard::origin
