#include "headers/https_redirect.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
namespace guard::headers {

namespace {

constexpr std::string_view kScheme = "https://";
constexpr std::size_t kPortMax = 6;  // ":65535"

}  // namespace

std::uint16_t redirect_status(std::string_view method) noexcept {
  static constexpr std::array<std::string_view, 4> kSafe = {"GET", "HEAD", "OPTIONS", "TRACE"};
  return std::ranges::find(kSafe, method) != kSafe.end() ? 301 : 308;
}

std::size_t location_size_max(std::string_view host, std::string_view target) noexcept {
  return kScheme.size() + host.size() + kPortMax + 1 + target.size();
}

std::size_t write_location(std::string_view host, std::uint16_t port, std::string_view target,
                           std::span<char> out) noexcept {
  if (out.size() < location_size_max(host, target)) return 0;
  char* at = out.data();
  const auto put = [&](std::string_view text) { at = std::ranges::copy(text, at).out; };
  put(kScheme);
  put(host);
  if (port != 443) {
    *at++ = ':';
    at = std::to_chars(at, at + kPortMax, port).ptr;
  }
  if (!target.starts_with('/')) *at++ = '/';
  put(target);
  return static_cast<std::size_t>(at - out.data());
}

}  // namespace guard::headers
