#include "cli/printable.h"

#include <array>
#include <cstdio>

#include "core/utf8.h"

namespace guard::cli {

namespace {

// Control characters, line ends, the marks, embeddings, overrides and isolates of bidirectional
// text (Unicode 15, UAX 9), and characters without width.
bool is_harmful(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe0fff);
}

void append_code(std::string& out, char letter, unsigned number) {
  std::array<char, 16> code;
  const int size = std::snprintf(code.data(), code.size(), "\\%c{%x}", letter, number);
  out.append(code.data(), static_cast<std::size_t>(size));
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    if (out.size() >= limit) return out += "\xe2\x80\xa6";
    const core::Utf8Unit unit = core::decode_utf8(text);
    if (!unit.valid) {
      for (char byte : text.substr(0, unit.length)) {
        append_code(out, 'x', static_cast<unsigned char>(byte));
      }
    } else if (is_harmful(unit.code_point)) {
      append_code(out, 'u', static_cast<unsigned>(unit.code_point));
    } else {
      out.append(text.substr(0, unit.length));
    }
    text.remove_prefix(unit.length);
  }
  return out;
}

}  // namespace guard::cli
