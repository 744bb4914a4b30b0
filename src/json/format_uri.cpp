// URIs, IRIs and templates of URIs.
#include <algorithm>

#include "core/ascii.h"
#include "core/utf8.h"
#include "json/formats.h"

namespace guard::json::formats {

namespace {

using core::is_digit;
using core::is_hex;
using core::is_letter;

constexpr std::string_view kUnreserved = "-._~";
constexpr std::string_view kSubDelims = "!$&'()*+,;=";

bool in(std::string_view set, char c) noexcept {
  return set.find(c) != std::string_view::npos;
}

// RFC 3987, section 2.2: ucschar, and iprivate where that is allowed.
bool is_ucs(char32_t c, bool privately) noexcept {
  if (privately && ((c >= 0xe000 && c <= 0xf8ff) || (c >= 0xf0000 && (c & 0xffff) <= 0xfffd)))
    return true;
  if (c < 0x10000)
    return (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xf900 && c <= 0xfdcf) ||
           (c >= 0xfdf0 && c <= 0xffef);
  return c < 0xf0000 && (c & 0xffff) <= 0xfffd && !(c >= 0xe0000 && c < 0xe1000);
}

// pct-encoded, unreserved, sub-delims, what is in more, and with unicode the letters of IRIs.
bool all(std::string_view text, std::string_view more, bool unicode,
         bool privately = false) noexcept {
  while (!text.empty()) {
    const char c = text.front();
    std::size_t length = 1;
    if (c == '%') {
      if (text.size() < 3 || !is_hex(text[1]) || !is_hex(text[2])) return false;
      length = 3;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      const core::Utf8Unit unit = core::decode_utf8(text);
      if (!unicode || !unit.valid || !is_ucs(unit.code_point, privately)) return false;
      length = unit.length;
    } else if (!is_digit(c) && !is_letter(c) && !in(kUnreserved, c) && !in(kSubDelims, c) &&
               !in(more, c)) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

// IPvFuture of RFC 3986, section 3.2.2.
bool is_future(std::string_view text) noexcept {
  const std::size_t dot = text.find('.');
  if (text.empty() || (text.front() | 32) != 'v' || dot == std::string_view::npos || dot < 2)
    return false;
  const std::string_view version = text.substr(1, dot - 1);
  const std::string_view rest = text.substr(dot + 1);
  return std::all_of(version.begin(), version.end(), is_hex) && !rest.empty() && !in(rest, '%') &&
         all(rest, ":", false);
}

bool is_authority(std::string_view text, bool unicode) noexcept {
  const std::size_t at = text.find('@');
  if (at != std::string_view::npos) {
    if (!all(text.substr(0, at), ":", unicode)) return false;
    text.remove_prefix(at + 1);
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view address = text.substr(1, end - 1);
    if (!is_ipv6(address) && !is_future(address)) return false;
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return false;
  } else {
    const std::size_t colon = text.find(':');
    if (!all(text.substr(0, colon), "", unicode)) return false;
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  return port.empty() || std::all_of(port.begin() + 1, port.end(), is_digit);
}

bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || in("+-.", c); });
}

bool is_reference(std::string_view text, bool unicode, bool relative) noexcept {
  const std::size_t hash = text.find('#');
  if (hash != std::string_view::npos) {
    if (!all(text.substr(hash + 1), ":@/?", unicode)) return false;
    text = text.substr(0, hash);
  }
  const std::size_t question = text.find('?');
  if (question != std::string_view::npos) {
    if (!all(text.substr(question + 1), ":@/?", unicode, unicode)) return false;
    text = text.substr(0, question);
  }
  // In a relative one the first segment has no colon.
  const std::size_t colon = text.find(':');
  const bool has_scheme = colon != std::string_view::npos && text.find('/') > colon;
  if (has_scheme) {
    if (!is_scheme(text.substr(0, colon))) return false;
    text.remove_prefix(colon + 1);
  } else if (!relative) {
    return false;
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const std::size_t slash = std::min(text.find('/'), text.size());
    if (!is_authority(text.substr(0, slash), unicode)) return false;
    text.remove_prefix(slash);
  }
  return all(text, ":@/", unicode);
}

// varspec of RFC 6570, section 2.3.
bool is_variable(std::string_view text) noexcept {
  if (text.ends_with('*')) {
    text.remove_suffix(1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    const std::string_view length = text.substr(colon + 1);
    if (length.empty() || length.size() > 4 || length.front() == '0' ||
        !std::all_of(length.begin(), length.end(), is_digit)) {
      return false;
    }
    text = text.substr(0, colon);
  }
  if (text.empty() || text.front() == '.' || text.back() == '.' ||
      text.find("..") != std::string_view::npos)
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_letter(c) || is_digit(c) || c == '_' || c == '.') continue;
    if (c != '%' || i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))
      return false;
    i += 2;
  }
  return true;
}

bool is_expression(std::string_view text) noexcept {
  if (!text.empty() && in("+#./;?&=,!@|", text.front())) text.remove_prefix(1);
  for (;;) {
    const std::size_t comma = text.find(',');
    if (!is_variable(text.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

bool is_uri(std::string_view text) noexcept {
  return is_reference(text, false, false);
}
bool is_uri_reference(std::string_view text) noexcept {
  return is_reference(text, false, true);
}
bool is_iri(std::string_view text) noexcept {
  return is_reference(text, true, false);
}
bool is_iri_reference(std::string_view text) noexcept {
  return is_reference(text, true, true);
}

bool is_uri_template(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    // Literals of section 2.1: anything but these, and "%" only before two digits.
    const std::string_view literal = text.substr(0, open);
    for (std::size_t i = 0; i < literal.size(); ++i) {
      const char c = literal[i];
      if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f || in("\"'<>\\^`|}", c)) return false;
      if (c == '%' &&
          (i + 2 >= literal.size() || !is_hex(literal[i + 1]) || !is_hex(literal[i + 2])))
        return false;
    }
    if (open == std::string_view::npos) return true;
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos || !is_expression(text.substr(open + 1, close - open - 1)))
      return false;
    text.remove_prefix(close + 1);
  }
  return true;
}

}  // namespace guard::json::formats
