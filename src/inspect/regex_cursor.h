// A place in a regex, and what all who read one read alike. Where versions of PCRE2 differ, or
// PCRE2 and Vectorscan, nothing is understood.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace guard::inspect {

class RegexCursor {
 public:
  // Thrown where something is not understood.
  struct Unknown {};

  // How often something is there.
  struct Times {
    std::size_t least = 1;  // up to 10,000
    bool unbounded = false;
    bool possessive = false;
  };

  explicit RegexCursor(std::string_view text) : text_(text) {}

  bool ended() const { return at_ == text_.size(); }
  std::size_t at() const { return at_; }
  std::string_view rest() const { return text_.substr(at_); }
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }

  // The next byte. Throws Unknown at the end.
  char peek() const;
  char take();
  bool take_if(std::string_view what);

  // Takes a quantifier; what has none is there once. Throws Unknown where one is quantified.
  Times quantifier();
  // Behind "\x": takes the byte's number.
  unsigned char hex();
  // Whether "[:alpha:]" or its like begins here, which is one inside of brackets alone.
  bool at_named_class() const;

 private:
  std::optional<Times> braces();

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace guard::inspect
