// guard_event's nginx face: what the application's own answers mean.

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/ascii.h"
#include "core/check.h"
#include "core/policy_words.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "events/event_rules.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_outcome_module;
}

namespace guard::events {

namespace {

// A guard_event, ready to be judged.
struct Rule {
  EventRule rule;
  ngx::Value user;
  ngx::Value condition;
  // The user may be asked for before there is an answer: he is neither taken from it nor, by map
  // and the like, of something that might be, and would then be remembered as it was too early.
  bool early = false;
};

struct LocationConf {
  core::PolicyUses uses;
  std::optional<std::vector<Rule*>> rules;  // as written, later as they apply
};

bool holds(const ngx::Value& condition, ngx_http_request_t* r) noexcept {
  if (!condition) return true;
  const std::optional<std::string_view> value = condition.evaluate(r);
  return value && !value->empty() && *value != "0";
}

void judge(ngx_http_request_t* r, core::Request* request) noexcept {
  const auto* conf =
      static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_outcome_module));
  const std::vector<Rule*>& rules = *conf->rules;
  std::array<const Rule*, kMaxRules> fitting{};
  std::size_t count = 0;
  for (const Rule* one : rules) {
    if (!one->rule.on.has(request->own_status())) continue;
    // Of several rules for one kind the first that fits makes the event.
    const auto known = std::span(fitting).first(count);
    const bool again = std::ranges::any_of(
        known, [&](const Rule* other) { return other->rule.kind == one->rule.kind; });
    if (!again && holds(one->condition, r)) fitting[count++] = one;
  }
  for (const Rule* one : std::span(fitting).first(count)) {
    const bool outweighed =
        std::ranges::any_of(std::span(fitting).first(count),
                            [&](const Rule* other) { return outweighs(other->rule, one->rule); });
    if (outweighed) continue;
    core::Event event;
    event.kind = one->rule.kind.kind;
    event.custom_kind = one->rule.kind.custom;
    event.status = request->own_status();
    if (one->user) event.user = one->user.evaluate(r).value_or("");
    request->publish(event);
  }
}

std::string_view user_of(core::Request& request, std::span<const core::NamedKind> kinds) noexcept {
  const auto* conf = static_cast<LocationConf*>(
      ngx_http_get_module_loc_conf(request.native(), ngx_http_guard_outcome_module));
  if (!conf->rules) return {};
  for (const Rule* one : *conf->rules) {
    if (!one->early || std::ranges::find(kinds, one->rule.kind) == kinds.end()) continue;
    const std::string_view user = one->user.evaluate(request.native()).value_or("");
    if (!user.empty()) return user;
  }
  return {};
}

constexpr core::HeaderStage kOutcome = {core::kStageOutcome, judge};

// Directives

// Not before all directives have been read.
bool is_early(ngx_conf_t* cf, std::string_view user) {
  return std::ranges::none_of(ngx::variables_in(user), [cf](std::string_view name) {
    constexpr std::array<std::string_view, 3> kAnswer = {"upstream_", "sent_", "status"};
    return ngx::is_derived_variable(cf, name) ||
           std::ranges::any_of(kAnswer, [name](std::string_view start) {
             return core::equal_without_case(name.substr(0, start.size()), start);
           });
  });
}

void set_user(ngx_conf_t* cf, Rule& rule, core::PolicyUses& uses) {
  const std::string& user = rule.rule.user;
  const std::string owner = "guard_event \"" + std::string(rule.rule.kind.name()) + "\"";
  rule.user = ngx::Value(cf, user);
  if (!rule.user.is_constant()) {
    core::add_key_text(cf, owner, "user", user);
    return uses.add(&rule, core::add_policy_use(cf, owner, ngx::variables_in(user)));
  }
  const std::string variable = core::as_variable(user);
  const std::string hint =
      variable.empty() ? "" : ": write \"user=" + variable + "\" if the variable is meant";
  ngx::warn(cf, owner + " names \"" + user + "\" in all its events" + hint);
}

void set_event(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  auto* made = ngx::pool_new<Rule>(cf->pool);
  made->rule = parse_event_rule(words);
  if (!made->rule.user.empty()) set_user(cf, *made, conf.uses);
  if (!made->rule.condition.empty()) made->condition = ngx::Value(cf, made->rule.condition);
  if (!conf.rules) conf.rules.emplace();
  for (const Rule* other : *conf.rules) check_beside(made->rule, other->rule, words[0]);
  conf.rules->push_back(made);
  if (!made->rule.off) core::add_answer_event(cf, made->rule.kind);
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (!child.rules) {
    child.rules = parent.rules;
  } else if (child.rules->front()->rule.off) {
    child.rules.reset();
  } else if (parent.rules) {
    if (child.rules->front()->rule.adds) {
      child.rules->insert(child.rules->begin(), parent.rules->begin(), parent.rules->end());
    } else {
      ngx::notice(cf,
                  "\"guard_event\" of an inner level replaces all that the outer level says with "
                  "it");
    }
  }
  if (child.rules && child.rules->size() > kMaxRules) {
    core::fail("more than ", std::to_string(kMaxRules), " \"guard_event\" in one location");
  }
  if (!child.rules) return;
  child.uses.inherit(parent.uses);
  for (Rule* one : *child.rules) {
    if (!one->user) continue;
    one->early = is_early(cf, one->user.text());
    if (!one->user.is_constant()) child.uses.hold(cf, one);
  }
  core::activate(cf, kOutcome);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_header_stage(cf, kOutcome);
  core::set_user_source(cf, user_of);
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_event"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_event>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

}  // namespace guard::events

constinit ngx_module_t ngx_http_guard_outcome_module =
    guard::ngx::http_module(&guard::events::context, guard::events::commands);
