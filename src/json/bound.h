// What minimum, maximum and their exclusive forms compare with.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "json/decimal.h"

namespace guard::json {

// A number as it is written, read once for all that it is compared with. A view.
class WrittenNumber {
 public:
  // text: a number of the grammar of RFC 8259.
  WrittenNumber(std::string_view text) noexcept;  // NOLINT(google-explicit-constructor): the same

  std::string_view text() const { return text_; }

 private:
  friend class Bound;
  std::string_view text_;
  std::int64_t whole_ = 0;  // without what is behind the point
  bool fraction_ = false;   // that is not 0
  bool negative_ = false;
  bool simple_ = false;  // the three above say all: no exponent, and not too many digits
};

class Bound {
 public:
  // number: of the grammar of RFC 8259; must live as long as this.
  explicit Bound(std::string_view number) noexcept;

  // What it is, if that is a whole number of 64 bits written as one.
  std::optional<std::int64_t> whole() const {
    return is_whole_ ? std::optional(whole_) : std::nullopt;
  }
  // Less than, equal to, greater than 0: as number is to the bound.
  int compare(const WrittenNumber& number) const noexcept {
    if (!is_whole_ || !number.simple_) return compare_digits(number.text_);
    if (number.whole_ != whole_) return number.whole_ < whole_ ? -1 : 1;
    // It lies between whole_ and its neighbour away from 0.
    return number.fraction_ ? number.negative_ ? -1 : 1 : 0;
  }
  // Whether number, written with a fraction or an exponent, is the bound to those who make a double
  // of it, as 1e-400 is 0, and 0.99999999999999999999 is 1.
  bool rounds_to(const WrittenNumber& number) const noexcept {
    const bool exact = number.simple_ && number.text_.size() <= kExactDigits;
    return !exact && rounds_to_digits(number.text_);
  }

 private:
  // Decimals of no more digits all differ as doubles.
  static constexpr std::size_t kExactDigits = 15;

  int compare_digits(std::string_view number) const noexcept;
  bool rounds_to_digits(std::string_view number) const noexcept;

  Decimal value_;
  double rounded_ = 0;
  std::int64_t whole_ = 0;
  bool is_whole_ = false;  // value_ is whole_
};

}  // namespace guard::json
