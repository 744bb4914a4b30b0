// A regular expression of a schema: ECMA-262, compiled by PCRE2 with JIT where the system allows
// that, and bounded, so that no text makes it run away.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "json/simple_pattern.h"

namespace guard::json {

class Pattern {
 public:
  // limit: it would have taken too long or too much memory to tell.
  enum class Match : std::uint8_t { no, yes, limit };

  // Throws ConfigError: what is wrong, and where.
  explicit Pattern(std::string_view pattern);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  // Not one that needs PCRE2: search() never ends with limit.
  bool is_simple() const { return simple_.has_value(); }

  // Whether it matches anywhere in text, which must be valid UTF-8. Allocates nothing where JIT is
  // to be had. Not for two threads at a time.
  Match search(std::string_view text) const noexcept {
    if (simple_) return simple_->search(text) ? Match::yes : Match::no;
    return run(text);
  }

 private:
  Match run(std::string_view text) const noexcept;

  struct Compiled;
  std::optional<SimplePattern> simple_;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace guard::json
