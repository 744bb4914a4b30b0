// What each transformation makes of a value, in the way that is easiest to read, whatever it costs:
// for transformation_fuzz.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/byte_traits.h"
#include "inspect/transformation.h"
#include "inspect/unicode_map.h"

namespace guard::fuzz {

using inspect::Traits;
using inspect::Transformation;

constexpr std::string_view kSlowSpace = " \t\n\v\f\r";
constexpr std::string_view kSlowBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

inline bool is_in(char c, char first, char last) {
  return c >= first && c <= last;
}

inline bool slow_is_hex(char c) {
  return is_in(c, '0', '9') || is_in(c, 'a', 'f') || is_in(c, 'A', 'F');
}

// The number that just so many hexadecimal digits make; nothing if there are not so many.
inline std::optional<unsigned> hex_at(std::string_view in, std::size_t at, std::size_t digits) {
  if (at + digits > in.size()) return std::nullopt;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (!slow_is_hex(in[i])) return std::nullopt;
  }
  return static_cast<unsigned>(
      std::strtoul(std::string(in.substr(at, digits)).c_str(), nullptr, 16));
}

// Fullwidth forms are the ASCII characters that they show; of others the low byte is left.
inline char low_or_narrow(unsigned code) {
  return static_cast<char>(code >= 0xff01 && code <= 0xff5e ? code - 0xff00 + 0x20 : code & 0xff);
}

template <class Wanted>
std::string slow_filter(std::string_view in, Wanted wanted) {
  std::string out;
  for (const char c : in) {
    if (wanted(c)) out += c;
  }
  return out;
}

inline std::string slow_lowercase(std::string_view in) {
  std::string out(in);
  for (char& c : out) {
    if (is_in(c, 'A', 'Z')) c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

inline std::string slow_uppercase(std::string_view in) {
  std::string out(in);
  for (char& c : out) {
    if (is_in(c, 'a', 'z')) c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

inline std::string replace_all(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at)) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// Step by step: what shells pass over, what separates words, what needs no space before it.
inline std::string slow_cmd_line(std::string_view in) {
  std::string text = slow_filter(in, [](char c) { return !is_one_of(c, "\"'\\^"); });
  for (char& c : text) {
    if (is_one_of(c, ",;\t\r\n")) c = ' ';
  }
  text = replace_all(text, "  ", " ");
  text = replace_all(text, " /", "/");
  return slow_lowercase(replace_all(text, " (", "("));
}

inline std::string slow_compress_whitespace(std::string_view in) {
  std::string text(in);
  for (char& c : text) {
    if (is_one_of(c, kSlowSpace)) c = ' ';
  }
  return replace_all(text, "  ", " ");
}

inline std::string slow_url_decode(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto byte = hex_at(in, i + 1, 2);
    if (in[i] == '%' && byte) {
      out += static_cast<char>(*byte);
      i += 2;
    } else {
      out += in[i] == '+' ? ' ' : in[i];
    }
  }
  return out;
}

inline std::string slow_url_decode_uni(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const bool percent = in[i] == '%';
    const bool unicode = percent && i + 1 < in.size() && is_one_of(in[i + 1], "uU");
    const auto code = unicode ? hex_at(in, i + 2, 4) : std::nullopt;
    const auto byte = percent ? hex_at(in, i + 1, 2) : std::nullopt;
    if (code) {
      const int mapped = inspect::map_unicode(static_cast<std::uint16_t>(*code));
      out += mapped >= 0 ? static_cast<char>(mapped) : low_or_narrow(*code);
      i += 5;
    } else if (byte) {
      out += static_cast<char>(*byte);
      i += 2;
    } else {
      out += in[i] == '+' ? ' ' : in[i];
    }
  }
  return out;
}

inline std::string slow_url_encode(std::string_view in) {
  std::string out;
  for (const char c : in) {
    const bool plain = is_in(c, 'a', 'z') || is_in(c, 'A', 'Z') || is_in(c, '0', '9') || c == '*';
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%%%02x", static_cast<unsigned char>(c));
    out += plain ? std::string(1, c) : c == ' ' ? "+" : text.data();
  }
  return out;
}

inline std::string slow_html_entity_decode(std::string_view in) {
  const auto run_end = [&](std::size_t at, auto wanted) {
    while (at < in.size() && wanted(in[at])) ++at;
    return at;
  };
  std::string out;
  for (std::size_t i = 0; i < in.size();) {
    const std::string_view rest = in.substr(i);
    std::size_t begin = i + 1;
    std::size_t end = begin;
    std::optional<char> made;
    if (rest.starts_with("&#x") || rest.starts_with("&#X")) {
      begin = i + 3;
      end = run_end(begin, slow_is_hex);
    } else if (rest.starts_with("&#")) {
      begin = i + 2;
      end = run_end(begin, [](char c) { return is_in(c, '0', '9'); });
    }
    if (rest.starts_with("&#") && end > begin) {
      const std::string digits(in.substr(begin, end - begin));
      made = static_cast<char>(std::strtol(digits.c_str(), nullptr, begin == i + 3 ? 16 : 10));
    } else if (rest.starts_with("&") && !rest.starts_with("&#")) {
      end = run_end(begin, [](char c) {
        return is_in(c, 'a', 'z') || is_in(c, 'A', 'Z') || is_in(c, '0', '9');
      });
      const std::string name = slow_lowercase(in.substr(begin, end - begin));
      if (name == "quot") made = '"';
      if (name == "amp") made = '&';
      if (name == "lt") made = '<';
      if (name == "gt") made = '>';
      if (name == "nbsp") made = '\xa0';
    }
    if (made) {
      out += *made;
      i = end < in.size() && in[end] == ';' ? end + 1 : end;
    } else {
      out += in[i++];
    }
  }
  return out;
}

// The digits at a place, at most three, and at most two where three do not fit a byte and wanted.
inline std::string octal_at(std::string_view in, std::size_t at, bool fitting) {
  std::string digits;
  while (at < in.size() && digits.size() < 3 && is_in(in[at], '0', '7')) digits += in[at++];
  if (fitting && digits.size() == 3 && digits[0] > '3') digits.pop_back();
  return digits;
}

inline char slow_escaped(char c) {
  constexpr std::string_view kNames = "abfnrtv";
  constexpr std::string_view kBytes = "\a\b\f\n\r\t\v";
  const std::size_t found = kNames.find(c);
  return found == std::string_view::npos ? c : kBytes[found];
}

inline std::string slow_unescape(std::string_view in, bool javascript) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] != '\\' || i + 1 == in.size()) {
      out += in[i];
      continue;
    }
    const char kind = in[i + 1];
    const std::string octal = octal_at(in, i + 1, javascript);
    if (javascript && kind == 'u' && hex_at(in, i + 2, 4)) {
      out += low_or_narrow(*hex_at(in, i + 2, 4));
      i += 5;
    } else if (is_one_of(kind, javascript ? "x" : "xX") && hex_at(in, i + 2, 2)) {
      out += static_cast<char>(*hex_at(in, i + 2, 2));
      i += 3;
    } else if (!octal.empty()) {
      out += static_cast<char>(std::strtoul(octal.c_str(), nullptr, 8));
      i += octal.size();
    } else {
      out += slow_escaped(kind);
      ++i;
    }
  }
  return out;
}

