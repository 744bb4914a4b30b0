// The newest events, as lines, in shared memory: any process writes, any reads, and nobody waits
// for anybody. Whoever reads sees whole lines only: each has a checksum, and one that is being
// written, or that its writer never finished, is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace guard::core {

struct EventRingHeader;
struct EventRingSlot;

class EventRing {
 public:
  static constexpr std::size_t kSlots = 128;
  static constexpr std::size_t kLineMax = 4032;  // bytes of a line

  // Bytes of memory that it needs, aligned as a page is.
  static std::size_t bytes() noexcept;

  EventRing() = default;
  // Memory that holds anything else is cleared. False: there is too little of it.
  bool attach(std::span<std::byte> memory) noexcept;

  // A line that is too long, or whose place another one is just writing, is left out.
  void put(std::string_view line) noexcept;

  // The number of the newest line; lines are numbered from 1 on. 0: there was none.
  std::uint64_t last() const noexcept;
  // Reads the line of that number into `line`; false: it is not there, or not any more.
  bool get(std::uint64_t number, std::string& line) const;

 private:
  EventRingSlot& slot_of(std::uint64_t number) const noexcept;

  EventRingHeader* header_ = nullptr;
  EventRingSlot* slots_ = nullptr;
};

}  // namespace guard::core
