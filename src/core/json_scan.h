// The slow twin of simdjson's first stage, for a text that it has refused without saying where: the
// tokens up to the first fault.
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::core {

struct ScannedFault {
  std::uint32_t offset = 0;
  bool encoding =
      false;  // not UTF-8; otherwise an unclosed string or a raw control character in one
  std::string_view detail;
};

// Fills tokens with the offsets of all that begins before the first fault (a bracket, comma, colon,
// opening quote, or first byte of anything else), followed by the fault's offset; count is their
// number without that. tokens has room for text.size() + 1. A string with the fault in it is not
// among them.
ScannedFault scan_json(std::string_view text, std::uint32_t* tokens, std::uint32_t& count) noexcept;

}  // namespace guard::core
