#include "inspect/inspection.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "core/ascii.h"

namespace guard::inspect {

namespace {

using Groups = std::array<std::uint8_t, kTiers>;

// Of what is not searched.
constexpr Groups kNoGroups{};

}  // namespace

void Inspection::reset(const Program& program, std::uint64_t budget) {
  program_ = &program;
  budget_ = budget;
  known_.next_request();
  regexes_.next_request();
  result_ = {};
  matches_.clear();
  hits_.assign(program.pattern_count(), 0);
  tx_ = program.variables();
  named_.clear();
  named_index_.clear();
  removed_rules_.clear();
  removed_targets_.clear();
  forget_match();
  skip_to_ = -1;
  skip_ = 0;
  allow_phase_ = allow_all_ = allow_request_ = engine_off_ = detection_only_ = false;
  skip_body_ = skip_response_body_ = of_response_ = false;
  highest_severity_ = kNoSeverity;
}

const InspectionResult& Inspection::run_headers(const Program& program, const RequestView& view,
                                                std::uint64_t budget) noexcept {
  return guarded([&] {
    reset(program, budget);
    const auto& named = program.rules().named;
    // A byte of a name that is made would cost a unit at least.
    transaction_.begin(view, {.names = budget,
                              .full_request = named[index_of(Collection::full_request)] ||
                                              named[index_of(Collection::full_request_length)]});
    run_phase(0);
  });
}

const InspectionResult& Inspection::run_body(std::string_view body) noexcept {
  return guarded([&] {
    if (!skip_body_) {
      transaction_.add_body(body, transaction_.processor());
      charge(body.size());
    }
    run_phase(1);
  });
}

const InspectionResult& Inspection::run_body(std::string_view body,
                                             const core::JsonDocument& document,
                                             std::span<const std::uint64_t> trusted) noexcept {
  return guarded([&] {
    if (!skip_body_) {
      transaction_.add_json_body(body, document, trusted);
      charge(body.size());
    }
    run_phase(1);
  });
}

void Inspection::finish() {
  const auto& slots = of_response_ ? program_->response_score_slots() : program_->score_slots();
  for (const int slot : slots) {
    result_.score = std::max(result_.score, tx_[static_cast<std::size_t>(slot)].number);
  }
  if (transaction_.too_many_arguments() && result_.outcome == Outcome::passed) {
    result_.outcome = Outcome::over_budget;
  }
}

void Inspection::run_phase(int phase) {
  if (engine_off_ || allow_all_ || stopped()) return;
  allow_phase_ = false;
  skip_ = 0;
  scan_phase(phase);
  find_candidates(phase);
  const std::vector<Step>& steps = program_->steps(phase);
  std::size_t at = 0;  // behind the rule that was asked last
  while (!stopped()) {
    const std::size_t i = next_candidate(at, steps.size());
    // What lies between has not matched.
    if (matched_in_ && program_->has_rules(phase, at, i)) forget_match();
    if (i == steps.size()) return;
    at = i + 1;
    const int index = steps[i].rule;
    const CompiledRule& compiled = program_->rule(index);
    skip_to_ = -1;
    current_ = compiled.rule;
    if (compiled.jumps && removed_rules_.empty() && removed_targets_.empty()) {
      if (jumps(compiled)) at = static_cast<std::size_t>(compiled.skip_to);
      continue;
    }
    if (removed_by_control(*compiled.rule)) continue;
    if (evaluate(index)) report(*compiled.rule);
    if (allow_phase_ || allow_all_ || engine_off_) return;
    if (skip_to_ >= 0) at = static_cast<std::size_t>(skip_to_);
    for (; skip_ > 0 && at < steps.size(); ++at) {
      if (steps[at].rule >= 0) --skip_;
    }
  }
}

void Inspection::find_candidates(int phase) {
  candidates_ = program_->direct_steps(phase);
  const std::vector<int>& of_patterns = program_->pattern_steps(phase);
  for (std::size_t i = 0; i < of_patterns.size(); ++i) {
    if (hits_[i] == 0 || of_patterns[i] < 0) continue;
    const auto step = static_cast<std::size_t>(of_patterns[i]);
    candidates_[step / 64] |= std::uint64_t{1} << step % 64;
  }
}

std::size_t Inspection::next_candidate(std::size_t from, std::size_t count) const {
  for (std::size_t word = from / 64; word < candidates_.size(); ++word) {
    std::uint64_t bits = candidates_[word];
    if (word == from / 64) bits &= ~std::uint64_t{0} << from % 64;
    if (bits != 0) return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
  }
  return count;
}

bool Inspection::removed_by_control(const Rule& rule) const {
  for (const Control* control : removed_rules_) {
    switch (control->kind) {
      case ControlKind::remove_by_id:
        if (control->ids.holds(rule.id)) return true;
        break;
      case ControlKind::remove_by_tag:
        if (rule.has_tag(control->text)) return true;
        break;
      default:
        if (rule.msg.constant() == control->text) return true;
    }
  }
  return false;
}

// One rule, and what is chained to it.
bool Inspection::evaluate(int index) {
  const CompiledRule& compiled = program_->rule(index);
  const Rule& rule = *compiled.rule;
  bool found = false;
  if (rule.action) {
    for (const SetVar& set : rule.setvars) set_variable(set);
    found = true;
  } else {
    for (const CompiledTarget& target : compiled.targets) {
      if (evaluate_target(compiled, target, found)) found = true;
      if (stopped()) return false;
    }
    if (compiled.private_chain) capture_last_name(compiled);
    if (!found) forget_match();
  }
  if (!found) return false;
  if (rule.next_link >= 0 && !evaluate(rule.next_link)) {
    if (compiled.private_chain && removed_targets_.empty() && !stopped()) clear_names(compiled);
    return false;
  }
  after_match(compiled);
  return true;
}

bool Inspection::evaluate_target(const CompiledRule& compiled, const CompiledTarget& target,
                                 bool found_before) {
  const Rule& rule = *compiled.rule;
  if (compiled.compares && target.slot >= 0 && !target.count && removed_targets_.empty()) {
    return compares_number(compiled, target);
  }
  if (!removed_targets_.empty() && target_removed(rule, target.collection, {})) return false;
  if (target.count && compiled.compares) return compares_count(compiled, target);
  if (target.count) {
    std::int64_t count = 0;
    for_each(target, {.counting = true}, [&](const Subject&, const Groups&) { ++count; });
    char* at = transaction_.arena().allocate(20);
    const auto end = std::to_chars(at, at + 20, count);
    const std::string_view text(at, static_cast<std::size_t>(end.ptr - at));
    return try_subject(compiled,
                       {target.collection, target.selection.name, text, byte_traits(text)});
  }
  Sought sought{&compiled.needs, compiled.pattern >= 0, 0,
                compiled.tier,   compiled.memory,       compiled.by_traits};
  if (sought.searched) sought.hits = hits_[static_cast<std::size_t>(compiled.pattern)];
  bool found = false;
  for_each(target, sought, [&](const Subject& subject, const Groups& groups) {
    if (subject.again && compiled.adds_up && (found || found_before)) return;
    if (!sought.may_match(subject.traits, groups) || is_cleared(compiled, subject)) return;
    if (!removed_targets_.empty() && target_removed(rule, subject.collection, subject.name)) return;
    if (try_subject(compiled, subject)) {
      found = true;
    } else if (!stopped()) {
      clear(compiled, subject);
    }
  });
  return found;
}

bool Inspection::is_cleared(const CompiledRule& compiled, const Subject& subject) const {
  return subject.known != nullptr && compiled.memory >= 0 &&
         (subject.known->cleared >> compiled.memory & 1U) != 0;
}

// Remembers that a rule does not match.
void Inspection::clear(const CompiledRule& compiled, const Subject& subject) {
  if (subject.known == nullptr) return;
  if (compiled.memory >= 0) subject.known->cleared |= std::uint64_t{1} << compiled.memory;
  if (compiled.pattern < 0) return;
  subject.known->forget(compiled.rule->phase - 1, static_cast<std::uint32_t>(compiled.pattern));
}

std::string_view Inspection::name_as_seen(const CompiledRule& compiled, const Field& field) {
  Traits traits = field.name_traits;
  return transformed(program_->chain(compiled.chain), field.name, traits);
}

// What a private chain captures last, whether it has looked at all names or was spared some.
void Inspection::capture_last_name(const CompiledRule& compiled) {
  const auto& fields = transaction_.list(List::headers);
  if (!fields.empty()) capture(0, name_as_seen(compiled, fields.back()));
}

// Remembers of the names of fields, at all of which a private chain has looked, that it does not
// match; but for those by which other rules see what the chain has set.
void Inspection::clear_names(const CompiledRule& compiled) {
  const PrivateChain& chain = *compiled.private_chain;
  for (const Field& field : transaction_.list(List::headers)) {
    if (field.known_name == nullptr) continue;
    const std::string_view name = name_as_seen(compiled, field);
    char* at = transaction_.arena().allocate(chain.variables.size() + name.size());
    std::copy(name.begin(), name.end(),
              std::copy(chain.variables.begin(), chain.variables.end(), at));
    const std::string_view variable(at, chain.variables.size() + name.size());
    if (std::none_of(chain.others.begin(), chain.others.end(),
                     [&](const Selection* other) { return selects(*other, variable); })) {
      field.known_name->cleared |= std::uint64_t{1} << compiled.memory;
    }
  }
}

bool Inspection::jumps(const CompiledRule& compiled) {
  if (compares_number(compiled, compiled.targets.front())) return true;
  forget_match();
  return false;
}

// A variable of TX against a number: what most rules of the Core Rule Set do that look for nothing.
bool Inspection::compares_number(const CompiledRule& compiled, const CompiledTarget& target) {
  Variable& variable = tx_[static_cast<std::size_t>(target.slot)];
  if (variable.state == Variable::State::unset) return false;
  charge(kStepCost);
  const Rule& rule = *compiled.rule;
  if (stopped() ||
      compare_numbers(rule.op.op, variable.number, compiled.number) == rule.op.negated) {
    return false;
  }
  const std::string_view text = text_of(variable);
  matched(compiled, {Collection::tx, target.selection.name, text, 0}, text);
  return true;
}

// How many there are, against a number: whether a variable is set, a field there, or once alone.
bool Inspection::compares_count(const CompiledRule& compiled, const CompiledTarget& target) {
  std::int64_t count = 0;
  if (target.slot >= 0) {
    const Variable& variable = tx_[static_cast<std::size_t>(target.slot)];
    count = variable.state == Variable::State::unset ? 0 : 1;
  } else {
    for_each(target, {.counting = true}, [&](const Subject&, const Groups&) { ++count; });
  }
  charge(kStepCost);
  const Rule& rule = *compiled.rule;
  if (stopped() || compare_numbers(rule.op.op, count, compiled.number) == rule.op.negated) {
    return false;
  }
  char* at = transaction_.arena().allocate(20);
  const auto end = std::to_chars(at, at + 20, count);
  const std::string_view text(at, static_cast<std::size_t>(end.ptr - at));
  matched(compiled, {target.collection, target.selection.name, text, 0}, text);
  return true;
}

bool Inspection::selects(const Selection& selection, std::string_view name) {
  switch (selection.selector) {
    case Selector::all:
      return true;
    case Selector::name:
      return core::equal_without_case(selection.name, name);
    case Selector::regex:
      if (selection.prefix) {
        return name.size() >= selection.name.size() &&
               core::equal_without_case(name.substr(0, selection.name.size()), selection.name);
      }
      charge(name.size() * kRegexCost);
      return search(*selection.regex, name) == Regex::Result::yes;
  }
  return false;
}

bool Inspection::excluded(const CompiledTarget& target, std::string_view name) {
  if (target.exclusions.empty()) return false;
  charge(target.exclusions.size());
  const std::uint32_t tag = tag_of(name);
  for (const Selection& exclusion : target.exclusions) {
    if (exclusion.tag != 0 && exclusion.tag != tag) continue;
    if (exclusion.tag != 0) charge(name.size());
    if (selects(exclusion, name)) return true;
  }
  return false;
}

bool Inspection::target_removed(const Rule& rule, Collection collection, std::string_view name) {
  charge(removed_targets_.size());
  const std::uint32_t tag = tag_of(name);
  for (const Control* control : removed_targets_) {
    const Target& target = control->target;
    if (target.collection != collection || (control->tag != 0 && control->tag != tag)) continue;
    if (control->tag != 0) charge(name.size());
    // Without a name it is asked whether the collection is removed as a whole.
    if (target.selector != Selector::all && name.empty()) continue;
    if (target.selector == Selector::name && !core::equal_without_case(target.text, name)) continue;
    if (control->regex != nullptr) {
      charge(name.size() * kRegexCost);
      if (search(*control->regex, name) != Regex::Result::yes) continue;
    }
    switch (control->kind) {
      case ControlKind::remove_target_by_id:
        if (control->ids.holds(rule.id)) return true;
        break;
      case ControlKind::remove_target_by_tag:
        if (current_->has_tag(control->text)) return true;
        break;
      default:
        if (current_->msg.constant() == control->text) return true;
    }
  }
  return false;
}

// Calls each with every value of a target that is not excluded, and with its groups; it may leave
// out those that are not sought.
template <class Each>
void Inspection::for_each(const CompiledTarget& target, const Sought& sought, Each each) {
  if (!is_data(target.collection)) {
    for_each_variable(target, sought, each);
    return;
  }
  const auto try_one = [&](std::string_view name, std::string_view value, Traits traits,
                           const Groups& groups, KnownValue* known, bool again) {
    if (!sought.may_match(traits, groups)) return;
    if (selects(target.selection, name) && !excluded(target, name)) {
      each(Subject{target.collection, name, value, traits, known, again}, groups);
    }
  };
  if (target.collection == Collection::xml) {
    const auto& list =
        transaction_.list(target.selection.name == "//@*" ? List::xml_attributes : List::xml_text);
    for (const Field& field : list) {
      if (stopped()) return;
      if (field.again && sought.counting) continue;
      each(Subject{target.collection, field.name, field.value, field.value_traits, nullptr,
                   field.again},
           field.value_groups);
    }
    return;
  }
  const ListView view = lists_of(target.collection);
  for (std::uint8_t i = 0; i < view.count; ++i) {
    if (view.lists[i] == List::single) {
      Field& field = transaction_.single(target.collection);
      if (field.value_traits == Field::kUnknown) field.value_traits = byte_traits(field.value);
      each(Subject{target.collection, {}, field.value, field.value_traits}, field.value_groups);
      return;
    }
    const auto list = static_cast<std::size_t>(view.lists[i]);
    if (sought.needs != nullptr &&
        lacks(view.names ? name_sums_[list] : value_sums_[list], *sought.needs)) {
      continue;
    }
    if (sought.searched && ((view.names ? name_group_sums_ : value_group_sums_)[list][sought.tier] &
                            sought.hits) == 0) {
      continue;
    }
    if (view.names && sought.memory >= 0 && (cleared_names_[list] >> sought.memory & 1U) != 0) {
      continue;
    }
    const std::uint32_t tag = target.selection.tag;
    for (const Field& field : transaction_.list(view.lists[i])) {
      if (stopped()) return;
      if (tag != 0 && field.name_tag != tag) continue;
      if (field.again && (view.names || sought.counting)) continue;
      if (view.names) {
        try_one(field.name, field.name, field.name_traits, field.name_groups, field.known_name,
                false);
      } else if (!field.trusted || sought.counting) {
        try_one(field.name, field.value, field.value_traits, field.value_groups, field.known_value,
                field.again);
      }
    }
  }
}

// The same for what rules have made themselves.
template <class Each>
void Inspection::for_each_variable(const CompiledTarget& target, const Sought& sought, Each each) {
  const auto traits_of = [&](std::string_view value) {
    return sought.by_traits ? byte_traits(value) : Traits{0};
  };
  const auto plain = [&](std::string_view value) {
    each(Subject{target.collection, {}, value, traits_of(value)}, kNoGroups);
  };
  const auto variable = [&](std::string_view name, Variable& one) {
    if (one.state == Variable::State::unset || !selects(target.selection, name) ||
        excluded(target, name)) {
      return;
    }
    const std::string_view value = text_of(one);
    each(Subject{target.collection, name, value, traits_of(value)}, kNoGroups);
  };
  switch (target.collection) {
    case Collection::matched_var:
      plain(matched_value_);
      return;
    case Collection::matched_var_name:
      plain(matched_name());
      return;
    case Collection::matched_vars:
    case Collection::matched_vars_names: {
      // What is asked may set them anew.
      const std::vector<Subject> subjects = matched_;
      for (const Subject& subject : subjects) {
        if (stopped()) return;
        const std::string_view name = qualified(subject.collection, subject.name);
        if (!selects(target.selection, subject.name) || excluded(target, subject.name)) continue;
        const std::string_view value =
            target.collection == Collection::matched_vars ? subject.value : name;
        each(Subject{target.collection, subject.name, value, traits_of(value)}, kNoGroups);
      }
      return;
    }
    case Collection::highest_severity: {
      char* at = transaction_.arena().allocate(4);
      const auto end = std::to_chars(at, at + 4, highest_severity_);
      plain({at, static_cast<std::size_t>(end.ptr - at)});
      return;
    }
    case Collection::duration:
      plain("0");
      return;
    case Collection::rule:
    case Collection::env:
    case Collection::geo:
      return;
    default:
      break;
  }
  if (target.slot >= 0) {
    Variable& one = tx_[static_cast<std::size_t>(target.slot)];
    if (one.state == Variable::State::unset) return;
    const std::string_view value = text_of(one);
    each(Subject{Collection::tx, target.selection.name, value, traits_of(value)}, kNoGroups);
    return;
  }
  if (target.selection.selector == Selector::name) {
    Variable* one = find_variable(target.collection, kNoSlot, target.selection.name);
    if (one != nullptr) variable(target.selection.name, *one);
    return;
  }
  // Not those that are made meanwhile, which would go on for ever.
  const std::size_t count = named_.size();
  for (const int slot : target.slots) {
    const auto index = static_cast<std::size_t>(slot);
    if (tx_[index].state == Variable::State::unset) continue;
    variable(program_->rules().tx_names[index], tx_[index]);
    if (stopped()) return;
  }
  for (std::size_t i = 0; i < count && !stopped(); ++i) {
    if (named_[i].collection == target.collection) variable(named_[i].name, named_[i].variable);
  }
}

void Inspection::matched(const CompiledRule& compiled, const Subject& subject,
                         std::string_view value) {
  matched_value_ = value;
  matched_in_ = subject.collection;
  matched_member_ = subject.name;
  if (matched_.size() < kMaxNamed) {
    matched_.push_back({subject.collection, subject.name, value, subject.traits});
  }
  for (const SetVar& set : compiled.rule->setvars) set_variable(set);
}

}  // namespace guard::inspect
