#include "core/json_string.h"

#include <cstdint>
#include <cstring>

#include "core/utf8.h"

namespace guard::core {
namespace {

// The value of four hex digits, or -1.
std::int32_t hex4(const char* p) noexcept {
  std::int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = p[i];
    std::int32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return -1;
    }
    value = value << 4 | digit;
  }
  return value;
}

// What a one-character escape stands for, or 0.
char simple_escape(char c) noexcept {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace

Unescaped unescape_json(std::string_view raw, char* out) noexcept {
  Unescaped result;
  char* const begin = out;
  const char* p = raw.data();
  const char* const end = p + raw.size();
  const auto fault_at = [&](UnescapeFault fault, const char* where) {
    result.fault = fault;
    result.offset = static_cast<std::size_t>(where - raw.data());
    return result;
  };
  while (p != end) {
    const auto left = static_cast<std::size_t>(end - p);
    const auto* slash = static_cast<const char*>(std::memchr(p, '\\', left));
    const std::size_t run = slash == nullptr ? left : static_cast<std::size_t>(slash - p);
    std::memcpy(out, p, run);
    out += run;
    if (slash == nullptr) break;
    p = slash + 1;
    if (p == end) return fault_at(UnescapeFault::invalid, slash);
    if (const char c = simple_escape(*p); c != '\0') {
      *out++ = c;
      ++p;
      continue;
    }
    if (*p != 'u' || end - p < 5) return fault_at(UnescapeFault::invalid, slash);
    std::int32_t code = hex4(p + 1);
    if (code < 0) return fault_at(UnescapeFault::invalid, slash);
    p += 5;
    if (code >= 0xDC00 && code <= 0xDFFF) return fault_at(UnescapeFault::surrogate, slash);
    if (code >= 0xD800 && code <= 0xDBFF) {
      if (end - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return fault_at(UnescapeFault::surrogate, slash);
      }
      const std::int32_t low = hex4(p + 2);
      if (low < 0) return fault_at(UnescapeFault::invalid, p);
      if (low < 0xDC00 || low > 0xDFFF) return fault_at(UnescapeFault::surrogate, slash);
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      p += 6;
    }
    result.has_nul = result.has_nul || code == 0;
    out = put_utf8(out, static_cast<std::uint32_t>(code));
  }
  result.size = static_cast<std::size_t>(out - begin);
  return result;
}

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    const Utf8Unit unit = decode_utf8(text.substr(i));
    if (!unit.valid) return i;
    i += unit.length;
  }
  return std::string_view::npos;
}

}  // namespace guard::core
