// How long to wait before the next attempt: twice as long each time, with jitter, so that many
// nginx do not come back in step ("Equal Jitter" of
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
#pragma once

#include <algorithm>
#include <cstdint>

namespace guard::core {

class Backoff {
 public:
  static constexpr std::uint64_t kFirst = 100;  // milliseconds
  static constexpr std::uint64_t kLongest = 1000;

  // Milliseconds: between half of the current step and all of it.
  std::uint64_t next(std::uint64_t random) noexcept {
    const std::uint64_t step = step_;
    step_ = std::min(2 * step_, kLongest);
    return step - random % (step / 2 + 1);
  }

  void reset() noexcept { step_ = kFirst; }

 private:
  std::uint64_t step_ = kFirst;
};

}  // namespace guard::core
