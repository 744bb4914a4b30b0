// Texts with something between them: the parts of a query, the elements of a value.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/ascii.h"

namespace guard::json {

// Takes what lies before the next delimiter off text; false: there was nothing left. more: true
// before the first part.
inline bool take_part(std::string_view& text, bool& more, char delimiter,
                      std::string_view& part) noexcept {
  if (!more) return false;
  const std::size_t end = text.find(delimiter);
  part = text.substr(0, end);
  more = end != std::string_view::npos;
  text.remove_prefix(more ? end + 1 : text.size());
  return true;
}

struct DecodedText {
  std::string_view text;
  bool well_formed = true;  // false: a "%" begins no escape, and stays
};

// Of a query, percent escapes and "+" (WHATWG URL, section 5.1), since that is how applications
// read one. to: for as many bytes as text has.
inline DecodedText decode_query(std::string_view text, char* to) noexcept {
  std::size_t size = 0;
  bool well_formed = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i] == '+' ? ' ' : text[i];
    if (c == '%') {
      if (i + 2 < text.size() && core::is_hex(text[i + 1]) && core::is_hex(text[i + 2])) {
        c = static_cast<char>(core::hex_value(text[i + 1]) * 16 + core::hex_value(text[i + 2]));
        i += 2;
      } else {
        well_formed = false;
      }
    }
    to[size++] = c;
  }
  return {{to, size}, well_formed};
}

}  // namespace guard::json
