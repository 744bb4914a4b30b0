#include "core/counter_lock.h"

#include <time.h>
#include <unistd.h>

#include "core/counter_cas.h"
#include "core/process.h"

namespace guard::core {

namespace {

constexpr int kSpins = 1000;
constexpr long kNap = 50'000;  // nanoseconds

// Linux's process numbers are below 2^22; the rest is a time, which makes every tenure distinct.
constexpr int kProcessBits = 22;

pid_t own_process = 0;

std::uint64_t milliseconds() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

std::uint64_t tenure(std::uint64_t now) noexcept {
  pid_t process = own_process != 0 ? own_process : getpid();
  return (now + 1) << kProcessBits | static_cast<std::uint64_t>(process);
}

bool abandoned(std::uint64_t owner, std::uint64_t now) noexcept {
  if (is_gone(owner & ((std::uint64_t{1} << kProcessBits) - 1))) return true;
  return now > (owner >> kProcessBits) + CounterLock::kLease;
}

}  // namespace

void own_counter_locks() noexcept {
  own_process = getpid();
}

CounterLock::CounterLock(std::uint64_t& word) noexcept : word_(word) {
  std::uint64_t mine = tenure(milliseconds());
  for (int spin = 0; spin < kSpins; ++spin) {
    if (load(word_) == 0 && compare_and_swap(word_, 0, mine)) {
      mine_ = mine;
      return;
    }
    relax();
  }
  for (std::uint64_t start = milliseconds(), now = start; now <= start + kPatience;
       now = milliseconds()) {
    mine = tenure(now);
    std::uint64_t owner = load(word_);
    bool free = owner == 0 || abandoned(owner, now);
    if (free && compare_and_swap(word_, owner, mine)) {
      mine_ = mine;
      return;
    }
    timespec pause{0, kNap};
    nanosleep(&pause, nullptr);
  }
}

CounterLock::~CounterLock() {
  if (mine_ != 0) compare_and_swap(word_, mine_, 0);
}

}  // namespace guard::core
