// Letters and digits of ASCII, whatever the locale.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

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

// to_lower() of eight characters in a word, after Tony Finch, "tolower() in bulk at speed"
// (dotat.at, 2022): without a carry from byte to byte, since all additions are of seven bits.
constexpr std::uint64_t to_lower_each(std::uint64_t word) noexcept {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  const std::uint64_t low = word & (0x7f * kEach);
  const std::uint64_t from_a = low + (0x80 - 'A') * kEach;
  const std::uint64_t beyond_z = low + (0x7f - 'Z') * kEach;
  const std::uint64_t capital = ~word & (from_a ^ beyond_z) & (0x80 * kEach);
  return word | (capital >> 2);
}

// Names of fields, keywords and the like: letters of ASCII compare without case, all else as it is.
constexpr bool equal_without_case(std::string_view a, std::string_view b) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (a.size() != b.size()) return false;
  if (std::is_constant_evaluated() || a.size() < kWord) {
    return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
  }
  const auto same_at = [&](std::size_t at) {
    std::uint64_t x;
    std::uint64_t y;
    std::memcpy(&x, a.data() + at, kWord);
    std::memcpy(&y, b.data() + at, kWord);
    return x == y || to_lower_each(x) == to_lower_each(y);
  };
  const std::size_t last = a.size() - kWord;
  for (std::size_t at = 0; at < last; at += kWord) {
    if (!same_at(at)) return false;
  }
  return same_at(last);
}

// Whether it stands anywhere in a text; lower: in lower case.
constexpr bool contains_without_case(std::string_view text, std::string_view lower) noexcept {
  const auto same = [](char a, char b) { return to_lower(a) == b; };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

// Names of fields of which CGI and WSGI make the same variable (RFC 3875, section 4.1.18).
constexpr bool equal_in_cgi(std::string_view a, std::string_view b) noexcept {
  const auto folded = [](char c) { return c == '_' ? '-' : to_lower(c); };
  return a == b || std::ranges::equal(a, b, [&](char x, char y) { return folded(x) == folded(y); });
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
