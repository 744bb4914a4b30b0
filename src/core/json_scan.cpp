#include "core/json_scan.h"

#include <algorithm>

#include "core/json_string.h"

namespace guard::core {
namespace {

enum class Kind : unsigned char { blank, structure, other };

Kind kind_of(char c) noexcept {
  switch (c) {
    case ' ':
    case '\n':
    case '\r':
    case '\t':
      return Kind::blank;
    case '{':
    case '}':
    case '[':
    case ']':
    case ',':
    case ':':
      return Kind::structure;
    default:
      return Kind::other;
  }
}

}  // namespace

ScannedFault scan_json(std::string_view text, std::uint32_t* tokens,
                       std::uint32_t& count) noexcept {
  const std::size_t valid = std::min(find_invalid_utf8(text), text.size());
  ScannedFault fault{static_cast<std::uint32_t>(valid), valid < text.size(),
                     valid < text.size() ? "the body is not valid UTF-8" : "the body is not JSON"};
  count = 0;
  std::size_t i = 0;
  while (i < valid) {
    const Kind kind = kind_of(text[i]);
    const std::size_t begin = i++;
    if (kind == Kind::blank) continue;
    if (text[begin] == '"') {
      while (i < valid && text[i] != '"' && static_cast<unsigned char>(text[i]) >= 0x20) {
        i += text[i] == '\\' ? 2 : 1;
      }
      if (i >= valid && valid < text.size()) break;
      if (i >= valid) {
        fault = {static_cast<std::uint32_t>(begin), false, "a string is not closed"};
        break;
      }
      if (text[i] != '"') {
        fault = {static_cast<std::uint32_t>(i), false, "a string holds a raw control character"};
        break;
      }
      ++i;
    } else if (kind == Kind::other) {
      while (i < valid && kind_of(text[i]) == Kind::other) ++i;
    }
    tokens[count++] = static_cast<std::uint32_t>(begin);
  }
  tokens[count] = fault.offset;
  return fault;
}

}  // namespace guard::core
