// A ban policy at work: its scores and bans in shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/address.h"
#include "core/event.h"
#include "core/refusal.h"
#include "lockout/ban_policy.h"
#include "lockout/ban_table.h"

namespace guard::lockout {

class BanExchange;

struct BanRegister {
  BanPolicy policy;
  std::string code;               // "ban.bots"
  std::optional<BanTable> table;  // there once the configuration is in force
  // Of a policy with redis=: who tells others, and the word by which one worker of all hears them.
  BanExchange* exchange = nullptr;
  std::uint64_t* lease = nullptr;

  BanRegister() = default;
  BanRegister(const BanRegister&) = delete;
  BanRegister& operator=(const BanRegister&) = delete;

  void define(BanPolicy defined);
  void attach(std::span<std::byte> memory);
};

// What is counted of a key where bans are only observed: apart, since what was observed never bans.
constexpr core::CounterKey observed(core::CounterKey key) {
  key.hash ^= 0x9e3779b97f4a7c15;
  return key;
}

void describe_ban(const BanRegister& ban, core::Refusal& refusal) noexcept;

// client_banned; the event lives as long as the policy and key_hash do. now, wall_now:
// microseconds.
core::Event ban_event(const BanRegister& owner, const Ban& ban, core::Action action,
                      std::string_view key_hash, std::uint64_t now,
                      std::uint64_t wall_now) noexcept;
core::Event ban_pressure_event(const BanRegister& owner, std::uint64_t evictions) noexcept;

}  // namespace guard::lockout
