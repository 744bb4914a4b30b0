// What attempts are counted by, and what is decided of one.
#pragma once

#include <algorithm>
#include <cstdint>

namespace guard::lockout {

// Distinct values are counted exactly up to this limit, above it by HyperLogLog.
inline constexpr std::uint64_t kMostExact = 64;

struct LockRule {
  std::uint64_t limit = 5;
  std::uint64_t window = 0;    // milliseconds, like the others
  std::uint64_t duration = 0;  // of the first lock
  std::uint64_t backoff = 1;   // each repeated lock is so many times longer
  std::uint64_t longest =
      0;  // up to this; and how long after a lock the next one is a repeated one
  bool distinct = false;

  constexpr bool sketched() const noexcept { return distinct && limit > kMostExact; }

  // The length of the n-th lock in a row, from 1 on.
  std::uint64_t length(std::uint64_t n) const noexcept {
    std::uint64_t length = duration;
    for (std::uint64_t i = 1; i < n && length < longest && backoff > 1; ++i) {
      length = std::min(length * backoff, longest);
    }
    return length;
  }
};

enum class Verdict : std::uint8_t {
  admitted,
  full,  // as many as may fail have failed or are under way
  locked,
  unavailable,  // the set is held by a process that is stopped
};

struct Decision {
  Verdict verdict = Verdict::admitted;
  std::uint64_t retry = 0;   // milliseconds until it could be admitted
  bool under_way = false;    // full only because of attempts that may be given back
  bool first_report = true;  // nobody has been told lately that this key is refused
  std::uint64_t place = 0;   // what was reserved, as the others are told; 0: nothing
};

}  // namespace guard::lockout
