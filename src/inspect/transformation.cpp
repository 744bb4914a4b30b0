#include "inspect/transformation.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/ascii.h"
#include "inspect/unicode_map.h"

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

// What is written, and where the next byte goes.
struct Output {
  char* begin;
  char* at;

  explicit Output(char* out) : begin(out), at(out) {}
  void put(char c) { *at++ = c; }
  void put(std::string_view text) {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
  std::string_view view() const { return {begin, static_cast<std::size_t>(at - begin)}; }
};

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
    if (equal_ignoring_case(name, entity.name)) return entity.character;
  }
  return 0;
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
// if it could begin one; NUL is left out but at the end. Both as ModSecurity does it.
std::string_view utf8_to_unicode(std::string_view in, char* to) {
  Output out(to);
  const auto continues = [&](std::size_t i) {
    return i < in.size() && (static_cast<Byte>(in[i]) & 0xc0) == 0x80;
  };
  for (std::size_t i = 0; i < in.size();) {
    const auto c = static_cast<Byte>(in[i]);
    if (c < 0x80) {
      if (c != 0 || i + 1 == in.size()) out.put(in[i]);
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
    std::array<char, 16> text{};
    const int length = std::snprintf(text.data(), text.size(), "%%u%04x", code);
    out.put({text.data(), static_cast<std::size_t>(length)});
    if (code >= 0xd800 && code <= 0xdfff) out.put(in[i]);
    if (code < least) out.put(in[i]);
    i += size;
  }
  return out.view();
}

std::string_view cmd_line(std::string_view in, char* to) {
  Output out(to);
  bool space = false;
  for (const char c : in) {
    switch (c) {
      case '"':
      case '\'':
      case '\\':
      case '^':
        break;
      case ' ':
      case ',':
      case ';':
      case '\t':
      case '\r':
      case '\n':
        if (!space) out.put(' ');
        space = true;
        break;
      case '/':
      case '(':
        if (space) --out.at;
        space = false;
        out.put(c);
        break;
      default:
        out.put(core::to_lower(c));
        space = false;
    }
  }
  return out.view();
}

std::string_view compress_whitespace(std::string_view in, char* to) {
  Output out(to);
  bool space = false;
  for (const char c : in) {
    if (!is_space(c)) {
      out.put(c);
    } else if (!space) {
      out.put(' ');
    }
    space = is_space(c);
  }
  return out.view();
}

template <class Predicate>
std::string_view without(std::string_view in, char* to, Predicate unwanted) {
  Output out(to);
  for (const char c : in) {
    if (!unwanted(c)) out.put(c);
  }
  return out.view();
}

// Dot segments and repeated slashes; of win, backslashes are slashes. A path that is not rooted
// keeps the ".." that lead above its beginning.
std::string_view normalize_path(std::string_view in, char* to, bool win) {
  // One segment stays as it is, if it is no dots.
  if (in.empty() || (in.back() != '.' && in.find_first_of(win ? "/\\" : "/") == in.npos)) return in;
  std::memcpy(to, in.data(), in.size());
  char* const input = to;
  char* const end = input + (in.size() - 1);
  char* src = input;
  char* dst = input;
  bool hit_root = false;
  bool done = false;
  const auto is_slash = [win](char c) { return c == '/' || (win && c == '\\'); };
  const bool relative = !is_slash(*input);
  const bool trailing = is_slash(*end);
  while (!done && src <= end && dst <= end) {
    if (win) {
      if (*src == '\\') *src = '/';
      if (src < end && src[1] == '\\') src[1] = '/';
    }
    bool segment_ends = true;
    if (src == end) {
      done = true;
    } else if (src[1] != '/') {
      segment_ends = false;
    }
    if (segment_ends && !(src != end && *src == '/')) {
      if (*src == '.') {
        if (dst > input && dst[-1] == '.') {
          // ".." takes the segment before it away, if there is one.
          if (relative && (hit_root || dst - 2 <= input)) {
            hit_root = true;
          } else {
            // A rooted path may begin with "..": there is nothing before it then.
            dst -= dst - input >= 3 ? 3 : dst - input;
            while (dst > input && *dst != '/') --dst;
            if (dst <= input) {
              hit_root = true;
              dst = input;
              if (!relative && src == end) ++dst;
            }
            if (done) continue;
            ++src;
          }
        } else if (dst == input) {
          if (done) continue;
          ++src;
        } else if (dst[-1] == '/') {
          if (done) continue;
          --dst;
          ++src;
        }
      } else if (dst > input) {
        hit_root = false;
      }
    }
    if (*src == '/') {
      while (src < end && is_slash(src[1])) ++src;
      if (relative && dst == input) {
        ++src;
        continue;
      }
    }
    *dst++ = *src++;
  }
  if (!trailing && dst > input && dst[-1] == '/') --dst;
  return {input, static_cast<std::size_t>(dst - input)};
}

std::string_view replace_comments(std::string_view in, char* to) {
  Output out(to);
  bool comment = false;
  for (std::size_t i = 0; i < in.size();) {
    const std::string_view two = in.substr(i, 2);
    if (!comment && two == "/*") {
      comment = true;
      i += 2;
    } else if (comment && two == "*/") {
      comment = false;
      out.put(' ');
      i += 2;
    } else {
      if (!comment) out.put(in[i]);
      ++i;
    }
  }
  if (comment) out.put(' ');
  return out.view();
}

// Behind the end of a comment one byte is copied unseen, as ModSecurity does it.
std::string_view remove_comments(std::string_view in, char* to) {
  Output out(to);
  bool comment = false;
  for (std::size_t i = 0; i < in.size();) {
    const std::string_view rest = in.substr(i);
    if (!comment) {
      if (rest.starts_with("/*")) {
        comment = true;
        i += 2;
      } else if (rest.starts_with("<!--")) {
        comment = true;
        i += 4;
      } else if (rest.starts_with("--") || rest.front() == '#') {
        break;
      } else {
        out.put(in[i++]);
      }
    } else {
      const std::size_t ends = rest.starts_with("*/") ? 2 : rest.starts_with("-->") ? 3 : 0;
      if (ends == 0) {
        ++i;
        continue;
      }
      comment = false;
      i += ends;
      if (i < in.size()) out.put(in[i++]);
    }
  }
  if (comment) out.put(' ');
  return out.view();
}

std::string_view remove_comments_char(std::string_view in, char* to) {
  static constexpr std::array<std::string_view, 6> kMarks = {"/*", "*/", "<!--", "-->", "--", "#"};
  Output out(to);
  for (std::size_t i = 0; i < in.size();) {
    const std::string_view rest = in.substr(i);
    std::size_t skip = 0;
    for (const std::string_view mark : kMarks) {
      if (skip == 0 && rest.starts_with(mark)) skip = mark.size();
    }
    if (skip == 0) out.put(in[i]);
    i += skip > 0 ? skip : 1;
  }
  return out.view();
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (core::is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

// Strict: up to the first byte that does not belong, in whole groups of four; forgiving: bytes that
// do not belong are passed over.
std::string_view base64_decode(std::string_view in, char* to, bool forgiving) {
  Output out(to);
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : in) {
    if (c == '=') break;
    const int value = base64_value(c);
    if (value < 0) {
      if (forgiving) continue;
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
    return c >= 'A' ? ((byte & 0xdf) - 'A' + 10) : byte - '0';
  };
  Output out(to);
  for (std::size_t i = 0; i + 2 <= in.size(); i += 2) {
    out.put(static_cast<char>(digit(in[i]) * 16 + digit(in[i + 1])));
  }
  return out.view();
}

constexpr std::string_view kHex = "0123456789abcdef";

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
    } else {
      out.put(in[i++]);
    }
  }
  return out.view();
}

