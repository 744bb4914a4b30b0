#include "core/host_name.h"

#include "core/address.h"
#include "core/ascii.h"

namespace guard::core {

namespace {

constexpr std::size_t kHostMax = 254;  // 253 and the dot of the root

bool is_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > kHostMax) return false;
  char before = '.';
  for (char c : text) {
    if (c == '.' ? before == '.' : !is_letter(c) && !is_digit(c) && c != '-' && c != '_') {
      return false;
    }
    before = c;
  }
  return true;
}

}  // namespace

bool names_host(std::string_view pattern, std::string_view host) noexcept {
  if (pattern.empty() || host.empty()) return false;
  if (pattern.starts_with("*.")) {
    pattern.remove_prefix(1);
    return host.size() > pattern.size() &&
           equal_without_case(host.substr(host.size() - pattern.size()), pattern);
  }
  if (pattern.front() == '.') {
    return equal_without_case(host, pattern.substr(1)) ||
           (host.size() > pattern.size() &&
            equal_without_case(host.substr(host.size() - pattern.size()), pattern));
  }
  if (pattern.ends_with(".*")) {
    pattern.remove_suffix(1);
    return host.size() > pattern.size() &&
           equal_without_case(host.substr(0, pattern.size()), pattern);
  }
  return equal_without_case(host, pattern);
}

bool is_host(std::string_view text) noexcept {
  if (!text.starts_with('[')) return is_name(text);
  if (!text.ends_with(']')) return false;
  const auto address = parse_address(text.substr(1, text.size() - 2));
  return address && text.find(':') != std::string_view::npos;
}

bool is_plain_host(std::string_view pattern) noexcept {
  return !pattern.empty() && pattern != "_" && pattern.front() != '.' && pattern.front() != '~' &&
         pattern.find('*') == std::string_view::npos;
}

bool is_own_host(std::string_view host) noexcept {
  constexpr std::string_view kLocal = "localhost";
  if (equal_without_case(host, kLocal) || names_host("*.localhost", host)) return true;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return parse_address(host).has_value();
}

}  // namespace guard::core
