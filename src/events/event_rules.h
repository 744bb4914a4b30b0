// guard_event: which answers of the application are events. Plain values; every parse function
// throws core::ConfigError.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/words.h"

namespace guard::events {

inline constexpr std::size_t kMaxRules = 32;  // of one location

// Statuses of an answer: "401", "4xx", "all", with commas between them.
class StatusSet {
 public:
  static StatusSet parse(std::string_view text);

  bool has(std::uint16_t status) const { return status < set_.size() && set_[status]; }
  bool operator==(const StatusSet&) const = default;

 private:
  std::bitset<600> set_;
};

struct EventRule {
  bool off = false;
  bool adds = false;  // "+KIND": to those of the level around it
  core::NamedKind kind;
  StatusSet on;
  std::string user;       // may hold variables; empty: none
  std::string condition;  // a variable; empty: none

  bool operator==(const EventRule&) const = default;
};

EventRule parse_event_rule(core::Words& words);

// Throws if rule cannot stand beside other at the same level. word: as its kind is written.
void check_beside(const EventRule& rule, const EventRule& other, std::string_view word);

// Whether other makes no event of an answer of which rule makes one, since the answer cannot mean
// both: of a success and a failure the one with a condition is meant, else the failure.
bool outweighs(const EventRule& rule, const EventRule& other) noexcept;

}  // namespace guard::events
