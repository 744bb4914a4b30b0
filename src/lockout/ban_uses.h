// Which ban policies apply where: what guard_ban says.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "core/applied_list.h"
#include "lockout/ban_policy.h"

namespace guard::lockout {

inline constexpr std::size_t kMaxBanUses = 8;  // policies of one location

struct BanRegister;  // a policy with its scores and bans

struct BanUses : core::AppliedList<BanRegister*> {
  BanUses() : AppliedList("ban", kMaxBanUses, name_of) {}

  void add(const BanUse& use, std::string_view word, BanRegister& policy) {
    AppliedList::add(&policy, use.adds, word);
  }

 private:
  static std::string_view name_of(BanRegister* const& one);
};

// Null: there is none of that name.
BanRegister* find_ban_policy(std::span<BanRegister* const> policies, std::string_view name);
// Throws, with what may have been meant.
[[noreturn]] void fail_unknown_ban(std::span<BanRegister* const> policies, std::string_view name);

}  // namespace guard::lockout
