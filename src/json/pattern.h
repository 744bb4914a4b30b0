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

  // Not one that needs PCRE2.
  bool is_simple() const { return simple_.has_value(); }

  // Whether it matches anywhere in text, which must be valid UTF-8. Takes what it costs from work,
  // about a nanosecond each, and gives up when there is none left. Allocates nothing where JIT is
  // to be had. Not for two threads at a time.
  Match search(std::string_view text, std::int64_t& work) const noexcept {
    if (!simple_) return run(text, work);
    work -= static_cast<std::int64_t>(text.size());
    if (work < 0) return Match::limit;
    return simple_->search(text) ? Match::yes : Match::no;
  }

  // What all searches of texts of so many bytes together may cost.
  static constexpr std::int64_t work_for(std::size_t bytes) {
    return kFreeWork + kWorkPerByte * static_cast<std::int64_t>(bytes);
  }

 private:
  static constexpr std::int64_t kFreeWork = 28'000;
  static constexpr std::int64_t kWorkPerByte = 22;

  Match run(std::string_view text, std::int64_t& work) const noexcept;

  struct Compiled;
  std::optional<SimplePattern> simple_;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace guard::json
