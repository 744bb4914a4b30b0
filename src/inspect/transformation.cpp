#include "inspect/transformation.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/ascii.h"
#include "inspect/transformation_codes.h"

namespace guard::inspect {

namespace {

using Byte = unsigned char;

constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
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

std::string_view transform(Transformation transformation, std::string_view in, char* out,
                           bool& changed) noexcept {
  const std::string_view made = apply(transformation, in, out);
  changed = made != in;
  return changed ? made : in;
}

}  // namespace guard::inspect
