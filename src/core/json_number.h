// JSON numbers as text (RFC 8259, section 6): what they are and whether a type can hold them,
// without ever rounding one.
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::core {

// double_: the magnitude rounds to a finite IEEE 754 binary64. int64: a number without fraction and
//   exponent also fits a signed 64-bit integer. any: no range; the exponent's own bound remains.
enum class JsonNumberMode : std::uint8_t { double_, int64, any };

// In every mode: a longer number is refused, and so is an exponent beyond this magnitude, so that
// whoever computes with the text knows what is coming.
inline constexpr std::size_t kMaxNumberBytes = 1000;
inline constexpr std::int64_t kMaxExponent = 1'000'000'000;

struct JsonNumber {
  std::string_view integer;   // digits, without the sign
  std::string_view fraction;  // digits behind the point; may be empty
  std::string_view exponent;  // digits behind e and its sign; may be empty
  bool negative = false;
  bool exponent_negative = false;

  bool is_integer() const { return fraction.empty() && exponent.empty(); }
};

// Splits text into its parts; false if it is not exactly one number of the grammar.
bool parse_json_number(std::string_view text, JsonNumber& number) noexcept;

// Whether mode allows the number.
bool in_range(const JsonNumber& number, JsonNumberMode mode) noexcept;

}  // namespace guard::core
