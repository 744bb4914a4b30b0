// What all workers know of the reports that have come: which ones lately, and how many were told in
// this minute, of each client and of all.
//
// An entry of core/counter_table.h is until when it holds (30 bits of seconds: 34 years of uptime)
// and a count (32 bits). Entries that limit are kept as long as there is one that only remembers;
// of those, the one that ends first goes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/counter_table.h"

namespace guard::headers {

class CspReportTable {
 public:
  static constexpr std::uint32_t kMinute = 60;

  // Memory that holds anything else than this table is cleared. Throws ConfigError if there is too
  // little of it.
  explicit CspReportTable(std::span<std::byte> memory);

  // All times in seconds of a clock that all processes share and that never steps; not 0.

  // key: of what makes two reports the same. Answers how many reports an event of it stands for, or
  // 0 if there was one within the last `window` seconds; this one is then counted for the next.
  std::uint32_t count(const core::CounterKey& key, std::uint32_t now,
                      std::uint32_t window) noexcept;

  // At most `limit` in the minute that begins with the first; false: that many have been taken.
  bool take(const core::CounterKey& key, std::uint32_t now, std::uint32_t limit) noexcept;
  // Seconds until take() may be true again; 0: now.
  std::uint32_t wait(std::uint64_t hash, std::uint32_t now, std::uint32_t limit) const noexcept;

  // Of the table's sets first to first + count - 1: the entries that still hold.
  std::uint64_t count_used(std::uint64_t first, std::uint64_t count,
                           std::uint32_t now) const noexcept;
  const core::CounterZone& zone() const noexcept { return table_.zone(); }

 private:
  core::CounterTable table_;
};

}  // namespace guard::headers
