// What all workers of this nginx share besides counters: the drawn key, the state of break glass,
// and which configuration was told of last. It survives reloads.
#pragma once

#include <array>
#include <cstdint>

#include "ngx/compat.h"
#include "ngx/zone.h"

namespace guard::core {

struct NodeMemory;

class Node {
 public:
  explicit Node(ngx_conf_t* cf);

  // The key for every hash of a client key that stands when no guard_key_secret does.
  std::array<std::uint8_t, 16> drawn_key() const noexcept;

  // True to one worker only: the one that is to publish the change.
  bool change_break_glass(bool active) noexcept;
  // True to the first worker of this configuration, by its number.
  bool claim_configuration(std::uint64_t number) noexcept;

 private:
  NodeMemory* memory() const noexcept;
  ngx::Zone* zone_;
};

void watch_break_glass(ngx_cycle_t* cycle) noexcept;
void stop_watching() noexcept;

}  // namespace guard::core
