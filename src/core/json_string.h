// JSON strings (RFC 8259, section 7) that hold escapes, and the UTF-8 behind them.
#pragma once

#include <cstddef>
#include <string_view>

namespace guard::core {

enum class UnescapeFault : unsigned char {
  none,
  invalid,    // a backslash that no escape of the grammar follows
  surrogate,  // half a surrogate pair: no UTF-8 can hold it
};

struct Unescaped {
  UnescapeFault fault = UnescapeFault::none;
  std::size_t size = 0;    // bytes written
  std::size_t offset = 0;  // of the backslash at fault, in the raw string
  bool has_nul = false;
};

// Resolves the escapes of raw, the bytes between the quotes of a JSON string, into out, which has
// room for raw.size() bytes (no escape is shorter than what it stands for).
Unescaped unescape_json(std::string_view raw, char* out) noexcept;

// Offset of the first byte that does not belong to well-formed UTF-8 (RFC 3629), or npos.
std::size_t find_invalid_utf8(std::string_view text) noexcept;

}  // namespace guard::core
