#include "inspect/regex_callouts.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"

namespace guard::inspect {

namespace {

constexpr std::string_view kCallout = "(?C)";

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<std::string> whole() {
    while (at_ < text_.size()) {
      if (!next()) return std::nullopt;
    }
    return std::move(out_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void copy(std::size_t count) {
    out_ += text_.substr(at_, count);
    at_ = std::min(at_ + count, text_.size());
  }

  bool next() {
    switch (peek()) {
      case '\\':
        return escape();
      case '[':
        return bracket();
      case '(':
        return group();
      case '*':
      case '+':
      case '?':
        return quantifier(1);
      case '{': {
        const std::optional<std::size_t> size = braces(at_);
        if (!size) return false;
        if (*size != 0) return quantifier(*size);
        copy(1);
        return true;
      }
      default:
        copy(1);
        return true;
    }
  }

  bool escape() {
    const char c = peek(1);
    if (c == 'Q' || c == 'E' || c == 'c') return false;
    copy(2);
    if (peek() != '{' || std::string_view("xopPgkN").find(c) == std::string_view::npos) return true;
    const std::size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) return false;
    copy(end + 1 - at_);
    return true;
  }

  bool bracket() {
    copy(1);
    if (peek() == '^') copy(1);
    if (peek() == ']') copy(1);
    while (peek() != ']') {
      if (at_ >= text_.size()) return false;
      if (peek() == '\\') {
        if (peek(1) == 'Q' || peek(1) == 'E' || peek(1) == 'c') return false;
        copy(2);
      } else if (peek() == '[' && (peek(1) == ':' || peek(1) == '.' || peek(1) == '=')) {
        const std::size_t end = text_.find(']', at_);
        if (end == std::string_view::npos) return false;
        copy(end + 1 - at_);
      } else {
        copy(1);
      }
    }
    copy(1);
    return true;
  }

  // What begins one.
  bool group() {
    if (peek(1) == '*') return false;
    if (peek(1) != '?') {
      copy(1);
      return true;
    }
    for (const std::string_view kind :
         {"(?:", "(?=", "(?!", "(?>", "(?|", "(?<=", "(?<!", "(?<", "(?P<"}) {
      if (text_.substr(at_).starts_with(kind)) {
        copy(kind.size());
        return true;
      }
    }
    // Options, but for those that change how the pattern is read.
    std::size_t size = 2;
    while (std::string_view("ims-").find(peek(size)) != std::string_view::npos) ++size;
    if (size == 2 || (peek(size) != ')' && peek(size) != ':')) return false;
    copy(size + 1);
    return true;
  }

  bool quantifier(std::size_t size) {
    copy(size);
    if (peek() == '?' || peek() == '+') copy(1);
    // That of a quantifier would be the callout's.
    if (peek() == '*' || peek() == '+' || peek() == '?') return false;
    if (peek() == '{' && braces(at_).value_or(1) != 0) return false;
    out_ += kCallout;
    return true;
  }

  // The size of "{2,3}"; 0: it stands for itself; nothing: versions of PCRE2 differ.
  std::optional<std::size_t> braces(std::size_t from) const {
    std::size_t i = from + 1;
    const auto here = [&] { return i < text_.size() ? text_[i] : '\0'; };
    if (here() == ',' || here() == ' ' || here() == '\t') return std::nullopt;
    if (!core::is_digit(here())) return 0;
    while (core::is_digit(here())) ++i;
    if (here() == ',') ++i;
    while (core::is_digit(here())) ++i;
    if (here() == ' ' || here() == '\t') return std::nullopt;
    return here() == '}' ? i + 1 - from : 0;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::optional<std::string> with_callouts(std::string_view pattern) {
  return Reader(pattern).whole();
}

}  // namespace guard::inspect
