// Why a scan came to no verdict.
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::upload {

enum class ScanFault : std::uint8_t { none, size, unreachable, late, broken, limit, answer, body };

// "timeout"
std::string_view keyword_of(ScanFault fault) noexcept;
// A sentence without a full stop, nor anything of the scanner's.
std::string_view explain(ScanFault fault) noexcept;

}  // namespace guard::upload
