#include "core/path.h"

#include <array>

#include "core/ascii.h"

namespace guard::core {

namespace {

constexpr bool is_hex(unsigned char c) noexcept {
  return hex_value(static_cast<char>(c)) >= 0;
}

// UTF-8 byte by byte, by the table of well-formed sequences (Unicode 15, table 3-7).
class Utf8Check {
 public:
  enum class Verdict : std::uint8_t { ok, bad, control };

  Verdict take(unsigned char byte) noexcept {
    if (missing_ > 0) {
      if (byte < low_ || byte > high_) return Verdict::bad;
      low_ = 0x80;
      high_ = 0xbf;
      --missing_;
      if (c1_possible_ && byte < 0xa0) return Verdict::control;
      return Verdict::ok;
    }
    if (byte < 0x80) return Verdict::ok;
    c1_possible_ = byte == 0xc2;
    if (byte >= 0xc2 && byte <= 0xdf) {
      missing_ = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
      missing_ = 2;
      if (byte == 0xe0) low_ = 0xa0;
      if (byte == 0xed) high_ = 0x9f;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      missing_ = 3;
      if (byte == 0xf0) low_ = 0x90;
      if (byte == 0xf4) high_ = 0x8f;
    } else {
      return Verdict::bad;
    }
    return Verdict::ok;
  }

  bool complete() const noexcept { return missing_ == 0; }

 private:
  unsigned missing_ = 0;
  unsigned char low_ = 0x80;
  unsigned char high_ = 0xbf;
  bool c1_possible_ = false;
};

// Whether the segment so far is nothing but dots, one or two of them.
class DotSegment {
 public:
  void start() noexcept { dots_ = 0; }
  void spoil() noexcept { dots_ = -1; }
  void take(unsigned char byte) noexcept {
    if (byte == '.' && dots_ >= 0 && dots_ < 2) {
      ++dots_;
    } else {
      spoil();
    }
  }
  bool found() const noexcept { return dots_ > 0; }

 private:
  int dots_ = 0;
};

// Whether the decoded bytes so far end in a '%' and at most one hexadecimal digit.
class DoubleEncoding {
 public:
  // True when byte completes an escape.
  bool take(unsigned char byte) noexcept {
    if (byte == '%') {
      state_ = 1;
      return false;
    }
    if (state_ == 0 || !is_hex(byte)) {
      state_ = 0;
      return false;
    }
    return ++state_ == 3;
  }
  bool idle() const noexcept { return state_ == 0; }

 private:
  int state_ = 0;
};

PathFlaw raw_flaw(unsigned char byte) noexcept {
  if (byte == '\\') return PathFlaw::backslash;
  if (byte == '#') return PathFlaw::fragment;
  if (byte < 0x20 || byte == 0x7f) return PathFlaw::control;
  return PathFlaw::none;
}

PathFlaw encoded_flaw(unsigned char byte) noexcept {
  if (byte == '/') return PathFlaw::encoded_slash;
  if (byte == '\\') return PathFlaw::encoded_backslash;
  if (byte == 0) return PathFlaw::nul;
  if (byte < 0x20 || byte == 0x7f) return PathFlaw::encoded_control;
  return PathFlaw::none;
}

// Bytes that mean nothing but themselves, wherever they stand.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned byte = 0x20; byte < 0x7f; ++byte) {
    plain[byte] =
        std::string_view("/\\#;%.").find(static_cast<char>(byte)) == std::string_view::npos;
  }
  return plain;
}();

// path starts with a slash and ends before '?'.
PathFlaw scan(std::string_view path) noexcept {
  Utf8Check utf8;
  DotSegment dots;
  DoubleEncoding twice;

  for (std::size_t at = 1; at < path.size(); ++at) {
    auto byte = static_cast<unsigned char>(path[at]);

    if (kPlain[byte] && utf8.complete() && twice.idle()) {
      dots.spoil();
      continue;
    }
    if (byte == '/') {
      if (path[at - 1] == '/') return PathFlaw::empty_segment;
      if (dots.found()) return PathFlaw::dot_segment;
      if (!utf8.complete()) return PathFlaw::bad_utf8;
      dots.start();
      twice.take(byte);
      continue;
    }
    const bool encoded = byte == '%';
    if (encoded) {
      if (path.size() - at < 3) return PathFlaw::bad_escape;
      const int high = hex_value(path[at + 1]);
      const int low = hex_value(path[at + 2]);
      if (high < 0 || low < 0) return PathFlaw::bad_escape;
      byte = static_cast<unsigned char>(high * 16 + low);
      at += 2;
    }
    // Encoded, too: proxy_pass with a path of its own and rewrite send it on decoded.
    if (byte == ';') return dots.found() ? PathFlaw::dot_segment : PathFlaw::path_parameter;

    const PathFlaw flaw = encoded ? encoded_flaw(byte) : raw_flaw(byte);
    if (flaw != PathFlaw::none) return flaw;
    if (twice.take(byte)) return PathFlaw::double_encoding;
    switch (utf8.take(byte)) {
      case Utf8Check::Verdict::ok:
        break;
      case Utf8Check::Verdict::bad:
        return PathFlaw::bad_utf8;
      case Utf8Check::Verdict::control:
        return encoded ? PathFlaw::encoded_control : PathFlaw::control;
    }
    dots.take(byte);
  }

  if (dots.found()) return PathFlaw::dot_segment;
  return utf8.complete() ? PathFlaw::none : PathFlaw::bad_utf8;
}

// Where the path of an absolute-form target starts: after "scheme://authority"; npos if target is
// none.
std::size_t path_of_absolute(std::string_view target) noexcept {
  const std::size_t colon = target.find("://");
  if (colon == 0 || colon == std::string_view::npos) return std::string_view::npos;
  for (std::size_t i = 0; i < colon; ++i) {
    const char c = target[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && (i == 0 || !later)) return std::string_view::npos;
  }
  const std::size_t start = target.find_first_of("/?#\\", colon + 3);
  return start == std::string_view::npos ? target.size() : start;
}

}  // namespace

PathFlaw find_path_flaw(std::string_view target) noexcept {
  if (target == "*") return PathFlaw::none;
  if (!target.starts_with('/')) {
    const std::size_t start = path_of_absolute(target);
    if (start == std::string_view::npos) return PathFlaw::not_a_path;
    target.remove_prefix(start);
    if (!target.empty() && target.front() != '/' && target.front() != '?') {
      return raw_flaw(static_cast<unsigned char>(target.front()));
    }
  }
  const std::size_t question = target.find('?');
  const PathFlaw flaw = scan(target.substr(0, question));
  if (flaw != PathFlaw::none || question == std::string_view::npos) return flaw;
  // To some it ends the query, to others it belongs to it.
  const bool fragment = target.find('#', question) != std::string_view::npos;
  return fragment ? PathFlaw::fragment : PathFlaw::none;
}

}  // namespace guard::core
