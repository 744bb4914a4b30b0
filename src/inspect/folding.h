// Constant folding: what rules come to that look at nothing but what other rules have set, told
// before there is a request. Most of what the Core Rule Set asks first is such: whether a setting
// is there, which level of paranoia is in force.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "inspect/rule_set.h"
#include "inspect/variable.h"

namespace guard::inspect {

class Program;

struct Folding {
  // By step of each phase: its rule need not be asked. It never matches, it is never reached, what
  // it does is done in variables, or nobody would see it.
  std::array<std::vector<bool>, kPhases> settled;
  std::vector<Variable> variables;  // TX by slot, as a request begins
  std::vector<bool> constant;       // and whether that never changes
  std::deque<std::string> texts;    // of those
};

// variables: what TX begins with before any rule. Of a program whose rules are compiled and whose
// steps are linked.
Folding fold(const Program& program, std::vector<Variable> variables);

}  // namespace guard::inspect
