#include "inspect/private_chain.h"

#include <algorithm>
#include <string_view>

#include "core/ascii.h"
#include "inspect/program.h"

namespace guard::inspect {

namespace {

// Whether one of them begins with the other.
bool overlap(std::string_view one, std::string_view other) {
  const std::size_t size = std::min(one.size(), other.size());
  return core::equal_without_case(one.substr(0, size), other.substr(0, size));
}

// What every name that it makes begins with.
std::string_view beginning(const Macro& macro) {
  if (macro.parts.empty() || macro.parts.front().variable) return {};
  return macro.parts.front().text;
}

// Whether a rule sees all variables whose names begin so, or makes some. Where it may see some, how
// goes to others.
bool touches(const CompiledRule& compiled, std::string_view names,
             std::vector<const Selection*>& others) {
  for (const CompiledTarget& target : compiled.targets) {
    if (target.collection != Collection::tx || target.slot >= 0) continue;
    const Selection& selection = target.selection;
    if (selection.selector == Selector::regex && !selection.prefix) {
      others.push_back(&selection);
    } else if (selection.selector == Selector::all || overlap(selection.name, names)) {
      return true;
    }
  }
  return std::any_of(compiled.rule->setvars.begin(), compiled.rule->setvars.end(),
                     [&](const SetVar& set) {
                       return set.collection == Collection::tx && set.slot < 0 &&
                              overlap(beginning(set.name), names);
                     });
}

bool is_of_name(const MacroPart& part) {
  return !part.variable || (part.collection == Collection::tx && part.slot == 0) ||
         part.collection == Collection::matched_var;
}

bool is_head(const CompiledRule& compiled) {
  const Rule& rule = *compiled.rule;
  if (!compiled.takes_all || rule.op.negated || rule.multi_match || !rule.capture ||
      rule.next_link < 0 || compiled.targets.size() != 1 || rule.setvars.size() != 1) {
    return false;
  }
  const CompiledTarget& target = compiled.targets.front();
  const SetVar& set = rule.setvars.front();
  return target.collection == Collection::request_headers_names && !target.count &&
         target.selection.selector == Selector::all && target.exclusions.empty() &&
         set.collection == Collection::tx && set.slot < 0 && !set.may_have_slot &&
         set.assignment == Assignment::set && set.name.parts.size() == 2 &&
         !beginning(set.name).empty() && set.name.parts[1].variable &&
         is_of_name(set.name.parts[1]) &&
         std::all_of(set.value.parts.begin(), set.value.parts.end(), is_of_name);
}

// The rule chained to it: what it says of a variable depends on nothing but that.
bool is_link(const Program& program, const CompiledRule& compiled, std::string_view names) {
  const Rule& rule = *compiled.rule;
  if (rule.next_link >= 0 || compiled.targets.size() != 1) return false;
  const CompiledTarget& target = compiled.targets.front();
  if (target.collection != Collection::tx || target.slot >= 0 || target.count ||
      !target.slots.empty() || !target.exclusions.empty() || !target.selection.prefix ||
      !core::equal_without_case(target.selection.name, names)) {
    return false;
  }
  switch (rule.op.op) {
    case Operator::begins_with:
    case Operator::contains:
    case Operator::ends_with:
    case Operator::streq:
    case Operator::within:
      break;
    default:
      return false;
  }
  const auto& parts = compiled.argument.parts;
  return std::all_of(parts.begin(), parts.end(), [&](const MacroPart& part) {
    return !part.variable ||
           (part.collection == Collection::tx && part.slot >= 0 && program.is_constant(part.slot));
  });
}

}  // namespace

std::optional<PrivateChain> find_private_chain(const Program& program, const CompiledRule& head) {
  if (!is_head(head)) return {};
  PrivateChain chain{std::string(beginning(head.rule->setvars.front().name)), {}};
  const CompiledRule& link = program.rule(head.rule->next_link);
  if (!is_link(program, link, chain.variables)) return {};
  for (int phase = 0; phase < kPhases; ++phase) {
    const std::vector<Step>& steps = program.steps(phase);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].rule < 0 || program.settled(phase, i)) continue;
      for (int index = steps[i].rule; index >= 0; index = program.rule(index).rule->next_link) {
        const CompiledRule& other = program.rule(index);
        if (&other == &head || &other == &link) continue;
        if (touches(other, chain.variables, chain.others)) return {};
      }
    }
  }
  return chain;
}

}  // namespace guard::inspect
