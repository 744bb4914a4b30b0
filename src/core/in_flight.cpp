#include "core/in_flight.h"

#include "core/process.h"

namespace guard::core {

void InFlight::enter(pid_t process) noexcept {
  const auto mine = static_cast<std::uint64_t>(process);
  own_ = nullptr;
  for (std::size_t i = 0; i < slots_.size() && own_ == nullptr; ++i) {
    InFlightSlot& slot = slots_[i];
    std::uint64_t holder = load(slot.process);
    bool free = holder == 0 || holder == mine || is_gone(holder);
    if (!free || !compare_and_swap(slot.process, holder, mine)) continue;
    own_ = &slot;
    end();
    for (std::uint64_t used = load(*used_); used <= i; used = load(*used_)) {
      compare_and_swap(*used_, used, i + 1);
    }
  }
}

}  // namespace guard::core
