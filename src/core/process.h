// Processes that others know by their number, which they have left in shared memory.
#pragma once

#include <errno.h>
#include <signal.h>
#include <sys/types.h>

#include <cstdint>

namespace guard::core {

// Its number may belong to another one by now, which is not gone.
inline bool is_gone(std::uint64_t process) noexcept {
  return kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH;
}

}  // namespace guard::core
