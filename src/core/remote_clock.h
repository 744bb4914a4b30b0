// The clock of a Redis, as far as its answers tell, so that what is counted here by windows and
// stamps fits what is counted there. In microseconds.
//
// An answer that carries Redis's time was made between two readings of our own clock, so the
// difference of the clocks lies between two bounds. What is known already is kept as long as it
// lies there too, and else moved to the nearer bound: fast answers narrow it down, slow ones do not
// spoil it, and a Redis whose clock was set is followed at once.
#pragma once

#include <cstdint>

namespace guard::core {

class RemoteClock {
 public:
  // What is assumed before any answer.
  void assume(std::uint64_t local, std::uint64_t remote) noexcept { ahead_ = remote - local; }

  void learn(std::uint64_t asked, std::uint64_t answered, std::uint64_t remote) noexcept {
    if (static_cast<std::int64_t>(ahead_ - (remote - answered)) < 0) ahead_ = remote - answered;
    if (static_cast<std::int64_t>(ahead_ - (remote - asked)) > 0) ahead_ = remote - asked;
  }

  // By how much it is ahead of our own clock; wraps if it is behind.
  std::uint64_t ahead() const noexcept { return ahead_; }

 private:
  std::uint64_t ahead_ = 0;
};

}  // namespace guard::core
