// Which policies apply where: what guard_lockout says at one level of the configuration, and what
// becomes of it on the levels within.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockout/lockout_policy.h"

namespace guard::lockout {

// All that throw throw ConfigError.
class Uses {
 public:
  // guard_lockout off. Throws beside others.
  void turn_off();
  // Before WORD, a policy's name as it is written, is looked up. Throws beside guard_lockout off.
  void expect(std::string_view word) const;
  void add(const Use& use, std::string_view word, Policy& policy);
  // The level within takes over what it leaves standing of that around it. Answers the names that
  // it replaces, quoted; empty: none.
  std::string inherit(const Uses& around);

  std::span<Policy* const> list() const { return list_; }

 private:
  bool set_ = false;
  bool adds_ = false;
  std::vector<Policy*> list_;
};

}  // namespace guard::lockout
