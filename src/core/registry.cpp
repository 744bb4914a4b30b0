// Registration of checks, stages and listeners, and the event bus.

#include <algorithm>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "core/ascii.h"
#include "core/check.h"
#include "core/core_config.h"
#include "core/path_check.h"
#include "core/request.h"
#include "ngx/timer.h"

namespace guard::core {

namespace {

MainConf& main_of(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
}

LocationConf& location_of(ngx_conf_t* cf) {
  return *static_cast<LocationConf*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_guard_module));
}

constexpr std::size_t kMaxRegistered = 32;  // bits in LocationConf

template <class T>
std::uint32_t bit_of(const std::vector<const T*>& all, const T& one) {
  auto found = std::find(all.begin(), all.end(), &one);
  if (found == all.end()) throw std::logic_error("not registered");
  return 1U << (found - all.begin());
}

std::array<std::uint8_t, 16> key_in_force;

void deliver(const Event& event) noexcept {
  const MainConf* main = main_conf(const_cast<ngx_cycle_t*>(ngx_cycle));
  if (main == nullptr) return;
  for (Listener listener : main->listeners) listener(event, nullptr);
}

// What is published while a worker starts, before all who listen have started.
class EarlyEvents {
 public:
  void hold() noexcept { timer_.start(0); }
  bool take(const Event& event) noexcept {
    if (!timer_.running()) return false;
    try {
      kept_.push_back({event, std::string(event.policy), std::string(event.detail)});
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }
  void release() noexcept {
    timer_.stop();
    for (Kept& one : std::exchange(kept_, {})) {
      one.event.policy = one.policy;
      one.event.detail = one.detail;
      deliver(one.event);
    }
  }

 private:
  struct Kept {
    Event event;
    std::string policy;
    std::string detail;
  };

  std::vector<Kept> kept_;
  ngx::Timer timer_{[](void* self) noexcept { static_cast<EarlyEvents*>(self)->release(); }, this,
                    true};
};

EarlyEvents early_events;

}  // namespace

void add_check(ngx_conf_t* cf, const Check& check) {
  MainConf& main = main_of(cf);
  auto& checks = main.checks;
  if (checks.size() == kMaxRegistered) throw std::logic_error("too many checks");
  // Limits whose key comes from the body count what every other check of the body has passed.
  auto rank = [](const Check* c) {
    bool last = c->gate == Gate::inner && c->feature == Feature::rate;
    return last ? kFeatureCount : index_of(c->feature);
  };
  auto before = [rank](const Check* a, const Check* b) { return rank(a) < rank(b); };
  checks.insert(std::upper_bound(checks.begin(), checks.end(), &check, before), &check);
  main.chargers = main.body_readers = 0;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    if (checks[i]->charge != nullptr) main.chargers |= 1U << i;
    if (checks[i]->body_need != nullptr) main.body_readers |= 1U << i;
  }
}

void add_header_stage(ngx_conf_t* cf, const HeaderStage& stage) {
  MainConf& main = main_of(cf);
  auto& stages = main.stages;
  if (stages.size() == kMaxRegistered) throw std::logic_error("too many header stages");
  auto before = [](const HeaderStage* a, const HeaderStage* b) {
    return a->position < b->position;
  };
  stages.insert(std::upper_bound(stages.begin(), stages.end(), &stage, before), &stage);
  main.judges = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (stages[i]->position < kStageHeaders) main.judges |= 1U << i;
  }
}

void add_listener(ngx_conf_t* cf, Listener listener) {
  main_of(cf).listeners.push_back(listener);
}

void add_refusal_listener(ngx_conf_t* cf, Listener listener) {
  add_listener(cf, listener);
  main_of(cf).refusal_listeners.push_back(listener);
}

void set_user_source(ngx_conf_t* cf, UserSource source) {
  main_of(cf).user_source = source;
}

void activate(ngx_conf_t* cf, const Check& check) {
  std::uint32_t bit = bit_of(main_of(cf).checks, check);
  LocationConf& location = location_of(cf);
  (check.gate == Gate::front ? location.front : location.inner) |= bit;
}

void activate(ngx_conf_t* cf, const HeaderStage& stage) {
  const std::uint32_t bit = bit_of(main_of(cf).stages, stage);
  location_of(cf).stages |= bit;
  if (stage.everywhere) main_of(cf).everywhere |= bit;
  if (stage.position < kStageHeaders) watch_answers(cf);
}

void watch_answers(ngx_conf_t* cf) {
  location_of(cf).watching = true;
  main_of(cf).watching = true;
}

