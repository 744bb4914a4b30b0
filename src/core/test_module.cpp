// Only in the test build: checks that wait on a timer, refuse, or want the body, so that the gates'
// rules can be tried without any feature.
//   guard_test front|inner [wait=TIME] [refuse=STATUS] [body=SIZE] [at=evaluate|charge]
//     [user=VALUE];
// user= publishes a login_failed of that user, as features will that know one.

#include "core/core_config.h"
#include "core/request.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_test_module;
}

namespace guard::core {

namespace {

struct TestCheck {
  ngx_msec_t wait = 0;
  std::uint16_t refuse = 0;
  std::size_t body = 0;
  bool at_charge = false;
  ngx::Value user;
};

struct TestConf {
  std::array<const TestCheck*, 2> checks{};  // one object for all locations that inherit it
};

struct TestState {
  bool waited;
  bool charged;
  ngx_event_t timer;
};

constexpr std::array<std::string_view, 2> kGates = {"front", "inner"};
constexpr std::array<Feature, 2> kFeatures = {Feature::ban, Feature::upload};
constexpr std::array<std::string_view, 2> kTimes = {"evaluate", "charge"};

template <Gate gate>
const TestCheck& configured(Request& request) noexcept {
  auto* conf = static_cast<TestConf*>(
      ngx_http_get_module_loc_conf(request.native(), ngx_http_guard_test_module));
  return *conf->checks[static_cast<std::size_t>(gate)];
}

template <Gate gate>
Answer act(Request& request, Refusal& refusal, const TestCheck& check) noexcept {
  auto* state = request.state<TestState>(kFeatures[static_cast<std::size_t>(gate)]);
  if (check.wait != 0 && !state->waited) {
    if (!state->timer.timer_set) {
      state->timer.data = request.native()->connection;
      state->timer.log = request.native()->connection->log;
      state->timer.handler = [](ngx_event_t* event) noexcept {
        auto* c = static_cast<ngx_connection_t*>(event->data);
        Request* waiting = Request::find(static_cast<ngx_http_request_t*>(c->data));
        auto* own = waiting->state<TestState>(kFeatures[static_cast<std::size_t>(gate)]);
        own->waited = true;
        waiting->resume();
      };
      ngx_add_timer(&state->timer, check.wait);
      ngx_log_error(NGX_LOG_NOTICE, state->timer.log, 0, "guard test waits");
    }
    return Answer::wait;
  }
  if (check.body != 0) {
    std::optional<std::string_view> body = request.body();
    if (!body || body->find("attack") != std::string_view::npos) {
      refusal.status = body ? 403 : 413;
      refusal.code = body ? "test.body" : "test.size";
      refusal.title = "Test refusal of a body";
      return Answer::refuse;
    }
  }
  if (check.user) {
    Event event;
    event.kind = EventKind::login_failed;
    event.user = check.user.evaluate(request.native()).value_or("");
    request.publish(event);
  }
  if (check.refuse == 0) return Answer::pass;
  refusal.status = check.refuse;
  refusal.code = gate == Gate::front ? "test.front" : "test.inner";
  refusal.title = "Test refusal";
  refusal.retry_after = check.refuse == 429 ? 7 : -1;
  return Answer::refuse;
}

template <Gate gate>
Answer evaluate(Request& request, Refusal& refusal) noexcept {
  const TestCheck& check = configured<gate>(request);
  if (check.at_charge || !request.first_time(&check)) {
    // A waiting check is asked again: that is still its first time.
    auto* state = request.state<TestState>(kFeatures[static_cast<std::size_t>(gate)]);
    if (check.at_charge || !state->waited) return Answer::pass;
  }
  return act<gate>(request, refusal, check);
}

template <Gate gate>
Answer charge(Request& request, Refusal& refusal) noexcept {
  const TestCheck& check = configured<gate>(request);
  auto* state = request.state<TestState>(kFeatures[static_cast<std::size_t>(gate)]);
  Answer answer = check.at_charge ? act<gate>(request, refusal, check) : Answer::pass;
  state->charged = answer == Answer::pass;
  return answer;
}

template <Gate gate>
void refund(Request& request) noexcept {
  ngx_log_error(NGX_LOG_NOTICE, request.native()->connection->log, 0, "guard test refund");
}

template <Gate gate>
void abandon(Request& request) noexcept {
  auto* state = request.state<TestState>(kFeatures[static_cast<std::size_t>(gate)]);
  if (state->timer.timer_set) ngx_del_timer(&state->timer);
  ngx_log_error(NGX_LOG_NOTICE, request.native()->connection->log, 0, "guard test abandon");
}

BodyNeed body_need(Request& request) noexcept {
  const TestCheck& check = configured<Gate::inner>(request);
  return {check.body != 0, check.body};
}

const Check kFront = {Feature::ban,        Gate::front, evaluate<Gate::front>, charge<Gate::front>,
                      refund<Gate::front>, nullptr,     abandon<Gate::front>};
const Check kInner = {Feature::upload,     Gate::inner, evaluate<Gate::inner>, charge<Gate::inner>,
                      refund<Gate::inner>, body_need,   abandon<Gate::inner>};

void set_test(ngx_conf_t* cf, Words& words, TestConf& conf) {
  words.read(1, {"wait", "refuse", "body", "at", "user"});
  using std::chrono_literals::operator""h;
  using std::chrono_literals::operator""ms;
  auto* made = ngx::pool_new<TestCheck>(cf->pool);
  conf.checks[parse_choice(words.directive(), words[0], kGates)] = made;
  TestCheck& check = *made;
  if (auto word = words.named("wait")) {
    check.wait = static_cast<ngx_msec_t>(parse_time("wait", *word, 1ms, 1h).count());
  }
  if (auto word = words.named("refuse")) {
    check.refuse = static_cast<std::uint16_t>(parse_number("refuse", *word, 400, 599));
  }
  if (auto word = words.named("body")) check.body = parse_size("body", *word, 1, 1 << 30);
  if (auto word = words.named("user")) check.user = ngx::Value(cf, *word);
  if (auto word = words.named("at")) check.at_charge = parse_choice("at", *word, kTimes) == 1;
}

void merge(ngx_conf_t* cf, TestConf& parent, TestConf& child) {
  for (std::size_t i = 0; i < child.checks.size(); ++i) {
    if (child.checks[i] == nullptr) child.checks[i] = parent.checks[i];
    if (child.checks[i] != nullptr) activate(cf, i == 0 ? kFront : kInner);
  }
}

void preconfigure(ngx_conf_t* cf) {
  add_check(cf, kFront);
  add_check(cf, kInner);
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_test"),
                 NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_test>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<TestConf>,
    ngx::merge_conf<TestConf, merge>,
};

}  // namespace

}  // namespace guard::core

constinit ngx_module_t ngx_http_guard_test_module =
    guard::ngx::http_module(&guard::core::context, guard::core::commands);