inline std::string slow_css_decode(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] != '\\') {
      out += in[i];
      continue;
    }
    std::size_t size = 6;
    while (size > 0 && !hex_at(in, i + 1, size)) --size;
    if (size > 0) {
      out += low_or_narrow(*hex_at(in, i + 1, size));
      i += size;
      if (i + 1 < in.size() && is_one_of(in[i + 1], kSlowSpace)) ++i;
    } else if (i + 1 < in.size()) {
      // A newline behind a backslash continues the line.
      ++i;
      if (in[i] != '\n') out += in[i];
    }
  }
  return out;
}

// With what ModSecurity does to sequences that are none: see utf8_to_unicode().
inline std::string slow_utf8_to_unicode(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    const int ones = std::countl_one(byte);
    if (ones == 0) {
      if (byte != 0) out += in[i];
      continue;
    }
    if (ones == 1 || ones > 4 || byte >= 0xf5) out += in[i];
    if (ones == 1 || ones > 4) continue;
    const auto size = static_cast<std::size_t>(ones);
    unsigned code = byte & (0x7fU >> size);
    bool whole = i + size <= in.size();
    for (std::size_t k = 1; whole && k < size; ++k) {
      const auto next = static_cast<unsigned char>(in[i + k]);
      whole = std::countl_one(next) == 1;
      code = code * 64 + (next & 63U);
    }
    if (!whole) continue;
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%%u%04x", code);
    out += text.data();
    if (code >= 0xd800 && code <= 0xdfff) out += in[i];
    if (code < std::array{0U, 0U, 0x80U, 0x800U, 0x10000U}[size]) out += in[i];
    i += size - 1;
  }
  return out;
}

inline std::string slow_replace_comments(std::string_view in) {
  std::string out;
  for (;;) {
    const std::size_t begin = in.find("/*");
    out += in.substr(0, begin);
    if (begin == in.npos) return out;
    out += ' ';
    const std::size_t end = in.find("*/", begin + 2);
    if (end == in.npos) return out;
    in.remove_prefix(end + 2);
  }
}

