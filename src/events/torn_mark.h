// Whether the last line of a file is a torn one, after a write that found no more space: known to
// all workers of a configuration, since whoever writes next must end it first.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace guard::events {

class TornMark {
 public:
  // Shared with all processes that are forked from now on. Throws std::bad_alloc.
  TornMark()
      : memory_(mmap(nullptr, sizeof(std::uint32_t), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  TornMark(const TornMark&) = delete;
  TornMark& operator=(const TornMark&) = delete;
  ~TornMark() { munmap(memory_, sizeof(std::uint32_t)); }

  bool get() const noexcept { return __atomic_load_n(word(), __ATOMIC_ACQUIRE) != 0; }
  void set(bool torn) noexcept { __atomic_store_n(word(), torn ? 1 : 0, __ATOMIC_RELEASE); }

 private:
  std::uint32_t* word() const noexcept { return static_cast<std::uint32_t*>(memory_); }

  void* memory_;
};

}  // namespace guard::events
