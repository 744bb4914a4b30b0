// Actions of rules: what their words set in a rule.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/ascii.h"
#include "core/words.h"
#include "inspect/rule_words.h"
#include "inspect/transaction.h"

namespace guard::inspect {

bool RuleSetBuilder::apply_disruption(Rule& rule, const ActionText& action) {
  static constexpr std::array<std::pair<std::string_view, Disruption>, 6> kNames = {{
      {"pass", Disruption::pass},
      {"block", Disruption::block},
      {"deny", Disruption::deny},
      {"drop", Disruption::drop},
      {"allow", Disruption::allow},
      {"redirect", Disruption::redirect},
  }};
  for (const auto& [name, disruption] : kNames) {
    if (action.name != name) continue;
    rule.disruption = disruption;
    if (disruption == Disruption::allow) {
      const std::string scope = to_lower(action.value);
      if (scope == "phase") {
        rule.allow = AllowScope::phase;
      } else if (scope == "request") {
        rule.allow = AllowScope::request;
      } else if (!scope.empty()) {
        fail_at(rule.at, "unknown scope \"" + action.value + "\" of allow");
      }
    }
    if (disruption == Disruption::redirect) {
      if (action.value.empty()) fail_at(rule.at, "redirect needs an address");
      rule.redirect = set_.parse_macro(action.value, rule.at);
    }
    return true;
  }
  return false;
}

// Actions whose value is kept as it is, or has no meaning in Guard.
bool RuleSetBuilder::apply_text(Rule& rule, const ActionText& action) {
  if (action.name == "msg") {
    rule.msg = set_.parse_macro(action.value, rule.at);
  } else if (action.name == "logdata") {
    rule.logdata = set_.parse_macro(action.value, rule.at);
  } else if (action.name == "tag") {
    rule.tags.push_back(action.value);
  } else if (action.name == "ver") {
    rule.version = action.value;
  } else {
    return std::find(kIgnoredActionNames.begin(), kIgnoredActionNames.end(), action.name) !=
           kIgnoredActionNames.end();
  }
  return true;
}

void RuleSetBuilder::apply_actions(Rule& rule, const std::vector<ActionText>& actions,
                                   bool is_update) {
  for (const ActionText& action : actions) {
    const std::string& name = action.name;
    if (name == "id") {
      const auto id = parse_id(action.value);
      if (!id || *id == 0) fail_at(rule.at, "\"" + action.value + "\" is no rule id");
      if (rule.link || is_update) fail_at(rule.at, "an id is the first rule's of a chain");
      rule.id = *id;
    } else if (name == "phase") {
      if (is_update) fail_at(rule.at, "the phase of a rule cannot be changed");
      parse_phase(action.value, rule.at);
    } else if (name == "t") {
      if (core::equal_without_case(action.value, "none")) {
        rule.transformations.clear();
        continue;
      }
      const auto transformation = transformation_named(action.value);
      if (!transformation) fail_at(rule.at, "unknown transformation \"" + action.value + "\"");
      rule.transformations.push_back(*transformation);
    } else if (name == "capture") {
      rule.capture = true;
    } else if (name == "multimatch") {
      rule.multi_match = true;
    } else if (name == "log") {
      rule.log = true;
    } else if (name == "nolog") {
      rule.log = false;
    } else if (name == "chain") {
      if (is_update) fail_at(rule.at, "a rule cannot be chained by a change");
      rule.chain = true;
    } else if (name == "severity") {
      rule.severity = parse_severity(action.value, rule.at);
    } else if (name == "setvar") {
      rule.setvars.push_back(parse_setvar(action.value, rule.at));
    } else if (name == "ctl") {
      rule.controls.push_back(parse_control(action.value, rule.at));
    } else if (name == "skipafter") {
      rule.skip_after = action.value;
    } else if (name == "skip") {
      const auto count = parse_id(action.value);
      if (!count) fail_at(rule.at, "\"" + action.value + "\" is no number of rules to skip");
      rule.skip = *count;
    } else if (name == "status") {
      const auto status = parse_id(action.value);
      if (!status || *status < 200 || *status > 599) {
        fail_at(rule.at, "\"" + action.value + "\" is no status");
      }
      rule.status = static_cast<std::uint16_t>(*status);
    } else if (!apply_disruption(rule, action) && !apply_text(rule, action)) {
      fail_at(rule.at, "unknown action \"" + name + "\"");
    }
  }
}

SetVar RuleSetBuilder::parse_setvar(const std::string& text, const SourceLine& at) {
  SetVar set;
  std::string_view rest = text;
  if (rest.starts_with('!')) {
    set.assignment = Assignment::unset;
    rest.remove_prefix(1);
  }
  const std::size_t dot = rest.find('.');
  const auto collection = collection_named(rest.substr(0, dot));
  const bool writable =
      collection && (*collection == Collection::tx || *collection == Collection::ip ||
                     *collection == Collection::global || *collection == Collection::session ||
                     *collection == Collection::user || *collection == Collection::resource);
  if (dot == std::string_view::npos || !writable) {
    fail_at(at, "\"" + text + "\" sets no variable of a collection that can be set");
  }
  set.collection = *collection;
  rest.remove_prefix(dot + 1);
  const std::size_t equals = rest.find('=');
  const std::string_view name = rest.substr(0, equals);
  if (name.empty()) fail_at(at, "\"" + text + "\" sets a variable without a name");
  set.name = set_.parse_macro(name, at);
  if (set.collection == Collection::tx && set.name.is_constant()) set.slot = set_.slot_of(name);
  std::string_view value = "1";
  if (equals != std::string_view::npos) {
    if (set.assignment == Assignment::unset) fail_at(at, "\"" + text + "\" unsets with a value");
    value = rest.substr(equals + 1);
    if (value.starts_with('+')) set.assignment = Assignment::add;
    if (value.starts_with('-')) set.assignment = Assignment::subtract;
    if (set.assignment != Assignment::set) value.remove_prefix(1);
  }
  set.value = set_.parse_macro(value, at);
  return set;
}

Control RuleSetBuilder::parse_control(const std::string& text, const SourceLine& at) {
  const std::size_t equals = text.find('=');
  const std::string_view name = std::string_view(text).substr(0, equals);
  const auto* known = std::find_if(
      kControlNames.begin(), kControlNames.end(),
      [name](const ControlName& one) { return core::equal_without_case(name, one.name); });
  if (known == kControlNames.end() || equals == std::string::npos) {
    fail_at(at, "unknown control \"" + text + "\"");
  }
  Control control;
  control.kind = known->kind;
  const std::string value = text.substr(equals + 1);
  const std::size_t semicolon = value.find(';');
  const bool has_target = control.kind == ControlKind::remove_target_by_id ||
                          control.kind == ControlKind::remove_target_by_tag ||
                          control.kind == ControlKind::remove_target_by_msg;
  if (has_target) {
    if (semicolon == std::string::npos) fail_at(at, "\"" + text + "\" has no \";VARIABLE\"");
    const std::vector<Target> targets = checked_targets(value.substr(semicolon + 1), at);
    if (targets.size() != 1) fail_at(at, "\"" + text + "\" has more than one variable");
    control.target = targets[0];
    if (control.target.selector == Selector::name) control.tag = tag_of(control.target.text);
    if (control.target.selector == Selector::regex) {
      control.regex = std::make_shared<const Regex>(control.target.text, true);
    }
  }
  control.text = has_target ? value.substr(0, semicolon) : value;
  if (control.kind == ControlKind::remove_by_id ||
      control.kind == ControlKind::remove_target_by_id) {
    control.ids = parse_range(control.text, at);
  }
  if (control.kind == ControlKind::request_body_processor) {
    control.text = to_lower(control.text);
    if (control.text != "json" && control.text != "xml" && control.text != "urlencoded" &&
        control.text != "multipart") {
      fail_at(at, "unknown body processor \"" + value + "\"");
    }
  } else if (control.kind >= ControlKind::rule_engine && control.kind != ControlKind::nothing) {
    control.text = to_lower(control.text);
    if (control.text != "on" && control.text != "off" && control.text != "detectiononly") {
      fail_at(at, "\"" + text + "\" is neither on nor off");
    }
  }
  return control;
}

}  // namespace guard::inspect
