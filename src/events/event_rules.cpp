#include "events/event_rules.h"

namespace guard::events {

namespace {

using core::EventKind;
using core::fail;

constexpr std::uint16_t kFirstStatus = 200;  // what comes before it is no answer

struct Opposites {
  EventKind failure;
  EventKind success;
};

constexpr Opposites kOpposites[] = {
    {EventKind::login_failed, EventKind::login_succeeded},
    {EventKind::token_refused, EventKind::token_refreshed},
    {EventKind::file_refused, EventKind::file_uploaded},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

StatusSet StatusSet::parse(std::string_view text) {
  StatusSet set;
  for (std::string_view part : core::split(text, ',')) {
    std::size_t from = 0;
    std::size_t to = 0;
    if (part == "all") {
      from = kFirstStatus;
      to = set.set_.size();
    } else if (part.size() == 3 && part[0] >= '2' && part[0] <= '5' && part.substr(1) == "xx") {
      from = static_cast<std::size_t>(part[0] - '0') * 100;
      to = from + 100;
    } else if (part.size() == 3 && part[0] >= '2' && part[0] <= '5' && is_digit(part[1]) &&
               is_digit(part[2])) {
      from = static_cast<std::size_t>((part[0] - '0') * 100 + (part[1] - '0') * 10 + part[2] - '0');
      to = from + 1;
    } else {
      fail("invalid status \"", part,
           "\" in \"on=\", a status from 200 to 599, a class like \"4xx\", or \"all\" is expected");
    }
    for (std::size_t status = from; status < to; ++status) set.set_.set(status);
  }
  return set;
}

EventRule parse_event_rule(core::Words& words) {
  EventRule rule;
  if (words.is_off()) {
    rule.off = true;
    return rule;
  }
  words.read(1, {"on", "user", "if"});
  std::string_view name = words[0];
  rule.adds = name.starts_with('+');
  if (rule.adds) name.remove_prefix(1);
  rule.kind = core::parse_event_kind(name);
  if (!core::info_of(rule.kind.kind).of_application) {
    fail("event kind \"", name, "\" is Guard's own, an answer of the application cannot mean it");
  }
  rule.on = StatusSet::parse(words.required("on"));
  if (const auto user = words.named("user")) rule.user = *user;
  if (const auto condition = words.named("if")) {
    if (condition->find('$') == std::string_view::npos) {
      fail("invalid value \"", *condition,
           "\" of \"if=\", a variable like \"$login_failed\" is expected");
    }
    rule.condition = *condition;
  }
  return rule;
}

void check_beside(const EventRule& rule, const EventRule& other, std::string_view word) {
  if (rule.off || other.off) fail("\"guard_event off\" beside other events of the same level");
  if (rule.adds != other.adds) {
    fail("\"guard_event ", word, "\": kinds with and without \"+\" cannot stand at the same level");
  }
  if (rule == other) fail("duplicate event \"", rule.kind.name(), "\"");
}

bool outweighs(const EventRule& rule, const EventRule& other) noexcept {
  for (const Opposites& pair : kOpposites) {
    const bool fails = rule.kind.kind == pair.failure && other.kind.kind == pair.success;
    const bool succeeds = rule.kind.kind == pair.success && other.kind.kind == pair.failure;
    if (!fails && !succeeds) continue;
    return rule.condition.empty() == other.condition.empty() ? fails : !rule.condition.empty();
  }
  return false;
}

}  // namespace guard::events
