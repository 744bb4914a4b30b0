#include "inspect/folding.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/ascii.h"
#include "inspect/program.h"

namespace guard::inspect {

namespace {

// TX.0 to TX.9 belong to what regexes capture.
bool is_capture(int slot) {
  return slot < kCaptures;
}

// What is known of a variable of TX, whatever way a request has taken to the step.
struct Knowledge {
  bool known = true;
  // Rules that requests ask have read or written it by then: it cannot have its value earlier.
  bool touched = false;
  bool read = false;  // by any such rule
};

// A rule's effects are all that follows from its match.
bool only_sets(const Rule& rule) {
  return rule.next_link < 0 && !rule.log && rule.controls.empty() && rule.skip == 0 &&
         rule.severity == kNoSeverity &&
         (rule.disruption == Disruption::pass || rule.disruption == Disruption::block) &&
         std::all_of(rule.setvars.begin(), rule.setvars.end(), [](const SetVar& set) {
           return set.collection == Collection::tx && set.slot >= 0 && !is_capture(set.slot);
         });
}

bool is_match(Collection collection) {
  return collection == Collection::matched_var || collection == Collection::matched_var_name ||
         collection == Collection::matched_vars || collection == Collection::matched_vars_names;
}

bool names_match(const Macro& macro) {
  return std::any_of(macro.parts.begin(), macro.parts.end(), [](const MacroPart& part) {
    return part.variable && is_match(part.collection);
  });
}

// Whether it sees what the rule before it has matched, as nothing but the links of a chain does in
// the Core Rule Set.
bool sees_match_before(const CompiledRule& compiled) {
  const Rule& rule = *compiled.rule;
  if (rule.link) return false;
  if (names_match(compiled.argument)) return true;
  if (!rule.action) {
    return std::any_of(compiled.targets.begin(), compiled.targets.end(),
                       [](const CompiledTarget& target) { return is_match(target.collection); });
  }
  return names_match(rule.msg) || names_match(rule.logdata) || names_match(rule.redirect) ||
         std::any_of(rule.setvars.begin(), rule.setvars.end(), [](const SetVar& set) {
           return names_match(set.name) || names_match(set.value);
         });
}

class Folder {
 public:
  Folder(const Program& program, std::vector<Variable> variables)
      : program_(program), knowledge_(variables.size()) {
    folding_.variables = std::move(variables);
    now_ = folding_.variables;
    for (int slot = 0; slot < kCaptures; ++slot) at(slot).known = false;
    for (const auto* slots : {&program.score_slots(), &program.response_score_slots()}) {
      for (const int slot : *slots) at(slot).read = true;
    }
  }

  Folding run() {
    for (int phase = 0; phase < kPhases; ++phase) {
      settled(phase).assign(program_.steps(phase).size(), false);
      for (const Step& step : program_.steps(phase)) {
        matches_are_seen_ =
            matches_are_seen_ || (step.rule >= 0 && sees_match_before(program_.rule(step.rule)));
      }
    }
    for (int phase = 0; phase < kPhases; ++phase) run_phase(phase);
    for (int phase = 0; phase < kPhases; ++phase) drop_unread(phase);
    for (const Knowledge& one : knowledge_) folding_.constant.push_back(one.known);
    return std::move(folding_);
  }

 private:
  enum class Answer : std::uint8_t { no, yes, unknown };

  Knowledge& at(int slot) { return knowledge_[static_cast<std::size_t>(slot)]; }
  Variable& value(int slot) { return now_[static_cast<std::size_t>(slot)]; }
  std::vector<bool>& settled(int phase) {
    return folding_.settled[static_cast<std::size_t>(phase)];
  }

  void run_phase(int phase) {
    const std::vector<Step>& steps = program_.steps(phase);
    landings_.clear();
    certain_from_ = never_certain_ ? steps.size() : 0;
    lands_anywhere_ = false;
    for (std::size_t i = 0; i < steps.size();) {
      const int index = steps[i].rule;
      const std::size_t step = i++;
      if (index < 0) continue;
      const Answer answer = decide(index);
      if (answer == Answer::no) {
        settled(phase)[step] = true;
        continue;
      }
      const CompiledRule& compiled = program_.rule(index);
      if (answer == Answer::yes && can_follow(compiled, i)) {
        const bool certain = phase < kRequestPhases && step >= certain_from_;
        settled(phase)[step] = follow(compiled, certain);
        if (!settled(phase)[step]) ask(index, phase);
        // Nobody comes to what it skips.
        if (compiled.skip_to >= 0) {
          const auto to = static_cast<std::size_t>(compiled.skip_to);
          for (; i < to; ++i) settled(phase)[i] = true;
        }
      } else {
        ask(index, phase);
      }
    }
  }

