// A lock in shared memory that a dead owner cannot keep. The word names the owner's process and
// when it was taken, so whoever waits can see that nobody will ever give it back: the process is
// gone, or the lock has been held a thousand times longer than its work can take (the process was
// stopped, or its number belongs to another one by now). What it guards must be valid after every
// single store, since the owner may have died between any two.
#pragma once

#include <cstdint>

namespace guard::core {

// Remembers this process's number for all locks that it takes from now on; without, every lock asks
// the kernel. To be called again after every fork that goes on to take locks.
void own_counter_locks() noexcept;

class CounterLock {
 public:
  static constexpr std::uint64_t kLease = 1000;    // milliseconds
  static constexpr std::uint64_t kPatience = 100;  // milliseconds

  // Waits for an owner that works on, which takes well under a microsecond unless the scheduler
  // took its core away; kPatience at most. held() tells whether it was worth it.
  explicit CounterLock(std::uint64_t& word) noexcept;
  ~CounterLock();
  CounterLock(const CounterLock&) = delete;
  CounterLock& operator=(const CounterLock&) = delete;

  bool held() const { return mine_ != 0; }

 private:
  std::uint64_t& word_;
  std::uint64_t mine_ = 0;
};

}  // namespace guard::core
