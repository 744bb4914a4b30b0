// Letters and digits of ASCII, whatever the locale.
#pragma once

#include <algorithm>
#include <string_view>

namespace guard::core {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Names of fields, keywords and the like: letters of ASCII compare without case, all else as it is.
constexpr bool equal_without_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && (a == b || std::ranges::equal(a, b, [](char x, char y) {
                                    return to_lower(x) == to_lower(y);
                                  }));
}

// 0 to 15, or -1 for what is no hexadecimal digit.
constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool is_hex(char c) noexcept {
  return hex_value(c) >= 0;
}

}  // namespace guard::core
