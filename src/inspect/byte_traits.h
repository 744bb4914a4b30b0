// What bytes a value has, from one look at it: in order to know without a second one what cannot
// change it, and what cannot be found in it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace guard::inspect {

// A set of kinds of bytes. Every byte is of exactly one kind; each character of ASCII that is no
// letter, digit or control character is a kind of its own.
using Traits = std::uint64_t;

namespace trait {

// The kinds 0 to 32 are the characters from ' ' to '/', ':' to '@', '[' to '`' and '{' to '~'.
constexpr Traits of_mark(char c) {
  if (c >= ' ' && c <= '/') return Traits{1} << (c - ' ');
  if (c >= ':' && c <= '@') return Traits{1} << (c - ':' + 16);
  if (c >= '[' && c <= '`') return Traits{1} << (c - '[' + 23);
  if (c >= '{' && c <= '~') return Traits{1} << (c - '{' + 29);
  return 0;
}

constexpr Traits of_marks(std::string_view marks) {
  Traits traits = 0;
  for (const char c : marks) traits |= of_mark(c);
  return traits;
}

inline constexpr Traits kSpace = of_mark(' ');
inline constexpr Traits kLower = Traits{1} << 33;
inline constexpr Traits kUpper = Traits{1} << 34;
inline constexpr Traits kDigit = Traits{1} << 35;  // but for 0
inline constexpr Traits kZero = Traits{1} << 36;
inline constexpr Traits kNul = Traits{1} << 37;
inline constexpr Traits kControlSpace = Traits{1} << 38;  // \t \n \v \f \r
inline constexpr Traits kControl = Traits{1} << 39;       // the others, and 0x7f
inline constexpr Traits kHigh = Traits{1} << 40;          // 0x80 and above

// No kinds of bytes, but how they stand.
inline constexpr Traits kTwoSpaces = Traits{1} << 41;   // next to each other
inline constexpr Traits kSpaceSlash = Traits{1} << 42;  // a space before / or (
// Two slashes, or a dot next to one, or before or behind everything.
inline constexpr Traits kPathDots = Traits{1} << 43;
inline constexpr Traits kEntity = Traits{1} << 44;  // an & before what may be one of HTML's

inline constexpr Traits kLetter = kLower | kUpper;
inline constexpr Traits kWord = kLetter | kDigit | kZero | of_mark('_');
inline constexpr Traits kBytes = kTwoSpaces - 1;  // all of bytes, none of how they stand
inline constexpr Traits kAny = ~Traits{0};

constexpr Traits of_byte(unsigned char byte) {
  const char c = static_cast<char>(byte);
  if (byte >= 0x80) return kHigh;
  if (c >= 'a' && c <= 'z') return kLower;
  if (c >= 'A' && c <= 'Z') return kUpper;
  if (c == '0') return kZero;
  if (c > '0' && c <= '9') return kDigit;
  if (byte == 0) return kNul;
  if (c >= '\t' && c <= '\r') return kControlSpace;
  return byte < 0x20 || byte == 0x7f ? kControl : of_mark(c);
}

}  // namespace trait

Traits byte_traits(std::string_view value) noexcept;

}  // namespace guard::inspect
