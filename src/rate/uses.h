// Which policies apply where: what guard_rate says at one level of the configuration, and what
// becomes of it on the levels within.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rate/ledger.h"
#include "rate/policy.h"

namespace guard::rate {

inline constexpr std::size_t kMaxUses = 16;  // policies of one location

struct WrittenCost;  // one with variables

struct Applied {
  MeteredPolicy* policy = nullptr;
  std::uint64_t cost = 1;
  const WrittenCost* written = nullptr;  // instead of cost
  bool dry_run = false;
  bool adds = false;  // to those of the level around it
};

// All that throw throw ConfigError.
class Uses {
 public:
  // guard_rate off. Throws beside others.
  void turn_off();
  // Before WORD, a policy's name as it is written, is looked up. Throws beside guard_rate off.
  void expect(std::string_view word) const;
  // use: as it was read, written as word. Throws if it cannot stand beside the others, or if no
  // request of that cost could ever pass.
  void add(const Use& use, std::string_view word, MeteredPolicy& policy,
           const WrittenCost* written);
  // The level within: takes over what it leaves standing of that around it. Answers the names that
  // it replaces, quoted; empty: none. Throws if there are too many.
  std::string inherit(const Uses& around);

  std::span<const Applied> list() const { return list_; }

 private:
  bool set_ = false;
  std::vector<Applied> list_;
};

// Null: there is none of that name.
MeteredPolicy* find_policy(std::span<MeteredPolicy* const> policies, std::string_view name);
// Throws, with what may have been meant.
[[noreturn]] void fail_unknown(std::span<MeteredPolicy* const> policies, std::string_view name);
// Throws if clients could not tell them apart: "api.minute" may be a policy or a window of "api".
void check_names(std::span<MeteredPolicy* const> policies, const MeteredPolicy& added);

}  // namespace guard::rate