  // Whether the rule may be taken away, or its targets, by those that were asked before.
  bool is_removable(const Rule& rule) const {
    return std::any_of(controls_.begin(), controls_.end(), [&](const Control* control) {
      switch (control->kind) {
        case ControlKind::remove_by_id:
        case ControlKind::remove_target_by_id:
          return control->ids.holds(rule.id);
        case ControlKind::remove_by_tag:
        case ControlKind::remove_target_by_tag:
          return rule.has_tag(control->text);
        case ControlKind::remove_by_msg:
        case ControlKind::remove_target_by_msg:
          return rule.msg.constant() == control->text;
        default:
          return false;
      }
    });
  }

  // What a rule answers, or the first of a chain. A chain that is not known to end there is not
  // known.
  Answer decide(int index) {
    const CompiledRule& compiled = program_.rule(index);
    const Rule& rule = *compiled.rule;
    if (is_removable(rule)) return Answer::unknown;
    matches_ = 1;
    if (rule.action) return rule.next_link < 0 ? Answer::yes : Answer::unknown;
    if (!is_comparison(rule.op.op) || !rule.transformations.empty() || rule.multi_match ||
        compiled.targets.empty()) {
      return Answer::unknown;
    }
    const std::optional<std::string> with = expand(compiled.argument);
    if (!with) return Answer::unknown;
    matches_ = 0;
    for (const CompiledTarget& target : compiled.targets) {
      if (target.slot < 0 || !target.exclusions.empty() || !at(target.slot).known) {
        return Answer::unknown;
      }
      const Variable& variable = value(target.slot);
      const bool is_set = variable.state != Variable::State::unset;
      if (!target.count && !is_set) continue;
      const std::int64_t number = target.count ? (is_set ? 1 : 0) : variable.number;
      if (compare_numbers(rule.op.op, number, leading_number(*with)) != rule.op.negated) {
        ++matches_;
      }
    }
    if (matches_ == 0) return Answer::no;
    return rule.next_link < 0 ? Answer::yes : Answer::unknown;
  }

  // Whether nobody who comes to a step behind it can come from elsewhere, if it skips.
  bool can_follow(const CompiledRule& compiled, std::size_t next) const {
    if (compiled.skip_to < 0) return true;
    const auto to = static_cast<std::size_t>(compiled.skip_to);
    return !lands_anywhere_ && std::none_of(landings_.begin(), landings_.end(),
                                            [&](std::size_t at) { return at >= next && at < to; });
  }

  // Does what the rule does, of which it is known that it matches if it is reached, as certain as
  // that. False: it is left to each request.
  bool follow(const CompiledRule& compiled, bool certain) {
    const Rule& rule = *compiled.rule;
    if (!only_sets(rule) || matches_are_seen_) return false;
    if (rule.setvars.empty()) return true;
    if (!certain) return false;
    std::vector<std::pair<int, Variable>> made;
    for (int times = 0; times < matches_; ++times) {
      for (const SetVar& set : rule.setvars) {
        const bool has_been_made = std::any_of(
            made.begin(), made.end(), [&](const auto& one) { return one.first == set.slot; });
        const std::optional<std::string> text = expand(set.value);
        // What one of them has made the next may build on, which is rare enough to be asked.
        if (!text || has_been_made || at(set.slot).touched || !at(set.slot).known || times > 0) {
          return false;
        }
        made.emplace_back(set.slot, assigned(set, *text));
      }
    }
    for (const auto& [slot, variable] : made) {
      value(slot) = variable;
      folding_.variables[static_cast<std::size_t>(slot)] = variable;
    }
    return true;
  }

  Variable assigned(const SetVar& set, const std::string& text) {
    const std::int64_t before = value(set.slot).number;
    const std::int64_t by = leading_number(text);
    switch (set.assignment) {
      case Assignment::unset:
        return {};
      case Assignment::add:
        return {Variable::State::number, {}, add_up(before, by)};
      case Assignment::subtract:
        return {Variable::State::number, {}, add_up(before, -by)};
      case Assignment::set:
        break;
    }
    return text_variable(folding_.texts.emplace_back(text));
  }