// To be looked up by its name for each digest takes longer than the digest.
class Fetched {
 public:
  Fetched(const char* name, const EVP_MD* otherwise)
      : fetched_(EVP_MD_fetch(nullptr, name, nullptr)), otherwise_(otherwise) {}

  const EVP_MD* get() const { return fetched_ != nullptr ? fetched_.get() : otherwise_; }

 private:
  struct Free {
    void operator()(EVP_MD* digest) const noexcept { EVP_MD_free(digest); }
  };
  std::unique_ptr<EVP_MD, Free> fetched_;
  const EVP_MD* otherwise_;
};

std::string_view digest(std::string_view in, char* to, const EVP_MD* kind) {
  unsigned size = 0;
  if (EVP_Digest(in.data(), in.size(), reinterpret_cast<Byte*>(to), &size, kind, nullptr) != 1) {
    return in;
  }
  return {to, size};
}

std::string_view trim(std::string_view in, bool left, bool right) {
  while (left && !in.empty() && is_space(in.front())) in.remove_prefix(1);
  while (right && !in.empty() && is_space(in.back())) in.remove_suffix(1);
  return in;
}

template <class Change>
std::string_view each(std::string_view in, char* to, Change change) {
  for (std::size_t i = 0; i < in.size(); ++i) to[i] = change(in[i]);
  return {to, in.size()};
}

