#include "inspect/transformation_codes.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "inspect/unicode_map.h"
#include "inspect/vocabulary.h"

namespace guard::inspect {

namespace {

using Byte = unsigned char;

constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

constexpr bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

constexpr bool is_alnum(char c) {
  return core::is_digit(c) || core::is_letter(c);
}

using core::hex_value;
using core::is_hex;

char hex_byte(const char* two) {
  return static_cast<char>(hex_value(two[0]) * 16 + hex_value(two[1]));
}

// Of a fullwidth form (U+FF01 to U+FF5E) the ASCII character; low is the code's last byte.
char narrow(char low, char third, char second) {
  const auto byte = static_cast<Byte>(low);
  const bool full = core::to_lower(third) == 'f' && core::to_lower(second) == 'f';
  return full && byte > 0 && byte < 0x5f ? static_cast<char>(byte + 0x20) : low;
}

// The low byte of a number, which may be longer than any integer.
char low_byte(std::string_view digits, unsigned base) {
  // As strtol does it: what does not fit in 63 bits is the largest number there is.
  std::uint64_t number = 0;
  for (const char digit : digits) {
    const auto value = static_cast<unsigned>(hex_value(digit));
    if (number > (0x7fffffffffffffffU - value) / base) return static_cast<char>(0xff);
    number = number * base + value;
  }
  return static_cast<char>(number & 0xff);
}

// The character that an entity's name stands for, or 0.
char named_entity(std::string_view name) {
  struct Entity {
    std::string_view name;
    char character;
  };
  static constexpr std::array<Entity, 5> kEntities = {{
      {"quot", '"'},
      {"amp", '&'},
      {"lt", '<'},
      {"gt", '>'},
      {"nbsp", static_cast<char>(0xa0)},
  }};
  for (const Entity& entity : kEntities) {
    if (core::equal_without_case(name, entity.name)) return entity.character;
  }
  return 0;
}

// The octal digits behind a backslash, at most three, and not more than a byte holds.
std::size_t octal_digits(std::string_view in) {
  std::size_t size = 0;
  while (size < in.size() && size < 3 && is_octal(in[size])) ++size;
  return size;
}

char octal_byte(std::string_view digits) {
  unsigned value = 0;
  for (const char digit : digits) value = value * 8 + static_cast<unsigned>(digit - '0');
  return static_cast<char>(value & 0xff);
}

char c_escape(char c) {
  switch (c) {
    case 'a':
      return '\a';
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
    case 'v':
      return '\v';
    default:
      return c;
  }
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (core::is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

constexpr std::string_view kHex = "0123456789abcdef";

}  // namespace

std::string_view url_decode(std::string_view in, char* to) {
  Output out(to);
  for (std::size_t i = 0; i < in.size();) {
    if (in[i] == '%' && i + 2 < in.size() && is_hex(in[i + 1]) && is_hex(in[i + 2])) {
      out.put(hex_byte(&in[i + 1]));
      i += 3;
    } else {
      out.put(in[i] == '+' ? ' ' : in[i]);
      ++i;
    }
  }
  return out.view();
}

std::string_view url_decode_uni(std::string_view in, char* to) {
  Output out(to);
  for (std::size_t i = 0; i < in.size();) {
    if (in[i] != '%') {
      out.put(in[i] == '+' ? ' ' : in[i]);
      ++i;
      continue;
    }
    if (i + 1 < in.size() && core::to_lower(in[i + 1]) == 'u') {
      if (i + 5 < in.size() && is_hex(in[i + 2]) && is_hex(in[i + 3]) && is_hex(in[i + 4]) &&
          is_hex(in[i + 5])) {
        const auto code = static_cast<std::uint16_t>(static_cast<Byte>(hex_byte(&in[i + 2])) * 256 +
                                                     static_cast<Byte>(hex_byte(&in[i + 4])));
        const int mapped = map_unicode(code);
        out.put(mapped >= 0 ? static_cast<char>(mapped)
                            : narrow(hex_byte(&in[i + 4]), in[i + 2], in[i + 3]));
        i += 6;
      } else {
        out.put(in.substr(i, 2));
        i += 2;
      }
    } else if (i + 2 < in.size() && is_hex(in[i + 1]) && is_hex(in[i + 2])) {
      out.put(hex_byte(&in[i + 1]));
      i += 3;
    } else {
      out.put(in[i++]);
    }
  }
  return out.view();
}

std::string_view html_entity_decode(std::string_view in, char* to) {
  Output out(to);
  std::size_t i = 0;
  const auto digits_end = [&](std::size_t from, auto is_one) {
    while (from < in.size() && is_one(in[from])) ++from;
    return from;
  };
  while (i < in.size()) {
    std::size_t copy = 1;
    if (in[i] == '&' && i + 1 < in.size()) {
      std::size_t begin = i + 1;
      std::size_t end = begin;
      char character = 0;
      bool found = false;
      if (in[begin] == '#') {
        ++copy;
        const bool hex = begin + 1 < in.size() && core::to_lower(in[begin + 1]) == 'x';
        begin += hex ? 2 : 1;
        if (hex) ++copy;
        end = hex ? digits_end(begin, is_hex) : digits_end(begin, core::is_digit);
        found = end > begin;
        if (found) character = low_byte(in.substr(begin, end - begin), hex ? 16 : 10);
      } else {
        end = digits_end(begin, is_alnum);
        character = named_entity(in.substr(begin, end - begin));
        found = character != 0;
        if (!found && end > begin) copy = end - begin + 1;
      }
      if (found) {
        out.put(character);
        i = end < in.size() && in[end] == ';' ? end + 1 : end;
        continue;
      }
    }
    copy = std::min(copy, in.size() - i);
    out.put(in.substr(i, copy));
    i += copy;
  }
  return out.view();
}

std::string_view js_decode(std::string_view in, char* to) {
  Output out(to);
  for (std::size_t i = 0; i < in.size();) {
    if (in[i] != '\\' || i + 1 == in.size()) {
      out.put(in[i++]);
    } else if (in[i + 1] == 'u' && i + 5 < in.size() && is_hex(in[i + 2]) && is_hex(in[i + 3]) &&
               is_hex(in[i + 4]) && is_hex(in[i + 5])) {
      out.put(narrow(hex_byte(&in[i + 4]), in[i + 2], in[i + 3]));
      i += 6;
    } else if (in[i + 1] == 'x' && i + 3 < in.size() && is_hex(in[i + 2]) && is_hex(in[i + 3])) {
      out.put(hex_byte(&in[i + 2]));
      i += 4;
    } else if (is_octal(in[i + 1])) {
      std::size_t size = octal_digits(in.substr(i + 1));
      if (size == 3 && in[i + 1] > '3') size = 2;
      out.put(octal_byte(in.substr(i + 1, size)));
      i += 1 + size;
    } else {
      out.put(c_escape(in[i + 1]));
      i += 2;
    }
  }
  return out.view();
}

std::string_view escape_seq_decode(std::string_view in, char* to) {
  Output out(to);
  for (std::size_t i = 0; i < in.size();) {
    if (in[i] != '\\' || i + 1 == in.size()) {
      out.put(in[i++]);
      continue;
    }
    const char next = in[i + 1];
    if (core::to_lower(next) == 'x' && i + 3 < in.size() && is_hex(in[i + 2]) &&
        is_hex(in[i + 3])) {
      out.put(hex_byte(&in[i + 2]));
      i += 4;
    } else if (is_octal(next)) {
      const std::size_t size = octal_digits(in.substr(i + 1));
      out.put(octal_byte(in.substr(i + 1, size)));
      i += 1 + size;
    } else {
      out.put(c_escape(next));
      i += 2;
    }
  }
  return out.view();
}

std::string_view css_decode(std::string_view in, char* to) {
  Output out(to);
  for (std::size_t i = 0; i < in.size();) {
    if (in[i] != '\\') {
      out.put(in[i++]);
      continue;
    }
    if (++i == in.size()) break;
    std::size_t size = 0;
    while (size < 6 && i + size < in.size() && is_hex(in[i + size])) ++size;
    if (size == 0) {
      // A newline behind a backslash continues the line.
      if (in[i] != '\n') out.put(in[i]);
      ++i;
      continue;
    }
    const char* end = in.data() + i + size;
    char c = size == 1 ? static_cast<char>(hex_value(in[i])) : hex_byte(end - 2);
    const bool wide =
        size == 4 || (size == 5 && in[i] == '0') || (size == 6 && in[i] == '0' && in[i + 1] == '0');
    if (wide) c = narrow(c, end[-4], end[-3]);
    out.put(c);
    i += size;
    if (i < in.size() && is_space(in[i])) ++i;
  }
  return out.view();
}

// %uHHHH for every character beyond ASCII. Of a sequence that is none, its first byte is left out
// if it could begin one; NUL is left out. Both as ModSecurity does it.
std::string_view utf8_to_unicode(std::string_view in, char* to) {
  Output out(to);
  const auto continues = [&](std::size_t i) {
    return i < in.size() && (static_cast<Byte>(in[i]) & 0xc0) == 0x80;
  };
  for (std::size_t i = 0; i < in.size();) {
    const auto c = static_cast<Byte>(in[i]);
    if (c < 0x80) {
      if (c != 0) out.put(in[i]);
      ++i;
      continue;
    }
    std::size_t size = 0;
    unsigned code = 0;
    unsigned least = 0;
    if ((c & 0xe0) == 0xc0) {
      size = 2, code = c & 0x1f, least = 0x80;
    } else if ((c & 0xf0) == 0xe0) {
      size = 3, code = c & 0x0f, least = 0x800;
    } else if ((c & 0xf8) == 0xf0) {
      size = 4, code = c & 0x07, least = 0x10000;
      if (c >= 0xf5) out.put(in[i]);
    }
    bool valid = size > 0 && in.size() >= size;
    for (std::size_t k = 1; valid && k < size; ++k) valid = continues(i + k);
    if (!valid) {
      if (size == 0) out.put(in[i]);
      ++i;
      continue;
    }
    for (std::size_t k = 1; k < size; ++k) {
      code = code << 6 | (static_cast<Byte>(in[i + k]) & 0x3f);
    }
    out.put("%u");
    // Codes of four bytes have five digits, or six.
    int digits = 4;
    while (digits < 6 && (code >> (4 * digits)) != 0) ++digits;
    while (digits-- > 0) out.put(kHex[(code >> (4 * digits)) & 15]);
    if (code >= 0xd800 && code <= 0xdfff) out.put(in[i]);
    if (code < least) out.put(in[i]);
    i += size;
  }
  return out.view();
}

// What stands in lines, up to the first byte that does not belong, as v2 does it. Forgiving: bytes
// that do not belong are passed over, padding too; but a digit that is alone before a single byte
// of it makes all nothing.
std::string_view base64_decode(std::string_view in, char* to, bool forgiving) {
  Output out(to);
  unsigned bits = 0;
  unsigned count = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const char c = in[i];
    if (c == '=' && forgiving && count % 4 == 1 && !in.substr(i + 1).starts_with('=')) {
      return Output(to).view();
    }
    const int value = base64_value(c);
    if (value < 0) {
      if (forgiving || c == '\n' || c == '\r' || c == ' ') continue;
      break;
    }
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffffff;
    ++count;
    if (count % 4 == 0) {
      out.put(static_cast<char>(bits >> 16));
      out.put(static_cast<char>(bits >> 8));
      out.put(static_cast<char>(bits));
    }
  }
  const unsigned left = count % 4;
  if (left == 2) {
    out.put(static_cast<char>(bits >> 4));
  } else if (left == 3) {
    out.put(static_cast<char>(bits >> 10));
    out.put(static_cast<char>(bits >> 2));
  }
  return out.view();
}

std::string_view base64_encode(std::string_view in, char* to) {
  const int size =
      EVP_EncodeBlock(reinterpret_cast<Byte*>(to), reinterpret_cast<const Byte*>(in.data()),
                      static_cast<int>(in.size()));
  return {to, static_cast<std::size_t>(size)};
}

std::string_view hex_decode(std::string_view in, char* to) {
  // What is no digit counts as one all the same, by the lower bits of its code.
  const auto digit = [](char c) {
    const auto byte = static_cast<unsigned>(static_cast<Byte>(c));
    return byte >= 'A' ? ((byte & 0xdf) - 'A' + 10) : byte - '0';
  };
  Output out(to);
  for (std::size_t i = 0; i + 2 <= in.size(); i += 2) {
    out.put(static_cast<char>(digit(in[i]) * 16 + digit(in[i + 1])));
  }
  return out.view();
}

std::string_view hex_encode(std::string_view in, char* to) {
  Output out(to);
  for (const char c : in) {
    out.put(kHex[static_cast<Byte>(c) >> 4]);
    out.put(kHex[static_cast<Byte>(c) & 15]);
  }
  return out.view();
}

std::string_view url_encode(std::string_view in, char* to) {
  Output out(to);
  for (const char c : in) {
    if (c == ' ') {
      out.put('+');
    } else if (c == '*' || is_alnum(c)) {
      out.put(c);
    } else {
      out.put('%');
      out.put(kHex[static_cast<Byte>(c) >> 4]);
      out.put(kHex[static_cast<Byte>(c) & 15]);
    }
  }
  return out.view();
}

std::string_view sql_hex_decode(std::string_view in, char* to) {
  Output out(to);
  for (std::size_t i = 0; i < in.size();) {
    if (in[i] == '0' && i + 3 < in.size() && core::to_lower(in[i + 1]) == 'x' &&
        is_hex(in[i + 2]) && is_hex(in[i + 3])) {
      for (i += 2; i + 1 < in.size() && is_hex(in[i]) && is_hex(in[i + 1]); i += 2) {
        out.put(hex_byte(&in[i]));
      }
    }
    // Behind what is decoded one byte is copied unseen, as ModSecurity does it.
    if (i < in.size()) out.put(in[i++]);
  }
  return out.view();
}

}  // namespace guard::inspect