void activate(ngx_conf_t* cf, const AnswerCheck& check) {
  const AnswerCheck*& own = location_of(cf).answer;
  if (own != nullptr && own != &check) {
    fail("the answers of a location are judged by \"guard_openapi\" or by ",
         "\"guard_inspect_response\", not by both");
  }
  own = &check;
  main_of(cf).judging_answers = true;
}

void leave_answers(ngx_conf_t* cf, Feature feature) {
  location_of(cf).answers_left |= bit_of(feature);
}

bool require_strict_path(ngx_conf_t* cf) {
  if (location_of(cf).path_strict == false) return false;
  activate(cf, kPathCheck);
  return true;
}

void add_body_variable(ngx_conf_t* cf, std::string_view name) {
  main_of(cf).body_variables.push_back(ngx::keep(cf, name));
}

void take_body_variables(ngx_conf_t* cf, std::vector<std::string_view> names) {
  LocationConf& location = location_of(cf);
  location.body_variables = std::move(names);
  main_of(cf).body_takers.push_back(&location);
}

bool is_body_variable(ngx_conf_t* cf, std::string_view name) {
  auto is_name = [name](std::string_view other) { return equal_without_case(name, other); };
  if (is_name("request_body") || is_name("request_body_file")) return true;
  const auto& names = main_of(cf).body_variables;
  return std::any_of(names.begin(), names.end(), is_name);
}

void add_answer_event(ngx_conf_t* cf, const NamedKind& kind) {
  main_of(cf).answer_events.push_back(kind);
}

bool can_happen(ngx_conf_t* cf, const NamedKind& kind) {
  // Of files guard_upload tells as well.
  if (!info_of(kind.kind).of_application || kind.kind == EventKind::file_uploaded ||
      kind.kind == EventKind::file_refused) {
    return true;
  }
  return std::ranges::find(main_of(cf).answer_events, kind) != main_of(cf).answer_events.end();
}

void exempt_location(ngx_conf_t* cf, std::initializer_list<Feature> features) {
  LocationConf& location = location_of(cf);
  if (location.exemptions_set && location.exemptions.empty()) return;
  for (const Feature feature : features) location.exempt |= bit_of(feature);
}

const Counter& declare_policy(ngx_conf_t* cf, std::string_view feature, std::string_view name,
                              std::string_view code) {
  MainConf& main = main_of(cf);
  main.policies.push_back({feature, name, ngx::place_of(cf)});
  return main.refusals.declare(main.metrics, feature, name, code);
}

void apply_policy(ngx_conf_t* cf, std::string_view feature, std::string_view name) {
  for (PolicyDefinition& policy : main_of(cf).policies) {
    if (policy.feature == feature && policy.name == name) policy.applied = true;
  }
}

void check_policies(ngx_conf_t* cf) {
  for (const PolicyDefinition& policy : main_of(cf).policies) {
    if (policy.applied) continue;
    std::string text(policy.feature);
    text.append(" policy \"").append(policy.name).append("\" is applied nowhere: no \"guard_");
    text.append(policy.feature).append(" ").append(policy.name).append("\" names it");
    ngx::warn(cf, policy.place, text);
  }
}

std::vector<std::string_view> known_codes(ngx_conf_t* cf) {
  return main_of(cf).refusals.codes();
}

Node& node_of(ngx_conf_t* cf) {
  MainConf& main = main_of(cf);
  if (main.node == nullptr) main.node = ngx::pool_new<Node>(cf->pool, cf);
  return *main.node;
}

void need_client_key(ngx_conf_t* cf) {
  node_of(cf);
}

const std::array<std::uint8_t, 16>& client_key() noexcept {
  return key_in_force;
}

void adopt_client_key(ngx_cycle_t* cycle) noexcept {
  const MainConf* main = main_conf(cycle);
  if (main == nullptr) return;
  if (main->key) {
    key_in_force = *main->key;
  } else if (main->node != nullptr) {
    key_in_force = main->node->drawn_key();
  }
}

MainConf* main_conf(ngx_cycle_t* cycle) noexcept {
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == nullptr) return nullptr;
  return static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_module));
}

void hold_events() noexcept {
  early_events.hold();
}

void release_events() noexcept {
  early_events.release();
}

void publish(const Event& event) noexcept {
  if (!early_events.take(event)) deliver(event);
}

void publish_once(const Event& event) noexcept {
  const MainConf* main = main_conf(const_cast<ngx_cycle_t*>(ngx_cycle));
  if (main == nullptr || main->node == nullptr) return;
  if (main->node->claim_configuration(main->number)) publish(event);
}

}  // namespace guard::core