inline std::string slow_remove_comments(std::string_view in) {
  std::string out;
  bool behind_comment = false;
  while (!in.empty()) {
    const std::size_t opens = in.starts_with("/*") ? 2 : in.starts_with("<!--") ? 4 : 0;
    if (behind_comment || (opens == 0 && !in.starts_with("--") && !in.starts_with("#"))) {
      out += in.front();
      in.remove_prefix(1);
      behind_comment = false;
      continue;
    }
    if (opens == 0) return out;
    in.remove_prefix(opens);
    const std::size_t c = in.find("*/");
    const std::size_t html = in.find("-->");
    if (c == in.npos && html == in.npos) return out + ' ';
    in.remove_prefix(c < html ? c + 2 : html + 3);
    // One byte is passed on unseen, as ModSecurity does it.
    behind_comment = true;
  }
  return out;
}

inline std::string slow_remove_comments_char(std::string_view in) {
  std::string out;
  while (!in.empty()) {
    std::size_t size = 0;
    for (const std::string_view mark : {"#", "--", "-->", "<!--", "/*", "*/"}) {
      if (in.starts_with(mark)) size = mark.size();
    }
    if (size == 0) out += in.front();
    in.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

// As bits: whole bytes of them are the result. Forgiving, it looks at digits alone, unless there is
// one too many before padding.
inline std::string slow_base64_decode(std::string_view in, bool forgiving) {
  std::vector<bool> bits;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::size_t value = kSlowBase64.find(in[i]);
    if (value == std::string_view::npos) {
      if (is_one_of(in[i], " \r\n")) continue;
      if (!forgiving) break;
      if (in[i] == '=' && !in.substr(i + 1).starts_with('=') && bits.size() % 24 == 6) return "";
      continue;
    }
    for (int bit = 5; bit >= 0; --bit) bits.push_back((value >> bit & 1U) != 0);
  }
  std::string out;
  for (std::size_t i = 0; i + 8 <= bits.size(); i += 8) {
    unsigned byte = 0;
    for (std::size_t k = i; k < i + 8; ++k) byte = byte * 2 + (bits[k] ? 1 : 0);
    out += static_cast<char>(byte);
  }
  return out;
}

inline std::string slow_base64_encode(std::string_view in) {
  std::vector<bool> bits;
  for (const char c : in) {
    for (int bit = 7; bit >= 0; --bit) bits.push_back((static_cast<unsigned>(c) >> bit & 1U) != 0);
  }
  while (bits.size() % 6 != 0) bits.push_back(false);
  std::string out;
  for (std::size_t i = 0; i < bits.size(); i += 6) {
    std::size_t value = 0;
    for (std::size_t k = i; k < i + 6; ++k) value = value * 2 + (bits[k] ? 1 : 0);
    out += kSlowBase64[value];
  }
  while (out.size() % 4 != 0) out += '=';
  return out;
}

// What is no digit counts as one all the same: a letter as the letters up to F go on, with its case
// taken away; others as far as they are from '0'.
inline std::string slow_hex_decode(std::string_view in) {
  const auto value = [](char c) {
    const int byte = static_cast<unsigned char>(c);
    return byte >= 'A' ? (byte & 0xdf) - 'A' + 10 : byte - '0';
  };
  std::string out;
  for (std::size_t i = 0; i + 1 < in.size(); i += 2) {
    out += static_cast<char>(value(in[i]) * 16 + value(in[i + 1]));
  }
  return out;
}

inline std::string slow_hex_encode(std::string_view in) {
  std::string out;
  for (const char c : in) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%02x", static_cast<unsigned char>(c));
    out += text.data();
  }
  return out;
}

inline std::string slow_sql_hex_decode(std::string_view in) {
  std::string out;
  while (!in.empty()) {
    const bool begins = in.starts_with("0x") || in.starts_with("0X");
    if (!begins || !hex_at(in, 2, 2)) {
      out += in.front();
      in.remove_prefix(1);
      continue;
    }
    in.remove_prefix(2);
    for (auto byte = hex_at(in, 0, 2); byte; byte = hex_at(in, 0, 2)) {
      out += static_cast<char>(*byte);
      in.remove_prefix(2);
    }
    // One byte is passed on unseen, as ModSecurity does it.
    out += in.substr(0, 1);
    in.remove_prefix(std::min<std::size_t>(1, in.size()));
  }
  return out;
}

