// Numbers of archives.
#pragma once

#include <cstdint>

namespace guard::upload {

inline std::uint32_t little_endian(const char* bytes) noexcept {
  std::uint32_t number = 0;
  for (int i = 3; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

inline constexpr std::uint32_t kElsewhere = 0xffffffff;  // the size is in a ZIP64 field

}  // namespace guard::upload
