// What values of HTTP's fields are made of (RFC 9110, section 5.6).
#pragma once

#include <algorithm>
#include <string_view>

#include "core/ascii.h"

namespace guard::core {

// Section 5.6.2.
constexpr bool is_token_char(char c) noexcept {
  return is_letter(c) || is_digit(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

// Section 5.6.3: without the spaces and tabs at both ends.
constexpr std::string_view trim_blanks(std::string_view text) noexcept {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace guard::core
