// What rules make of a value before they look at it, as ModSecurity v3 does it byte for byte: the
// rules are written for that, and for its oddities. None of them fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "inspect/vocabulary.h"

namespace guard::inspect {

// Room that the result of any transformation of a value of that size needs.
constexpr std::size_t transformed_size(std::size_t size) {
  return 6 * size + 64;
}

// The value as the transformation leaves it: in itself where there is nothing to do (changed is
// false), or a part of it, or what was written to out, which has room for transformed_size bytes
// and does not overlap it.
std::string_view transform(Transformation transformation, std::string_view in, char* out,
                           bool& changed) noexcept;

// What bytes a value has, from one look at it, in order to know without a second one what cannot
// change it.
struct ByteTraits {
  static constexpr std::uint32_t kPercentPlus = 1U << 0;
  static constexpr std::uint32_t kAmpersand = 1U << 1;
  static constexpr std::uint32_t kBackslash = 1U << 2;
  static constexpr std::uint32_t kNul = 1U << 3;
  static constexpr std::uint32_t kHigh = 1U << 4;          // 0x80 and above
  static constexpr std::uint32_t kControlSpace = 1U << 5;  // \t \n \v \f \r
  static constexpr std::uint32_t kSpace = 1U << 6;
  static constexpr std::uint32_t kQuote = 1U << 7;  // " ' ^
  static constexpr std::uint32_t kCommaSemicolon = 1U << 8;
  static constexpr std::uint32_t kSlash = 1U << 9;
  static constexpr std::uint32_t kParenthesis = 1U << 10;  // (
  static constexpr std::uint32_t kStar = 1U << 11;
  static constexpr std::uint32_t kUpper = 1U << 12;
  static constexpr std::uint32_t kDot = 1U << 13;
  static constexpr std::uint32_t kDashHash = 1U << 14;  // - # <
  static constexpr std::uint32_t kZero = 1U << 15;
  static constexpr std::uint32_t kLower = 1U << 16;
  static constexpr std::uint32_t kLessEqual = 1U << 17;   // < =
  static constexpr std::uint32_t kOther = 1U << 18;       // what is no letter, no digit and no _
  static constexpr std::uint32_t kTwoSpaces = 1U << 19;   // next to each other
  static constexpr std::uint32_t kSpaceSlash = 1U << 20;  // a space before / or (
};

std::uint32_t byte_traits(std::string_view value) noexcept;

// The traits of which a value must have one for the transformation to change more than its case.
// All bits: it may change any value.
std::uint32_t triggers(Transformation transformation) noexcept;

}  // namespace guard::inspect
