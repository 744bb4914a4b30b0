#include "upload/scan_fault.h"

#include <array>

namespace guard::upload {

bool of_scanner(ScanFault fault) noexcept {
  switch (fault) {
    case ScanFault::unreachable:
    case ScanFault::late:
    case ScanFault::broken:
    case ScanFault::answer:
      return true;
    default:
      return false;
  }
}

std::string_view keyword_of(ScanFault fault) noexcept {
  constexpr std::array<std::string_view, 10> kKeywords = {
      "",      "scan_max", "unreachable", "timeout", "broken",
      "limit", "answer",   "body",        "busy",    "unavailable"};
  return kKeywords[static_cast<std::size_t>(fault)];
}

std::string_view explain(ScanFault fault) noexcept {
  constexpr std::array<std::string_view, 10> kTexts = {
      "",
      "a file is larger than may be scanned",
      "the scanner cannot be reached",
      "the scanner did not answer in time",
      "the scanner broke off",
      "a file is over a limit of the scanner",
      "the scanner gave no verdict",
      "the form could not be read again",
      "too many scans are under way",
      "the scanner is unavailable",
  };
  return kTexts[static_cast<std::size_t>(fault)];
}

}  // namespace guard::upload
