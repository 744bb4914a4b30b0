#include "events/request_facts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace guard::events {

namespace {

bool is_lower_hex(std::string_view text) noexcept {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::string_view trace_id_of(std::string_view traceparent) noexcept {
  // version "-" trace-id "-" parent-id "-" flags; a later version may add more after another "-".
  constexpr std::size_t kSize = 55;
  if (traceparent.size() < kSize) return {};
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view trace_id = traceparent.substr(3, 32);
  const std::string_view parent_id = traceparent.substr(36, 16);
  const std::string_view flags = traceparent.substr(53, 2);
  if (traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
  if (!is_lower_hex(version) || !is_lower_hex(trace_id) || !is_lower_hex(parent_id) ||
      !is_lower_hex(flags) || version == "ff" || is_zero(trace_id) || is_zero(parent_id)) {
    return {};
  }
  if (traceparent.size() > kSize && (version == "00" || traceparent[kSize] != '-')) return {};
  return trace_id;
}

std::string_view network_of(std::string_view address, NetworkBuffer& buffer) noexcept {
  if (address.size() >= buffer.size()) return {};
  NetworkBuffer text{};
  std::ranges::copy(address, text.begin());
  std::array<unsigned char, 16> bytes{};
  const auto network = [&](int family, std::size_t kept, std::size_t size) -> std::string_view {
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(kept),
              bytes.begin() + static_cast<std::ptrdiff_t>(size), static_cast<unsigned char>(0));
    if (inet_ntop(family, bytes.data(), buffer.data(), buffer.size()) == nullptr) return {};
    return {buffer.data(), std::strlen(buffer.data())};
  };
  if (inet_pton(AF_INET, text.data(), bytes.data()) == 1) return network(AF_INET, 3, 4);
  if (inet_pton(AF_INET6, text.data(), bytes.data()) == 1) {
    // ::ffff:192.0.2.1 is an IPv4 client on a socket for both: half of a /48 would hide everyone.
    constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool mapped = std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
    return network(AF_INET6, mapped ? 15 : 6, 16);
  }
  return {};
}

Target split_target(std::string_view target) noexcept {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

}  // namespace guard::events
