// What guard_sessions says, as plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/words.h"

namespace guard::metrics {

struct SessionPolicy {
  std::string name;
  std::string key;
  std::vector<std::string> variables;  // those of the key, without the '$', in lower case
  std::chrono::milliseconds window{0};
  std::string redis;  // name of the guard_redis; empty: this nginx alone

  std::string zone_name() const { return "guard_sessions:" + name; }
  // Tells keys apart: what was counted by another one is nothing to this one.
  std::uint64_t key_hash() const noexcept;
};

// guard_sessions NAME key=VALUE window=TIME [redis=NAME]. Throws ConfigError.
SessionPolicy parse_sessions(core::Words& words);

}  // namespace guard::metrics
