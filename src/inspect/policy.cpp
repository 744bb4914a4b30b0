#include "inspect/policy.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "inspect/seclang.h"

namespace guard::inspect {

namespace {

constexpr std::array<std::string_view, 2> kOnBudget = {"refuse", "pass"};

constexpr std::string_view kAttack = "The request looks like an attack";
constexpr std::string_view kLeak = "The answer would tell what it must not";
constexpr std::string_view kTextTypes =
    "text/html,text/plain,text/xml,application/xml,application/json,+json,+xml";
constexpr std::size_t kResponseSize = 512U << 10;

// The last is for what has no name of its own.
constexpr std::array<Code, 13> kCodes = {{
    {403, "inspect.sqli", kAttack},
    {403, "inspect.xss", kAttack},
    {403, "inspect.rce", kAttack},
    {403, "inspect.lfi", kAttack},
    {403, "inspect.rfi", kAttack},
    {403, "inspect.php", kAttack},
    {403, "inspect.java", kAttack},
    {403, "inspect.nodejs", kAttack},
    {403, "inspect.session", kAttack},
    {403, "inspect.scanner", kAttack},
    {403, "inspect.protocol", kAttack},
    {403, "inspect.disclosure", kLeak},
    {403, "inspect.generic", kAttack},
}};

constexpr Code kBudget = {403, "inspect.budget", "The request is too much work to inspect"};
constexpr Code kUnavailable = {403, "inspect.unavailable", "The request cannot be inspected"};

constexpr std::size_t kPrefix = 8;  // "inspect."

void check_plain(std::string_view name, std::string_view value) {
  if (value.find_first_of("\"'\\\n\r,;") != std::string_view::npos) {
    core::fail("invalid \"", value, "\" in \"", name, "\"");
  }
}

// What stands behind a "|" would be another target, and be added to the rules. Whatever else is
// wrong with it is told with the rules.
void check_one_target(std::string_view text) {
  std::size_t count = 1;
  try {
    count = parse_targets(text, {}).size();
  } catch (const core::ConfigError&) {
    return;
  }
  if (count != 1) core::fail("\"target=\" takes one variable, not \"", text, "\"");
}

}  // namespace

Switch parse_switch(core::Words& words) {
  words.read(1, {"trust_schema", "excerpt"});
  Switch result;
  result.on = core::parse_on_off(words.directive(), words[0]);
  const auto set = [&](std::string_view name, bool& value) {
    const auto word = words.named(name);
    if (!word) return;
    const std::string with = std::string(name) + '=';
    if (!result.on) core::fail("\"", with, "\" says nothing beside \"off\"");
    value = core::parse_on_off(with, *word);
  };
  set("trust_schema", result.trust_schema);
  set("excerpt", result.excerpt);
  return result;
}

bool ResponsePolicy::takes(std::string_view content_type) const noexcept {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return std::any_of(types.begin(), types.end(), [type](const std::string& wanted) {
    if (wanted.front() != '+') return core::equal_without_case(wanted, type);
    return type.size() > wanted.size() &&
           core::equal_without_case(wanted, type.substr(type.size() - wanted.size()));
  });
}

ResponsePolicy parse_response(core::Words& words) {
  words.read(1, {"threshold", "size", "types"});
  ResponsePolicy policy;
  policy.on = core::parse_on_off(words.directive(), words[0]);
  const auto threshold = words.named("threshold");
  const auto size = words.named("size");
  const auto types = words.named("types");
  if (!policy.on && (threshold || size || types)) {
    core::fail("\"", words.directive(), " off\" takes nothing else");
  }
  if (threshold) {
    policy.threshold = static_cast<int>(core::parse_number("threshold=", *threshold, 1, 10'000));
  }
  policy.size = kResponseSize;
  if (size) policy.size = core::parse_size("size=", *size, 1U << 10U, 16U << 20U);
  for (const std::string_view type : core::split(types.value_or(kTextTypes), ',')) {
    const std::size_t slash = type.find('/');
    const bool is_suffix = type.starts_with('+') && type.size() > 1;
    const bool is_type = slash != std::string_view::npos && slash > 0 && slash + 1 < type.size();
    if ((!is_suffix && !is_type) || type.find_first_of(" \t;*") != std::string_view::npos) {
      core::fail("invalid type \"", type,
                 "\" in \"types=\", one like text/html or +json is expected");
    }
    policy.types.push_back(to_lower(type));
  }
  return policy;
}

int parse_paranoia(const core::Words& words) {
  return static_cast<int>(core::parse_number(words.directive(), words[0], 1, 4));
}

int parse_threshold(const core::Words& words) {
  return static_cast<int>(core::parse_number(words.directive(), words[0], 1, 10'000));
}

Budget parse_budget(core::Words& words) {
  words.read(1, {"on_budget"});
  Budget budget;
  budget.units = core::parse_size(words.directive(), words[0], 1U << 16U, std::uint64_t{1} << 40U);
  if (const auto value = words.named("on_budget")) {
    budget.pass = core::parse_choice("on_budget=", *value, kOnBudget) == 1;
  }
  return budget;
}

std::string parse_exclude(core::Words& words) {
  words.read(0, {"id", "tag", "target"});
  const auto id = words.named("id");
  const auto tag = words.named("tag");
  const auto target = words.named("target");
  if (id && tag) core::fail("\"guard_inspect_exclude\" takes \"id=\" or \"tag=\", not both");
  if (!id && !tag && !target) {
    core::fail("\"guard_inspect_exclude\" needs \"id=\", \"tag=\" or \"target=\"");
  }
  // All but Guard's own, which say how a body is read.
  std::string rules = "1-199999,200005-999999999";
  if (id) {
    check_plain("id=", *id);
    rules = *id;
  }
  if (tag) {
    check_plain("tag=", *tag);
    rules = *tag;
  }
  const std::string by = tag ? "ByTag " : "ById ";
  if (!target) return "SecRuleRemove" + by + '"' + rules + "\"\n";
  check_plain("target=", *target);
  check_one_target(*target);
  return "SecRuleUpdateTarget" + by + '"' + rules + "\" \"!" + std::string(*target) + "\"\n";
}

const Code& code_of(std::string_view category) noexcept {
  for (const Code& code : kCodes) {
    if (code.code.substr(kPrefix) == category) return code;
  }
  return kCodes.back();
}

std::string_view response_title() noexcept {
  return kLeak;
}

const Code& code_budget() noexcept {
  return kBudget;
}

const Code& code_unavailable() noexcept {
  return kUnavailable;
}

}  // namespace guard::inspect
