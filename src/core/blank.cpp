#include "core/blank.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace guard::core {

namespace {

void write_zeros(std::span<std::byte> memory) noexcept {
  std::fill(memory.begin(), memory.end(), std::byte{0});
}

// What the kernel does not take (memory of this process alone, locked memory) is not changed.
bool hand_back([[maybe_unused]] std::span<std::byte> pages) noexcept {
#ifdef MADV_REMOVE
  return ::madvise(pages.data(), pages.size(), MADV_REMOVE) == 0;
#else
  return false;
#endif
}

}  // namespace

void blank(std::span<std::byte> memory) noexcept {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t before = std::min(
      (page - reinterpret_cast<std::uintptr_t>(memory.data()) % page) % page, memory.size());
  const std::size_t whole = (memory.size() - before) / page * page;
  if (whole == 0 || !hand_back(memory.subspan(before, whole))) return write_zeros(memory);
  write_zeros(memory.first(before));
  write_zeros(memory.subspan(before + whole));
}

}  // namespace guard::core
