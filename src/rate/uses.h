// Which policies apply where: what guard_rate says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/applied_list.h"
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
};

class Uses : public core::AppliedList<Applied> {
 public:
  Uses() : AppliedList("rate", kMaxUses, name_of) {}

  // use: as it was read, written as word. Throws ConfigError if it cannot stand beside the others,
  // or if no request of that cost could ever pass.
  void add(const Use& use, std::string_view word, MeteredPolicy& policy,
           const WrittenCost* written);

 private:
  static std::string_view name_of(const Applied& use) { return use.policy->policy.name; }
};

// Null: there is none of that name.
MeteredPolicy* find_policy(std::span<MeteredPolicy* const> policies, std::string_view name);
// Throws, with what may have been meant.
[[noreturn]] void fail_unknown(std::span<MeteredPolicy* const> policies, std::string_view name);
// Throws if clients could not tell them apart: "api.minute" may be a policy or a window of "api".
void check_names(std::span<MeteredPolicy* const> policies, const MeteredPolicy& added);

}  // namespace guard::rate
