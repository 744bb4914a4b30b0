// guard_event's nginx face: what the application's own answers mean.

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/request.h"
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
};

struct LocationConf {
  std::optional<std::vector<const Rule*>> rules;  // as written, later as they apply
};

bool holds(const ngx::Value& condition, ngx_http_request_t* r) noexcept {
  if (!condition) return true;
  const std::optional<std::string_view> value = condition.evaluate(r);
  return value && !value->empty() && *value != "0";
}

void judge(ngx_http_request_t* r, core::Request* request) noexcept {
  const auto* conf =
      static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_outcome_module));
  const std::vector<const Rule*>& rules = *conf->rules;
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

constexpr core::HeaderStage kOutcome = {core::kStageOutcome, judge};

// Directives

void set_event(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  auto* made = ngx::pool_new<Rule>(cf->pool);
  made->rule = parse_event_rule(words);
  if (!made->rule.user.empty()) made->user = ngx::Value(cf, made->rule.user);
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
  if (child.rules) core::activate(cf, kOutcome);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_header_stage(cf, kOutcome);
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
