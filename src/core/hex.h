// Lower-case hexadecimal digits, two for each byte.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace guard::core {

inline constexpr auto kHexPairs = [] {
  std::array<std::array<char, 2>, 256> pairs{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    pairs[byte] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  }
  return pairs;
}();

// Both return what is behind the last digit.
inline char* write_hex(std::span<const unsigned char> bytes, char* out) noexcept {
  for (unsigned char byte : bytes) {
    std::memcpy(out, kHexPairs[byte].data(), 2);
    out += 2;
  }
  return out;
}

// 16 digits, as the number is read.
inline char* write_hex(std::uint64_t number, char* out) noexcept {
  for (int shift = 56; shift >= 0; shift -= 8) {
    std::memcpy(out, kHexPairs[number >> shift & 0xff].data(), 2);
    out += 2;
  }
  return out;
}

}  // namespace guard::core