std::string_view apply(Transformation transformation, std::string_view in, char* out) {
  switch (transformation) {
    case Transformation::base64_decode:
      return base64_decode(in, out, false);
    case Transformation::base64_decode_ext:
      return base64_decode(in, out, true);
    case Transformation::base64_encode:
      return base64_encode(in, out);
    case Transformation::cmd_line:
      return cmd_line(in, out);
    case Transformation::compress_whitespace:
      return compress_whitespace(in, out);
    case Transformation::css_decode:
      return css_decode(in, out);
    case Transformation::escape_seq_decode:
      return escape_seq_decode(in, out);
    case Transformation::hex_decode:
      return hex_decode(in, out);
    case Transformation::hex_encode:
      return hex_encode(in, out);
    case Transformation::html_entity_decode:
      return html_entity_decode(in, out);
    case Transformation::js_decode:
      return js_decode(in, out);
    case Transformation::length: {
      const int size = std::snprintf(out, 24, "%zu", in.size());
      return {out, static_cast<std::size_t>(size)};
    }
    case Transformation::lowercase:
      return each(in, out, core::to_lower);
    case Transformation::md5: {
      static const Fetched kind("MD5", EVP_md5());
      return digest(in, out, kind.get());
    }
    case Transformation::normalize_path:
      return normalize_path(in, out, false);
    case Transformation::normalize_path_win:
      return normalize_path(in, out, true);
    case Transformation::remove_comments:
      return remove_comments(in, out);
    case Transformation::remove_comments_char:
      return remove_comments_char(in, out);
    case Transformation::remove_nulls:
      return without(in, out, [](char c) { return c == '\0'; });
    case Transformation::remove_whitespace:
      return without(in, out, [](char c) {
        return is_space(c) || c == static_cast<char>(0xa0) || c == static_cast<char>(0xc2);
      });
    case Transformation::replace_comments:
      return replace_comments(in, out);
    case Transformation::replace_nulls:
      return each(in, out, [](char c) { return c == '\0' ? ' ' : c; });
    case Transformation::sha1: {
      static const Fetched kind("SHA1", EVP_sha1());
      return digest(in, out, kind.get());
    }
    case Transformation::sql_hex_decode:
      return sql_hex_decode(in, out);
    case Transformation::trim:
      return trim(in, true, true);
    case Transformation::trim_left:
      return trim(in, true, false);
    case Transformation::trim_right:
      return trim(in, false, true);
    case Transformation::uppercase:
      return each(in, out, [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      });
    case Transformation::url_decode:
      return url_decode(in, out);
    case Transformation::url_decode_uni:
      return url_decode_uni(in, out);
    case Transformation::url_encode:
      return url_encode(in, out);
    case Transformation::utf8_to_unicode:
      return utf8_to_unicode(in, out);
  }
  return in;
}

}  // namespace

Traits triggers(Transformation transformation) noexcept {
  using namespace trait;
  switch (transformation) {
    case Transformation::url_decode:
    case Transformation::url_decode_uni:
      return of_marks("%+");
    case Transformation::html_entity_decode:
      return of_mark('&');
    case Transformation::js_decode:
    case Transformation::css_decode:
    case Transformation::escape_seq_decode:
      return of_mark('\\');
    case Transformation::remove_nulls:
    case Transformation::replace_nulls:
      return kNul;
    case Transformation::utf8_to_unicode:
      return kHigh | kNul;
    case Transformation::lowercase:
    case Transformation::uppercase:
      return 0;
    case Transformation::compress_whitespace:
      return kControlSpace | kTwoSpaces;
    case Transformation::remove_whitespace:
      return kControlSpace | kSpace | kHigh;
    case Transformation::trim:
    case Transformation::trim_left:
    case Transformation::trim_right:
      return kControlSpace | kSpace;
    case Transformation::cmd_line:
      return of_marks("\"'^\\,;") | kControlSpace | kTwoSpaces | kSpaceSlash;
    case Transformation::normalize_path:
      return kPathDots;
    case Transformation::normalize_path_win:
      return kPathDots | of_mark('\\');
    case Transformation::replace_comments:
      return of_mark('*');
    case Transformation::remove_comments:
    case Transformation::remove_comments_char:
      return of_marks("*-#<");
    case Transformation::sql_hex_decode:
      return kZero;
    default:
      return kAny;
  }
}

Traits changes(Transformation transformation) noexcept {
  switch (transformation) {
    case Transformation::lowercase:
      return trait::kUpper;
    case Transformation::uppercase:
      return trait::kLower;
    case Transformation::cmd_line:
      return triggers(transformation) | trait::kUpper;
    default:
      return triggers(transformation);
  }
}

Traits creates(Transformation transformation) noexcept {
  switch (transformation) {
    case Transformation::lowercase:
    case Transformation::uppercase:
    case Transformation::remove_nulls:
    case Transformation::remove_whitespace:
    case Transformation::trim:
    case Transformation::trim_left:
    case Transformation::trim_right:
    case Transformation::normalize_path:
      return 0;
    case Transformation::normalize_path_win:
      return trait::of_mark('/');
    case Transformation::compress_whitespace:
    case Transformation::replace_nulls:
    case Transformation::replace_comments:
    case Transformation::cmd_line:
      return trait::kSpace;
    default:
      return trait::kAny;
  }
}

std::string_view transform(Transformation transformation, std::string_view in, char* out,
                           bool& changed) noexcept {
  const std::string_view made = apply(transformation, in, out);
  changed = made != in;
  return changed ? made : in;
}

}  // namespace guard::inspect
