// Why a scan came to no verdict.
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::upload {

enum class ScanFault : std::uint8_t {
  none,
  size,
  unreachable,
  late,
  broken,
  limit,
  answer,
  body,
  busy,  // there was no turn for it
  away,  // it was not asked, since it does not answer (core/service.h)
};

// Whether it may be the scanner's: what the file or its client causes is not.
bool of_scanner(ScanFault fault) noexcept;

// "timeout"
std::string_view keyword_of(ScanFault fault) noexcept;
// A sentence without a full stop, nor anything of the scanner's.
std::string_view explain(ScanFault fault) noexcept;

}  // namespace guard::upload
