// Which ban policies apply where: what guard_ban says at one level of the configuration, and what
// becomes of it on the levels within.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockout/ban_policy.h"

namespace guard::lockout {

inline constexpr std::size_t kMaxBanUses = 8;  // policies of one location

struct BanRegister;  // a policy with its scores and bans

// All that throw throw ConfigError.
class BanUses {
 public:
  // guard_ban off. Throws beside others.
  void turn_off();
  // Throws if it cannot stand beside the others.
  void add(const BanUse& use, std::string_view word, BanRegister& policy);
  // The level within: takes over what it leaves standing of that around it. Answers the names that
  // it replaces, quoted; empty: none. Throws if there are too many.
  std::string inherit(const BanUses& around);

  std::span<BanRegister* const> list() const { return list_; }

 private:
  bool set_ = false;
  bool adds_ = false;
  std::vector<BanRegister*> list_;
};

// Null: there is none of that name.
BanRegister* find_ban_policy(std::span<BanRegister* const> policies, std::string_view name);
// Throws, with what may have been meant.
[[noreturn]] void fail_unknown_ban(std::span<BanRegister* const> policies, std::string_view name);

}  // namespace guard::lockout