// By segments. Nothing: of several slashes in a row the last is a backslash, which ModSecurity may
// leave as it is.
inline std::optional<std::string> slow_normalize_path(std::string_view in, bool win) {
  const std::string_view slashes = win ? "/\\" : "/";
  if (in.empty()) return "";
  for (std::size_t i = 1; win && i < in.size(); ++i) {
    const bool last = i + 1 == in.size() || !is_one_of(in[i + 1], slashes);
    if (is_one_of(in[i - 1], slashes) && in[i] == '\\' && last) return std::nullopt;
  }
  const bool rooted = is_one_of(in.front(), slashes);
  const bool closed = is_one_of(in.back(), slashes);
  std::vector<std::string_view> parts;
  // Where a path that is not rooted has left its beginning, ".." stay.
  bool above = false;
  for (std::size_t at = in.find_first_not_of(slashes); at != in.npos;) {
    const std::size_t end = std::min(in.find_first_of(slashes, at), in.size());
    const std::string_view part = in.substr(at, end - at);
    at = in.find_first_not_of(slashes, end);
    std::size_t before = (rooted ? 1 : 0) + part.size() - 1;
    for (const std::string_view one : parts) before += one.size() + 1;
    if (part == ".") continue;
    if (part.ends_with("..")) {
      if (!rooted && (above || before <= 2)) {
        parts.push_back(part);
        above = true;
        continue;
      }
      // "a.." takes only itself away.
      if (part == ".." && !parts.empty()) parts.pop_back();
      above = above || parts.empty();
      continue;
    }
    parts.push_back(part);
    if (before > 0 && part.back() != '.') above = false;
  }
  if (parts.empty()) return rooted && closed ? "/" : "";
  std::string out = rooted ? "/" : "";
  for (const std::string_view part : parts) out.append(part).append("/");
  if (!closed) out.pop_back();
  return out;
}

// RFC 1321, section 3, and RFC 3174, section 6.1: the message with what fills its last blocks.
inline std::string padded(std::string_view in, bool big_endian) {
  std::string text(in);
  text += '\x80';
  while (text.size() % 64 != 56) text += '\0';
  const std::uint64_t bits = in.size() * 8;
  for (unsigned i = 0; i < 8; ++i) text += static_cast<char>(bits >> 8 * (big_endian ? 7 - i : i));
  return text;
}

inline std::uint32_t word_at(std::string_view text, std::size_t at, bool big_endian) {
  std::uint32_t word = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint32_t byte = static_cast<unsigned char>(text[at + i]);
    word |= byte << 8 * (big_endian ? 3 - i : i);
  }
  return word;
}

template <std::size_t kCount>
std::string digest_of(const std::array<std::uint32_t, kCount>& words, bool big_endian) {
  std::string out;
  for (const std::uint32_t word : words) {
    for (unsigned i = 0; i < 4; ++i) {
      out += static_cast<char>(word >> 8 * (big_endian ? 3 - i : i));
    }
  }
  return out;
}

inline std::string slow_md5(std::string_view in) {
  constexpr std::array<int, 16> kTurns = {7, 12, 17, 22, 5, 9,  14, 20,
                                          4, 11, 16, 23, 6, 10, 15, 21};
  std::array<std::uint32_t, 4> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const std::string text = padded(in, false);
  for (std::size_t block = 0; block < text.size(); block += 64) {
    auto [a, b, c, d] = state;
    for (unsigned i = 0; i < 64; ++i) {
      const std::array<std::uint32_t, 4> mixed = {(b & c) | (~b & d), (b & d) | (c & ~d), b ^ c ^ d,
                                                  c ^ (b | ~d)};
      const std::array<unsigned, 4> words = {i, 5 * i + 1, 3 * i + 5, 7 * i};
      const unsigned round = i / 16;
      const auto sine = static_cast<std::uint32_t>(std::fabs(std::sin(i + 1.0)) * 4294967296.0);
      const std::uint32_t word = word_at(text, block + words[round] % 16 * 4, false);
      const std::uint32_t turned =
          std::rotl(a + mixed[round] + sine + word, kTurns[round * 4 + i % 4]);
      a = d;
      d = c;
      c = b;
      b += turned;
    }
    state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d};
  }
  return digest_of(state, false);
}

