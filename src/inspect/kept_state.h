// What the rules of a request's phases leave to those of its answer, in the request's own memory: a
// worker's Inspection has seen other requests in between.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "inspect/rule_set.h"

namespace guard::inspect {

// A variable that rules have set.
struct KeptVariable {
  Collection collection = Collection::tx;
  int slot = kNoSlot;
  bool is_number = false;
  std::int64_t number = 0;
  std::string_view name;  // where there is no slot
  std::string_view text;
};

struct KeptState {
  std::span<const KeptVariable> variables;
  std::span<const Control* const> removed_rules;
  std::span<const Control* const> removed_targets;
  bool detection_only = false;
  bool skip_body = false;  // of the answer
  std::uint8_t highest_severity = kNoSeverity;
};

}  // namespace guard::inspect
