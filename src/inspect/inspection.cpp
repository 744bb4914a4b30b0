#include "inspect/inspection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>

#include "core/ascii.h"

namespace guard::inspect {

namespace {

// Of the dynamic names that rules set (tx.paramcounter_NAME).
constexpr std::size_t kMaxNamed = 20'000;
constexpr std::size_t kMaxMatches = 256;
constexpr std::size_t kMaxExpanded = 64U << 10;

struct Topic {
  std::string_view tag;
  std::string_view category;
};

// The tags of the Core Rule Set, and what refusals are called for them: see code_of().
constexpr std::array<Topic, 17> kTopics = {{
    {"attack-sqli", "sqli"},
    {"attack-xss", "xss"},
    {"attack-rce", "rce"},
    {"attack-lfi", "lfi"},
    {"attack-rfi", "rfi"},
    {"attack-injection-php", "php"},
    {"attack-injection-java", "java"},
    {"attack-injection-nodejs", "nodejs"},
    {"attack-fixation", "session"},
    {"attack-reputation-scanner", "scanner"},
    {"attack-reputation-scripting", "scanner"},
    {"attack-reputation-crawler", "scanner"},
    {"attack-reputation-ip", "scanner"},
    {"attack-protocol", "protocol"},
    {"attack-multipart-header", "protocol"},
    {"attack-deprecated-header", "protocol"},
    {"attack-generic", "generic"},
}};

using Groups = std::array<std::uint8_t, kTiers>;

// Of what is not searched.
constexpr Groups kNoGroups{};

bool lacks(Traits traits, const Needs& needs) {
  return std::any_of(needs.begin(), needs.end(),
                     [traits](Traits need) { return (need & traits) == 0; });
}

int weight_of(std::uint8_t severity) {
  switch (severity) {
    case 0:
    case 1:
    case 2:
      return 5;
    case 3:
      return 4;
    case 4:
      return 3;
    case 5:
      return 2;
    default:
      return 1;
  }
}

}  // namespace

std::string_view category_of(const Rule& rule) noexcept {
  for (const std::string& tag : rule.tags) {
    for (const Topic& topic : kTopics) {
      if (tag == topic.tag) return topic.category;
    }
  }
  return {};
}

std::string_view Inspection::category() const noexcept {
  std::array<int, kTopics.size()> weights{};
  std::string_view best;
  int most = 0;
  for (const Match& match : matches_) {
    const std::string_view category = category_of(*match.rule);
    // What only sums up what others have found is about nothing itself.
    if (category.empty() || match.rule == result_.by) continue;
    for (std::size_t i = 0; i < kTopics.size(); ++i) {
      if (kTopics[i].category != category) continue;
      weights[i] += weight_of(match.rule->severity);
      if (weights[i] > most) {
        most = weights[i];
        best = category;
      }
      break;
    }
  }
  if (best.empty() && result_.by != nullptr) best = category_of(*result_.by);
  return best;
}

void Inspection::reset(const Program& program, std::uint64_t budget) {
  program_ = &program;
  budget_ = budget;
  result_ = {};
  matches_.clear();
  hits_.assign(program.pattern_count(), 0);
  tx_.assign(program.tx_slots(), {});
  named_.clear();
  named_index_.clear();
  removed_rules_.clear();
  removed_targets_.clear();
  matched_.clear();
  matched_value_ = {};
  matched_name_ = {};
  skip_to_ = -1;
  skip_ = 0;
  allow_phase_ = allow_all_ = engine_off_ = detection_only_ = skip_body_ = false;
  highest_severity_ = kNoSeverity;
  for (const Program::Preset& preset : program.presets()) {
    tx_[static_cast<std::size_t>(preset.slot)] = {Variable::State::number, {}, preset.number};
  }
}

template <class Run>
const InspectionResult& Inspection::guarded(Run run) noexcept {
  try {
    run();
    finish();
  } catch (const std::exception&) {
    result_.outcome = Outcome::failed;
  }
  return result_;
}

const InspectionResult& Inspection::run_headers(const Program& program, const RequestView& view,
                                                std::uint64_t budget) noexcept {
  return guarded([&] {
    reset(program, budget);
    transaction_.begin(view, {});
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
  for (const int slot : program_->score_slots()) {
    result_.score = std::max(result_.score, number_of(tx_[static_cast<std::size_t>(slot)]));
  }
  if (transaction_.too_many_arguments() && result_.outcome == Outcome::passed) {
    result_.outcome = Outcome::over_budget;
  }
}

void Inspection::run_phase(int phase) {
  if (engine_off_ || allow_all_ || stopped()) return;
  allow_phase_ = false;
  scan_phase(phase);
  const std::vector<Step>& steps = program_->steps(phase);
  const int count = static_cast<int>(steps.size());
  for (int i = 0; i < count && !stopped(); ++i) {
    const int index = steps[static_cast<std::size_t>(i)].rule;
    if (index < 0) continue;
    if (skip_ > 0) {
      --skip_;
      continue;
    }
    const CompiledRule& compiled = program_->rule(index);
    if (compiled.pattern >= 0 && hits_[static_cast<std::size_t>(compiled.pattern)] == 0) {
      if (!matched_.empty()) matched_.clear();
      continue;
    }
    skip_to_ = -1;
    current_ = compiled.rule;
    if (removed_by_control(*compiled.rule)) continue;
    if (evaluate(index)) report(*compiled.rule);
    if (allow_phase_ || allow_all_ || engine_off_) break;
    if (skip_to_ >= 0) i = skip_to_ - 1;
  }
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
      if (evaluate_target(compiled, target)) found = true;
      if (stopped()) return false;
    }
    if (!found) {
      matched_.clear();
      matched_value_ = {};
      matched_name_ = {};
    }
  }
  if (!found) return false;
  if (rule.next_link >= 0 && !evaluate(rule.next_link)) return false;
  after_match(compiled);
  return true;
}

bool Inspection::evaluate_target(const CompiledRule& compiled, const CompiledTarget& target) {
  const Rule& rule = *compiled.rule;
  if (!removed_targets_.empty() && target_removed(rule, target.collection, {})) return false;
  if (target.count) {
    std::int64_t count = 0;
    for_each(target, {}, [&](const Subject&, const Groups&) { ++count; });
    char* at = transaction_.arena().allocate(20);
    const auto end = std::to_chars(at, at + 20, count);
    const std::string_view text(at, static_cast<std::size_t>(end.ptr - at));
    return try_subject(compiled,
                       {target.collection, target.selection.name, text, byte_traits(text)});
  }
  const std::uint64_t hits =
      compiled.pattern >= 0 ? hits_[static_cast<std::size_t>(compiled.pattern)] : 0;
  bool found = false;
  for_each(target, compiled.needs, [&](const Subject& subject, const Groups& groups) {
    if (compiled.pattern >= 0) {
      const std::uint8_t group = groups[compiled.tier];
      if (group == Field::kUnscanned || (hits >> group & 1) == 0) return;
    }
    if (lacks(subject.traits, compiled.needs)) return;
    if (!removed_targets_.empty() && target_removed(rule, subject.collection, subject.name)) return;
    if (try_subject(compiled, subject)) found = true;
  });
  return found;
}

bool Inspection::selects(const Selection& selection, std::string_view name) {
  switch (selection.selector) {
    case Selector::all:
      return true;
    case Selector::name:
      return equal_ignoring_case(selection.name, name);
    case Selector::regex:
      if (selection.prefix) {
        return name.size() >= selection.name.size() &&
               equal_ignoring_case(name.substr(0, selection.name.size()), selection.name);
      }
      charge(name.size() * kRegexCost);
      return selection.regex->search(name, workspace_) == Regex::Result::yes;
  }
  return false;
}

bool Inspection::excluded(const CompiledTarget& target, std::string_view name) {
  for (const Selection& exclusion : target.exclusions) {
    if (selects(exclusion, name)) return true;
  }
  return false;
}

bool Inspection::target_removed(const Rule& rule, Collection collection, std::string_view name) {
  for (const Control* control : removed_targets_) {
    const Target& target = control->target;
    if (target.collection != collection) continue;
    // Without a name it is asked whether the collection is removed as a whole.
    if (target.selector != Selector::all &&
        (name.empty() || !equal_ignoring_case(target.text, name))) {
      continue;
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
// out those that lack one of the needs.
template <class Each>
void Inspection::for_each(const CompiledTarget& target, const Needs& needs, Each each) {
  if (!is_request_data(target.collection)) {
    for_each_variable(target, each);
    return;
  }
  const auto try_one = [&](std::string_view name, std::string_view value, Traits traits,
                           const Groups& groups) {
    if (lacks(traits, needs)) return;
    if (selects(target.selection, name) && !excluded(target, name)) {
      each(Subject{target.collection, name, value, traits}, groups);
    }
  };
  if (target.collection == Collection::xml) {
    const auto& list =
        transaction_.list(target.selection.name == "//@*" ? List::xml_attributes : List::xml_text);
    for (const Field& field : list) {
      if (stopped()) return;
      each(Subject{target.collection, field.name, field.value, field.value_traits},
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
    if (lacks(view.names ? name_sums_[list] : value_sums_[list], needs)) continue;
    for (const Field& field : transaction_.list(view.lists[i])) {
      if (stopped()) return;
      if (view.names) {
        try_one(field.name, field.name, field.name_traits, field.name_groups);
      } else if (!field.trusted) {
        try_one(field.name, field.value, field.value_traits, field.value_groups);
      }
    }
  }
}

// The same for what rules have made themselves.
template <class Each>
void Inspection::for_each_variable(const CompiledTarget& target, Each each) {
  const auto plain = [&](std::string_view value) {
    each(Subject{target.collection, {}, value, byte_traits(value)}, kNoGroups);
  };
  const auto variable = [&](std::string_view name, Variable& one) {
    if (one.state == Variable::State::unset || !selects(target.selection, name) ||
        excluded(target, name)) {
      return;
    }
    const std::string_view value = text_of(one);
    each(Subject{target.collection, name, value, byte_traits(value)}, kNoGroups);
  };
  switch (target.collection) {
    case Collection::matched_var:
      plain(matched_value_);
      return;
    case Collection::matched_var_name:
      plain(matched_name_);
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
        each(Subject{target.collection, subject.name, value, byte_traits(value)}, kNoGroups);
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
    each(Subject{Collection::tx, target.selection.name, value, byte_traits(value)}, kNoGroups);
    return;
  }
  if (target.selection.selector == Selector::name) {
    Variable* one = find_variable(target.collection, kNoSlot, target.selection.name);
    if (one != nullptr) variable(target.selection.name, *one);
    return;
  }
  for (const int slot : target.slots) {
    const auto index = static_cast<std::size_t>(slot);
    if (tx_[index].state == Variable::State::unset) continue;
    variable(program_->rules().tx_names[index], tx_[index]);
    if (stopped()) return;
  }
  for (std::size_t i = 0; i < named_.size() && !stopped(); ++i) {
    if (named_[i].collection == target.collection) variable(named_[i].name, named_[i].variable);
  }
}

bool Inspection::try_subject(const CompiledRule& compiled, const Subject& subject) {
  const Rule& rule = *compiled.rule;
  const Chain& chain = program_->chain(compiled.chain);
  if (!rule.multi_match) {
    return try_value(compiled, subject, transformed(chain, subject.value, subject.traits));
  }
  // Before the transformations, and after each that has changed something.
  bool found = try_value(compiled, subject, subject.value);
  std::string_view value = subject.value;
  Traits traits = subject.traits;
  for (const Transformation one : chain.transformations) {
    if ((changes(one) & traits) == 0 && changes(one) != trait::kAny) continue;
    const std::size_t room = transformed_size(value.size());
    char* out = transaction_.arena().allocate(room);
    bool changed = false;
    charge(value.size() + kStepCost);
    value = transform(one, value, out, changed);
    transaction_.arena().shrink(value.data() == out ? room - value.size() : room);
    if (!changed) continue;
    traits = byte_traits(value);
    if (try_value(compiled, subject, value)) found = true;
    if (stopped()) return found;
  }
  return found;
}

std::string_view Inspection::transformed(const Chain& chain, std::string_view value,
                                         Traits traits) {
  const Traits wanted = chain.triggers | (chain.folds_case ? trait::kLetter : 0);
  if ((wanted & traits) == 0 && chain.triggers != trait::kAny) return value;
  for (const Transformation one : chain.transformations) {
    if ((changes(one) & traits) == 0 && changes(one) != trait::kAny) continue;
    const std::size_t room = transformed_size(value.size());
    char* out = transaction_.arena().allocate(room);
    bool changed = false;
    charge(value.size() + kStepCost);
    const std::string_view next = transform(one, value, out, changed);
    transaction_.arena().shrink(next.data() == out ? room - next.size() : room);
    value = next;
    if (changed) traits = byte_traits(value);
  }
  return value;
}

bool Inspection::try_value(const CompiledRule& compiled, const Subject& subject,
                           std::string_view value) {
  if (matches_operator(compiled, value) == compiled.rule->op.negated || stopped()) return false;
  matched(compiled, subject, value);
  return true;
}

void Inspection::matched(const CompiledRule& compiled, const Subject& subject,
                         std::string_view value) {
  matched_value_ = value;
  matched_name_ = qualified(subject.collection, subject.name);
  if (matched_.size() < kMaxNamed) {
    matched_.push_back({subject.collection, subject.name, value, subject.traits});
  }
  for (const SetVar& set : compiled.rule->setvars) set_variable(set);
}

void Inspection::after_match(const CompiledRule& compiled) {
  const Rule& rule = *compiled.rule;
  for (const Control& one : rule.controls) control(one);
  if (rule.severity < highest_severity_) highest_severity_ = rule.severity;
  if (compiled.skip_to >= 0) skip_to_ = compiled.skip_to;
  if (rule.skip > 0) skip_ = rule.skip;
}

// A rule, or a chain, has matched as a whole.
void Inspection::report(const Rule& rule) {
  if (rule.log && matches_.size() < kMaxMatches) {
    matches_.push_back(
        {&rule, matched_name_, matched_value_, expand(rule.msg), expand(rule.logdata)});
  }
  disrupt(rule);
}

void Inspection::disrupt(const Rule& rule) {
  switch (rule.disruption) {
    case Disruption::pass:
    case Disruption::block:
      return;
    case Disruption::allow:
      if (rule.allow == AllowScope::phase) {
        allow_phase_ = true;
      } else {
        allow_all_ = true;
      }
      return;
    case Disruption::deny:
    case Disruption::drop:
    case Disruption::redirect:
      if (detection_only_) return;
      result_.outcome = Outcome::denied;
      result_.by = &rule;
      result_.status = rule.disruption == Disruption::redirect ? 403 : rule.status;
  }
}

void Inspection::control(const Control& one) {
  switch (one.kind) {
    case ControlKind::remove_by_id:
    case ControlKind::remove_by_tag:
    case ControlKind::remove_by_msg:
      removed_rules_.push_back(&one);
      return;
    case ControlKind::remove_target_by_id:
    case ControlKind::remove_target_by_tag:
    case ControlKind::remove_target_by_msg:
      removed_targets_.push_back(&one);
      return;
    case ControlKind::rule_engine:
      engine_off_ = one.text == "off";
      detection_only_ = one.text == "detectiononly";
      return;
    case ControlKind::request_body_processor:
      transaction_.set_processor(one.text == "json"        ? BodyProcessor::json
                                 : one.text == "xml"       ? BodyProcessor::xml
                                 : one.text == "multipart" ? BodyProcessor::multipart
                                                           : BodyProcessor::urlencoded);
      return;
    case ControlKind::request_body_access:
      skip_body_ = one.text == "off";
      return;
    case ControlKind::force_request_body_variable:
    case ControlKind::nothing:
      return;
  }
}

std::string_view Inspection::qualified(Collection collection, std::string_view name) {
  const std::string_view base = name_of(collection);
  if (name.empty()) return base;
  char* at = transaction_.arena().allocate(base.size() + 1 + name.size());
  char* out = std::copy(base.begin(), base.end(), at);
  *out++ = ':';
  std::copy(name.begin(), name.end(), out);
  return {at, base.size() + 1 + name.size()};
}

Inspection::Variable* Inspection::find_variable(Collection collection, int slot,
                                                std::string_view name) {
  if (slot >= 0) return &tx_[static_cast<std::size_t>(slot)];
  char* key = transaction_.arena().allocate(name.size() + 1);
  key[0] = static_cast<char>(collection);
  std::transform(name.begin(), name.end(), key + 1, core::to_lower);
  if (collection == Collection::tx) {
    const auto& slots = program_->rules().tx_slots;
    const auto known = slots.find(std::string_view(key + 1, name.size()));
    if (known != slots.end()) return &tx_[static_cast<std::size_t>(known->second)];
  }
  const auto found = named_index_.find({key, name.size() + 1});
  transaction_.arena().shrink(name.size() + 1);
  return found == named_index_.end() ? nullptr : &named_[found->second].variable;
}

Inspection::Variable& Inspection::make_variable(Collection collection, int slot,
                                                std::string_view name) {
  Variable* found = find_variable(collection, slot, name);
  if (found != nullptr) return *found;
  char* key = transaction_.arena().allocate(name.size() + 1);
  key[0] = static_cast<char>(collection);
  std::transform(name.begin(), name.end(), key + 1, core::to_lower);
  named_index_.emplace(std::string_view(key, name.size() + 1), named_.size());
  named_.push_back({collection, transaction_.arena().copy(name), {}});
  if (named_.size() > kMaxNamed) result_.outcome = Outcome::over_budget;
  return named_.back().variable;
}

std::string_view Inspection::text_of(Variable& variable) {
  if (variable.state == Variable::State::number && variable.text.empty()) {
    char* at = transaction_.arena().allocate(24);
    const auto end = std::to_chars(at, at + 24, variable.number);
    variable.text = {at, static_cast<std::size_t>(end.ptr - at)};
  }
  return variable.text;
}

std::int64_t Inspection::number_of(const Variable& variable) {
  return variable.state == Variable::State::number ? variable.number
                                                   : leading_number(variable.text);
}

void Inspection::set_variable(const SetVar& set) {
  const std::string_view name = set.slot >= 0 ? std::string_view{} : expand(set.name);
  Variable& variable = make_variable(set.collection, set.slot, name);
  switch (set.assignment) {
    case Assignment::unset:
      variable = {};
      return;
    case Assignment::set:
      variable = {Variable::State::text, expand(set.value), 0};
      return;
    case Assignment::add:
    case Assignment::subtract: {
      const std::int64_t by = leading_number(expand(set.value));
      const std::int64_t before = number_of(variable);
      variable = {Variable::State::number,
                  {},
                  set.assignment == Assignment::add ? before + by : before - by};
    }
  }
}

void Inspection::capture(std::size_t group, std::string_view value) {
  tx_[group] = {Variable::State::text, value, 0};
}

std::string_view Inspection::value_of(const MacroPart& part) {
  switch (part.collection) {
    case Collection::matched_var:
      return matched_value_;
    case Collection::matched_var_name:
      return matched_name_;
    case Collection::rule: {
      if (part.key == "msg") return current_->msg.constant();
      if (part.key != "id" && part.key != "severity") return {};
      char* at = transaction_.arena().allocate(12);
      const auto end =
          std::to_chars(at, at + 12, part.key == "id" ? current_->id : current_->severity);
      return {at, static_cast<std::size_t>(end.ptr - at)};
    }
    case Collection::tx: {
      if (part.slot < 0) return {};
      return text_of(tx_[static_cast<std::size_t>(part.slot)]);
    }
    default:
      break;
  }
  if (!is_request_data(part.collection)) {
    Variable* found = find_variable(part.collection, kNoSlot, part.key);
    return found == nullptr ? std::string_view{} : text_of(*found);
  }
  return transaction_.first(part.collection, part.key).value_or(std::string_view{});
}

std::string_view Inspection::expand(const Macro& macro) {
  if (macro.is_constant()) return macro.constant();
  if (macro.parts.size() == 1) return value_of(macro.parts[0]);
  expanded_.clear();
  for (const MacroPart& part : macro.parts) {
    const std::string_view piece = part.variable ? value_of(part) : std::string_view(part.text);
    expanded_ += piece.substr(0, kMaxExpanded - expanded_.size());
  }
  charge(expanded_.size());
  return transaction_.arena().copy(expanded_);
}

}  // namespace guard::inspect
