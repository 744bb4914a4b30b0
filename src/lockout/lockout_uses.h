// Which policies apply where: what guard_lockout says.
#pragma once

#include <string_view>

#include "core/applied_list.h"
#include "lockout/lockout_policy.h"

namespace guard::lockout {

struct Uses : core::AppliedList<Policy*> {
  Uses() : AppliedList("lockout", kMaxUses, name_of) {}

  void add(const Use& use, std::string_view word, Policy& policy) {
    AppliedList::add(&policy, use.adds, word);
  }

 private:
  static std::string_view name_of(Policy* const& policy) { return policy->name; }
};

}  // namespace guard::lockout
