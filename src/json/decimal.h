// The exact value of a JSON number, whatever its size: compared, hashed and divided without
// rounding and without allocation, in time linear in its digits.
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::json {

// 0.d1d2d3... · 10^magnitude, of either sign, where neither d1 nor the last digit is 0. A view of
// the number's text.
class Decimal {
 public:
  Decimal() = default;  // zero
  // text: a number of the grammar of RFC 8259 whose exponent core::JsonParser allows.
  explicit Decimal(std::string_view text) noexcept;

  bool is_zero() const { return size() == 0; }
  bool is_negative() const { return negative_; }
  // 1.0 and 1e2 are as well.
  bool is_integer() const { return is_zero() || magnitude_ >= static_cast<std::int64_t>(size()); }
  std::size_t size() const { return first_.size() + second_.size(); }  // digits
  std::int64_t magnitude() const { return magnitude_; }
  // The digits are these, one behind the other. Where the point stands between the two depends on
  // how the number was written.
  std::string_view first_digits() const { return first_; }
  std::string_view more_digits() const { return second_; }

  // Less than, equal to, greater than 0: as a is to b.
  friend int compare(const Decimal& a, const Decimal& b) noexcept;
  // Equal for equal numbers, however they are written. Anyone can make others equal on purpose.
  std::uint64_t hash() const noexcept;

 private:
  friend class Divisor;
  char digit(std::size_t i) const {
    return i < first_.size() ? first_[i] : second_[i - first_.size()];
  }

  // Digits before and behind the point, or all of them in one of these.
  std::string_view first_;
  std::string_view second_;
  std::int64_t magnitude_ = 0;
  bool negative_ = false;
};

int compare(const Decimal& a, const Decimal& b) noexcept;

// What multipleOf divides by.
class Divisor {
 public:
  static constexpr std::size_t kMaxDigits = 18;  // significant ones

  // Throws ConfigError if text is not greater than 0, or has more digits.
  explicit Divisor(std::string_view text);
  // Whether number / divisor is an integer.
  bool divides(const Decimal& number) const noexcept;

 private:
  std::uint64_t digits_ = 1;
  std::int64_t exponent_ = 0;  // digits_ · 10^exponent_
};

}  // namespace guard::json