  // A rule that requests ask, and what is chained to it.
  void ask(int index, int phase) {
    for (; index >= 0; index = program_.rule(index).rule->next_link) {
      const CompiledRule& compiled = program_.rule(index);
      read(compiled);
      for (const Control& control : compiled.rule->controls) controls_.push_back(&control);
      for (const SetVar& set : compiled.rule->setvars) write(set);
      const std::size_t end = program_.steps(phase).size();
      if (compiled.skip_to >= 0) {
        landings_.push_back(static_cast<std::size_t>(compiled.skip_to));
        certain_from_ = std::max(certain_from_, landings_.back());
      }
      if (compiled.rule->skip > 0) {
        lands_anywhere_ = true;
        certain_from_ = end;
      }
      if (compiled.rule->disruption == Disruption::allow) {
        certain_from_ = end;
        if (compiled.rule->allow != AllowScope::phase) never_certain_ = true;
      }
    }
  }

  void read(int slot) { at(slot).touched = at(slot).read = true; }

  void read(const Macro& macro) {
    for (const MacroPart& part : macro.parts) {
      if (part.variable && part.slot >= 0) read(part.slot);
    }
  }

  void read(const CompiledRule& compiled) {
    const Rule& rule = *compiled.rule;
    for (const CompiledTarget& target : compiled.targets) {
      if (target.slot >= 0) read(target.slot);
      for (const int slot : target.slots) read(slot);
    }
    read(compiled.argument);
    read(rule.msg);
    read(rule.logdata);
    read(rule.redirect);
    for (const SetVar& set : rule.setvars) {
      read(set.name);
      read(set.value);
    }
  }

  void write(const SetVar& set) {
    if (set.collection != Collection::tx) return;
    if (set.slot >= 0) {
      at(set.slot).touched = true;
      at(set.slot).known = false;
      if (set.assignment == Assignment::add || set.assignment == Assignment::subtract) {
        at(set.slot).read = true;
      }
      return;
    }
    // Its name is made by the request.
    const std::string& first = set.name.parts.front().text;
    for (std::size_t slot = 0; slot < knowledge_.size(); ++slot) {
      const std::string_view name = program_.rules().tx_names[slot];
      if (!core::equal_without_case(name.substr(0, first.size()), first)) continue;
      knowledge_[slot].touched = true;
      knowledge_[slot].known = false;
    }
  }

  // The text of a macro of which all is known.
  std::optional<std::string> expand(const Macro& macro) {
    std::string text;
    for (const MacroPart& part : macro.parts) {
      if (!part.variable) {
        text += part.text;
        continue;
      }
      if (part.collection != Collection::tx || part.slot < 0 || !at(part.slot).known) return {};
      const Variable& variable = value(part.slot);
      if (variable.state == Variable::State::number) {
        text += std::to_string(variable.number);
      } else {
        text += variable.text;
      }
    }
    return text;
  }

  // Rules that do nothing but to set what no other asks for.
  void drop_unread(int phase) {
    if (matches_are_seen_) return;
    const std::vector<Step>& steps = program_.steps(phase);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].rule < 0 || settled(phase)[i]) continue;
      const CompiledRule& compiled = program_.rule(steps[i].rule);
      const Rule& rule = *compiled.rule;
      settled(phase)[i] =
          compiled.skip_to < 0 && !rule.capture && only_sets(rule) &&
          std::none_of(rule.setvars.begin(), rule.setvars.end(), [&](const SetVar& set) {
            return set.assignment != Assignment::set || at(set.slot).read;
          });
    }
  }

  const Program& program_;
  Folding folding_;
  std::vector<Variable> now_;  // TX at the step, where it is known
  std::vector<Knowledge> knowledge_;
  std::vector<const Control*> controls_;  // of rules that requests have asked by then
  int matches_ = 0;                       // of the rule that was decided
  // Of the phase: a step before this one may have been jumped over.
  std::size_t certain_from_ = 0;
  bool never_certain_ = false;
  bool matches_are_seen_ = false;      // by rules that stand behind those which match
  std::vector<std::size_t> landings_;  // where requests may jump to
  bool lands_anywhere_ = false;
};

}  // namespace

Folding fold(const Program& program, std::vector<Variable> variables) {
  return Folder(program, std::move(variables)).run();
}

}  // namespace guard::inspect
