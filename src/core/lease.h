// Which of the processes that share a memory does a job that only one of them is to do: one word in
// shared memory that names the holder and until when it holds. Whoever looks may take over from a
// holder that is gone, or that has not renewed in time (it was stopped, or its number belongs to
// another one by now). A holder that wakes up late finds another one's name there and stays away.
//
// What was begun under a lease may still be under way when the next one begins, if its holder hung:
// that must do no harm.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "core/counter_cas.h"
#include "core/process.h"

namespace guard::core {

class Lease {
 public:
  // word: 0 at first; process: this one's number
  Lease(std::uint64_t& word, pid_t process) noexcept
      : word_(word), process_(static_cast<std::uint64_t>(process)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  bool held() const noexcept { return held_; }

  // Takes or renews it, for so many milliseconds from now on, which is a time of a clock that all
  // processes share and that never steps. False: another one has it.
  bool hold(std::uint64_t now, std::uint64_t duration) noexcept {
    std::uint64_t seen = load(word_);
    bool own = held_ && holder_of(seen) == process_;
    bool free = seen == 0 || own || now >= end_of(seen) || is_gone(holder_of(seen));
    std::uint64_t mine = (now + duration) << kProcessBits | process_;
    held_ = free && compare_and_swap(word_, seen, mine);
    return held_;
  }

  // The process that a word names; 0: nobody. Another one's may have run out.
  static std::uint64_t holder_of(std::uint64_t word) noexcept {
    return word & ((std::uint64_t{1} << kProcessBits) - 1);
  }

  void release() noexcept {
    std::uint64_t seen = load(word_);
    if (held_ && holder_of(seen) == process_) compare_and_swap(word_, seen, 0);
    held_ = false;
  }

 private:
  // Linux's process numbers are below 2^22.
  static constexpr int kProcessBits = 22;

  static std::uint64_t end_of(std::uint64_t word) noexcept { return word >> kProcessBits; }

  std::uint64_t& word_;
  std::uint64_t process_;
  bool held_ = false;
};

}  // namespace guard::core
