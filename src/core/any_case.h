// Names of JSON members as Go and ASP.NET compare them: letters of ASCII without case, and two
// characters that are none, which Unicode (and so Go's encoding/json) folds to letters of it.
#pragma once

#include <string_view>

#include "core/ascii.h"

namespace guard::core {

// Takes a character of ASCII, in lower case, or a byte of any other off text, which is not empty.
constexpr char take_folded(std::string_view& text) noexcept {
  constexpr std::string_view kLongS = "\u017f";
  constexpr std::string_view kKelvin = "\u212a";
  std::size_t length = 1;
  char c = to_lower(*text.begin());
  if (text.starts_with(kLongS)) {
    length = kLongS.size();
    c = 's';
  } else if (text.starts_with(kKelvin)) {
    length = kKelvin.size();
    c = 'k';
  }
  text.remove_prefix(length);
  return c;
}

constexpr bool equal_in_any_case(std::string_view a, std::string_view b) noexcept {
  while (!a.empty() && !b.empty()) {
    if (take_folded(a) != take_folded(b)) return false;
  }
  return a.empty() && b.empty();
}

}  // namespace guard::core
