// What the user said with guard_csp_report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/words.h"

namespace guard::headers {

// guard_csp_report [size=64k] [rate=20] [total=120] [window=1h] [zone=1m]
struct CspReportPolicy {
  static constexpr std::size_t kDefaultZone = 1U << 20U;

  std::size_t size = 64U << 10U;    // bytes of one body
  std::uint32_t rate = 20;          // events in a minute for one client's reports
  std::uint32_t total = 120;        // and for those of all clients
  std::uint32_t window = 3600;      // seconds in which the same is told once
  std::optional<std::size_t> zone;  // bytes; nothing: as another says, or kDefaultZone
};

// Throws core::ConfigError.
CspReportPolicy parse_csp_report(core::Words& words);

}  // namespace guard::headers
