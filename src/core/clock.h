// The clock by which counters count: shared by all processes since the machine started, and never
// set back.
#pragma once

#include <time.h>

#include <cstdint>

namespace guard::core {

// Microseconds, never 0.
inline std::uint64_t microseconds() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000 + 1;
}

// The time of day, in microseconds since 1970.
inline std::uint64_t wall_microseconds() noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace guard::core