inline std::string slow_sha1(std::string_view in) {
  std::array<std::uint32_t, 5> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::string text = padded(in, true);
  for (std::size_t block = 0; block < text.size(); block += 64) {
    std::array<std::uint32_t, 80> words{};
    for (std::size_t i = 0; i < 80; ++i) {
      words[i] = i < 16 ? word_at(text, block + i * 4, true)
                        : std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    auto [a, b, c, d, e] = state;
    for (std::size_t i = 0; i < 80; ++i) {
      const std::array<std::uint32_t, 4> mixed = {(b & c) | (~b & d), b ^ c ^ d,
                                                  (b & c) | (b & d) | (c & d), b ^ c ^ d};
      constexpr std::array<std::uint32_t, 4> kRounds = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                                        0xca62c1d6};
      const std::uint32_t sum = std::rotl(a, 5) + mixed[i / 20] + e + words[i] + kRounds[i / 20];
      e = d;
      d = c;
      c = std::rotl(b, 30);
      b = a;
      a = sum;
    }
    state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
  }
  return digest_of(state, true);
}

inline std::string slow_trim(std::string_view in, bool left, bool right) {
  const std::size_t first = left ? in.find_first_not_of(kSlowSpace) : 0;
  if (first == in.npos) return "";
  const std::size_t last = right ? in.find_last_not_of(kSlowSpace) : in.size() - 1;
  return last == in.npos ? "" : std::string(in.substr(first, last - first + 1));
}

// Nothing: see slow_normalize_path.
inline std::optional<std::string> slowly(Transformation transformation, std::string_view in) {
  switch (transformation) {
    case Transformation::base64_decode:
      return slow_base64_decode(in, false);
    case Transformation::base64_decode_ext:
      return slow_base64_decode(in, true);
    case Transformation::base64_encode:
      return slow_base64_encode(in);
    case Transformation::cmd_line:
      return slow_cmd_line(in);
    case Transformation::compress_whitespace:
      return slow_compress_whitespace(in);
    case Transformation::css_decode:
      return slow_css_decode(in);
    case Transformation::escape_seq_decode:
      return slow_unescape(in, false);
    case Transformation::hex_decode:
      return slow_hex_decode(in);
    case Transformation::hex_encode:
      return slow_hex_encode(in);
    case Transformation::html_entity_decode:
      return slow_html_entity_decode(in);
    case Transformation::js_decode:
      return slow_unescape(in, true);
    case Transformation::length:
      return std::to_string(in.size());
    case Transformation::lowercase:
      return slow_lowercase(in);
    case Transformation::md5:
      return slow_md5(in);
    case Transformation::normalize_path:
      return slow_normalize_path(in, false);
    case Transformation::normalize_path_win:
      return slow_normalize_path(in, true);
    case Transformation::remove_comments:
      return slow_remove_comments(in);
    case Transformation::remove_comments_char:
      return slow_remove_comments_char(in);
    case Transformation::remove_nulls:
      return slow_filter(in, [](char c) { return c != '\0'; });
    case Transformation::remove_whitespace:
      return slow_filter(
          in, [](char c) { return !is_one_of(c, kSlowSpace) && !is_one_of(c, "\xa0\xc2"); });
    case Transformation::replace_comments:
      return slow_replace_comments(in);
    case Transformation::replace_nulls:
      return replace_all(std::string(in), std::string_view("\0", 1), " ");
    case Transformation::sha1:
      return slow_sha1(in);
    case Transformation::sql_hex_decode:
      return slow_sql_hex_decode(in);
    case Transformation::trim:
      return slow_trim(in, true, true);
    case Transformation::trim_left:
      return slow_trim(in, true, false);
    case Transformation::trim_right:
      return slow_trim(in, false, true);
    case Transformation::uppercase:
      return slow_uppercase(in);
    case Transformation::url_decode:
      return slow_url_decode(in);
    case Transformation::url_decode_uni:
      return slow_url_decode_uni(in);
    case Transformation::url_encode:
      return slow_url_encode(in);
    case Transformation::utf8_to_unicode:
      return slow_utf8_to_unicode(in);
  }
  return std::nullopt;
}

inline Traits slow_traits(std::string_view in) {
  using namespace inspect::trait;
  Traits traits = 0;
  for (const char c : in) traits |= of_byte(static_cast<unsigned char>(c));
  const auto has = [in](std::string_view text) { return in.find(text) != in.npos; };
  if (has("  ")) traits |= kTwoSpaces;
  if (has(" /") || has(" (")) traits |= kSpaceSlash;
  if (in.starts_with('.') || in.ends_with('.')) traits |= kPathDots;
  for (const std::string_view pair : {"//", "/\\", "\\/", "\\\\", "/.", "\\.", "./", ".\\"}) {
    if (has(pair)) traits |= kPathDots;
  }
  // &#65; &quot; &amp; &lt; &gt; &nbsp;
  for (const char first : std::string_view("#qQaAlLgGnN")) {
    if (has(std::string("&") + first)) traits |= kEntity;
  }
  return traits;
}

}  // namespace guard::fuzz
