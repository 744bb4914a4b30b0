#include "upload/scan_fault.h"

#include <array>

namespace guard::upload {

std::string_view keyword_of(ScanFault fault) noexcept {
  constexpr std::array<std::string_view, 8> kNames = {
      "", "scan_max", "unreachable", "timeout", "broken", "limit", "answer", "body"};
  return kNames[static_cast<std::size_t>(fault)];
}

std::string_view explain(ScanFault fault) noexcept {
  constexpr std::array<std::string_view, 8> kTexts = {
      "",
      "a file is larger than may be scanned",
      "the scanner cannot be reached",
      "the scanner did not answer in time",
      "the scanner broke off",
      "a file is over a limit of the scanner",
      "the scanner gave no verdict",
      "the form could not be read again",
  };
  return kTexts[static_cast<std::size_t>(fault)];
}

}  // namespace guard::upload
