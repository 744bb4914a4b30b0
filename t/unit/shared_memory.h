// Memory that forked children share, as the workers of nginx do.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <span>

#include "unit.h"

namespace guard::unit {

class SharedMemory {
 public:
  explicit SharedMemory(std::size_t size) : size_(size) {
    at_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(at_ != MAP_FAILED);
  }
  ~SharedMemory() { munmap(at_, size_); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  std::span<std::byte> all() const { return {static_cast<std::byte*>(at_), size_}; }

 private:
  void* at_;
  std::size_t size_;
};

}  // namespace guard::unit
