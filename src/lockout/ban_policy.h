// What guard_ban_policy and guard_ban say, as plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/cidr.h"
#include "core/words.h"
#include "lockout/ban_score.h"
#include "lockout/ban_weights.h"

namespace guard::lockout {

struct BanPolicy {
  std::string name;
  std::string key = "$guard_client_net";
  std::vector<std::string> variables;  // those of the key, without the '$', in lower case
  std::uint32_t score = 1;             // from which on a client is banned
  std::chrono::milliseconds half_life{0};
  std::chrono::milliseconds duration{0};
  BanWeights weights;             // of what a client does itself
  BanWeights cross_site_weights;  // of what a page of another site may have caused
  core::CidrList exempt;
  std::uint16_t status = 403;
  std::uint64_t zone_size = 10 << 20;  // bytes
  std::string redis;                   // name of the guard_redis; empty: this nginx alone

  const BanWeights& weights_of(Cause cause) const {
    return cause == Cause::client ? weights : cross_site_weights;
  }
  bool has_statuses() const { return weights.has_statuses() || cross_site_weights.has_statuses(); }
  bool has(core::EventKind kind) const { return weights.has(kind) || cross_site_weights.has(kind); }
  std::uint64_t half_life_us() const {
    return static_cast<std::uint64_t>(half_life.count()) * 1000;
  }
  std::uint64_t duration_ms() const { return static_cast<std::uint64_t>(duration.count()); }
  // Of both.
  std::vector<core::NamedKind> kinds() const;
  std::string title() const { return "ban policy \"" + name + "\""; }
  std::string zone_name() const { return "guard_ban:" + name; }
  std::string code() const { return "ban." + name; }
  // A fingerprint of all that decides what the bytes of its zone mean.
  std::uint64_t layout() const;
};

BanPolicy parse_ban_policy(core::Words& words);

// guard_ban NAME, or +NAME beside those of the level around it.
struct BanUse {
  std::string name;
  bool adds = false;
};
BanUse parse_ban_use(core::Words& words);

}  // namespace guard::lockout
