// What the processes that share a memory are just counting: noted for others already, while it may
// not be in the state of its key yet. A process counts one thing at a time, so each has one slot,
// which it alone writes. What one that died has left there stays until another takes its slot.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/counter_cas.h"

namespace guard::core {

struct alignas(64) InFlightSlot {
  std::uint64_t process = 0;  // whose it is; 0: nobody's
  Pair entry;                 // as in the table of deltas; a value of 0: nothing
};

class InFlight {
 public:
  InFlight() = default;
  // used: how many slots, from the first on, have ever had a process.
  InFlight(std::span<InFlightSlot> slots, std::uint64_t& used) noexcept
      : slots_(slots), used_(&used) {}

  // In every process that counts, once. Where there is no slot left, nobody sees what it counts.
  void enter(pid_t process) noexcept;

  // Before it is noted; nothing else may be open.
  void begin(const Pair& entry) noexcept {
    if (own_ == nullptr) return;
    store(own_->entry.tag, entry.tag);
    store(own_->entry.value, entry.value);
  }
  // After it is counted, or noted to be not.
  void end() noexcept {
    if (own_ != nullptr) store(own_->entry.value, 0);
  }

  // Calls each(entry) for what is open. Whoever has begun before this and not ended after it is
  // among them.
  template <class Each>
  void each(Each&& each) const noexcept {
    if (used_ == nullptr) return;
    for (const InFlightSlot& slot : slots_.first(load(*used_))) {
      Pair entry{load(slot.entry.tag), load(slot.entry.value)};
      if (entry.value != 0) each(entry);
    }
  }

 private:
  std::span<InFlightSlot> slots_;
  std::uint64_t* used_ = nullptr;
  InFlightSlot* own_ = nullptr;
};

}  // namespace guard::core
