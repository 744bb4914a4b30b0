// Only in the test build: checks that wait on a timer or on Redis, refuse, or want the body, so
// that the gates' rules and the Redis client can be tried without any feature.
//   guard_test front|inner [wait=TIME] [refuse=STATUS] [body=SIZE] [at=evaluate|charge]
//     [user=VALUE] [redis=NAME] ["send=WORD WORD"] [times=N] [stall=TIME];
//   guard_test_read;    reads the body in the access phase, as other modules may
// stall= holds up the whole worker before something is sent, as costly work does.
// user= publishes a login_failed of that user, as features will that know one.
// send=: words may hold variables, and "#", which is the number of the command, 0 to N-1. The
// second word is the command's key. $guard_test_redis: what became of the last of the N commands
// that were sent at once, as "ok 7", "error READONLY ...", "timeout", and after how many
// milliseconds.

#include "core/core_config.h"
#include "core/request.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "redis/client.h"

extern "C" {
extern ngx_module_t ngx_http_guard_test_module;
}

namespace guard::core {

namespace {

struct TestCheck {
  Gate gate = Gate::front;
  ngx_msec_t wait = 0;
  ngx_msec_t stall = 0;
  std::uint16_t refuse = 0;
  std::size_t body = 0;
  bool at_charge = false;
  ngx::Value user;
  redis::Client* redis = nullptr;
  std::vector<ngx::Value> words;
  std::size_t times = 1;
};

// A command of a request that waits.
struct TestCommand : redis::Command {
  TestCommand(const TestCheck& own_check, Request& own_request, std::size_t number) noexcept;

  const TestCheck& check;
  Request& request;
  std::array<ngx_str_t, 8> words{};
};

struct TestConf {
  std::array<const TestCheck*, 2> checks{};  // one object for all locations that inherit it
  bool reads = false;                        // the body, before the inner gate does
};

struct TestState {
  bool waited;
  bool charged;
  ngx_event_t timer;
  TestCommand* commands;  // as many as times= says
  std::size_t open;       // of them
  ngx_msec_t began;
  ngx_str_t outcome;
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

constexpr std::array<std::string_view, 6> kFaults = {"ok",       "error",   "unavailable",
                                                     "overflow", "timeout", "lost"};

template <Gate gate>
TestState& state_of(Request& request) noexcept {
  return *request.state<TestState>(kFeatures[static_cast<std::size_t>(gate)]);
}

// With the number in place of each "#".
ngx_str_t spell(std::string_view word, std::size_t number, ngx_pool_t* pool) noexcept {
  auto* begin = static_cast<u_char*>(ngx_pnalloc(pool, word.size() * NGX_SIZE_T_LEN + 1));
  u_char* end = begin;
  for (char c : word) {
    if (begin == nullptr) break;
    if (c == '#') {
      end = ngx_sprintf(end, "%uz", number);
    } else {
      *end++ = static_cast<u_char>(c);
    }
  }
  return {static_cast<size_t>(end - begin), begin};
}

TestCommand::TestCommand(const TestCheck& own_check, Request& own_request,
                         std::size_t number) noexcept
    : Command(
          [](Command& command, redis::Output& output) noexcept {
            const auto& self = static_cast<TestCommand&>(command);
            output.begin(self.check.words.size());
            for (std::size_t i = 0; i < self.check.words.size(); ++i) {
              output.bulk(ngx::to_view(self.words[i]));
            }
          },
          [](Command& command, const redis::Reply& reply) noexcept {
            auto& self = static_cast<TestCommand&>(command);
            TestState& state = self.check.gate == Gate::front ? state_of<Gate::front>(self.request)
                                                              : state_of<Gate::inner>(self.request);
            if (--state.open > 0) return;
            std::string_view text = reply.text();
            constexpr std::size_t kSize = 256;
            auto* out = static_cast<u_char*>(ngx_pnalloc(self.request.pool(), kSize));
            if (out != nullptr) {
              std::string_view fault = kFaults[static_cast<std::size_t>(reply.fault())];
              u_char* end = ngx_snprintf(out, kSize, "%*s ", fault.size(), fault.data());
              end = reply.is_integer()
                        ? ngx_snprintf(end, 32, "%L", static_cast<int64_t>(reply.integer()))
                        : ngx_snprintf(end, 128, "%*s", text.size(), text.data());
              end = ngx_snprintf(end, 32, " %M", ngx_current_msec - state.began);
              state.outcome = {static_cast<size_t>(end - out), out};
            }
            state.waited = true;
            self.request.resume();
          }),
      check(own_check),
      request(own_request) {
  for (std::size_t i = 0; i < check.words.size(); ++i) {
    words[i] =
        spell(check.words[i].evaluate(request.native()).value_or(""), number, request.pool());
  }
  route = ngx::to_view(words[1]);
}

// False: no memory.
bool ask_redis(Request& request, TestState& state, const TestCheck& check) noexcept {
  auto* at = static_cast<std::byte*>(ngx_palloc(request.pool(), check.times * sizeof(TestCommand)));
  if (at == nullptr) return false;
  state.commands = reinterpret_cast<TestCommand*>(at);
  state.open = check.times;
  for (std::size_t i = 0; i < check.times; ++i, at += sizeof(TestCommand)) {
    check.redis->send(*new (at) TestCommand(check, request, i));
  }
  return true;
}

// Pass: there is nothing to wait for, or no longer.
template <Gate gate>
Answer wait(Request& request, const TestCheck& check) noexcept {
  auto* state = request.state<TestState>(kFeatures[static_cast<std::size_t>(gate)]);
  if (check.redis != nullptr && !state->waited) {
    if (state->commands == nullptr) {
      state->began = ngx_current_msec;
      if (check.stall != 0) ngx_msleep(check.stall);
      if (!ask_redis(request, *state, check)) return Answer::pass;
      ngx_log_error(NGX_LOG_NOTICE, request.native()->connection->log, 0, "guard test waits");
    }
    return Answer::wait;
  }
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
  return Answer::pass;
}

template <Gate gate>
Answer judge(Request& request, Refusal& refusal, const TestCheck& check) noexcept {
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
  const Answer answer = wait<gate>(request, check);
  return answer == Answer::pass ? judge<gate>(request, refusal, check) : answer;
}

template <Gate gate>
Answer ask(Request& request) noexcept {
  const TestCheck& check = configured<gate>(request);
  return check.at_charge ? wait<gate>(request, check) : Answer::pass;
}

template <Gate gate>
Answer charge(Request& request, Refusal& refusal) noexcept {
  const TestCheck& check = configured<gate>(request);
  auto* state = request.state<TestState>(kFeatures[static_cast<std::size_t>(gate)]);
  Answer answer = check.at_charge ? judge<gate>(request, refusal, check) : Answer::pass;
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
  const TestCheck& check = configured<gate>(request);
  for (std::size_t i = 0; state->commands != nullptr && i < check.times; ++i) {
    TestCommand& command = state->commands[i];
    if (command.waiting()) check.redis->forget(command);
  }
  ngx_log_error(NGX_LOG_NOTICE, request.native()->connection->log, 0, "guard test abandon");
}

BodyNeed body_need(Request& request) noexcept {
  const TestCheck& check = configured<Gate::inner>(request);
  return {check.body != 0, check.body};
}

template <Gate gate>
constexpr Check kCheck = {.feature = kFeatures[static_cast<std::size_t>(gate)],
                          .gate = gate,
                          .evaluate = evaluate<gate>,
                          .charge = charge<gate>,
                          .ask = ask<gate>,
                          .refund = refund<gate>,
                          .body_need = gate == Gate::inner ? body_need : nullptr,
                          .abandon = abandon<gate>};

void set_test(ngx_conf_t* cf, Words& words, TestConf& conf) {
  words.read(1, {"wait", "stall", "refuse", "body", "at", "user", "redis", "send", "times"});
  using std::chrono_literals::operator""h;
  using std::chrono_literals::operator""ms;
  auto* made = ngx::pool_new<TestCheck>(cf->pool);
  conf.checks[parse_choice(words.directive(), words[0], kGates)] = made;
  TestCheck& check = *made;
  check.gate = words[0] == "front" ? Gate::front : Gate::inner;
  if (auto word = words.named("wait")) {
    check.wait = static_cast<ngx_msec_t>(parse_time("wait", *word, 1ms, 1h).count());
  }
  if (auto word = words.named("stall")) {
    check.stall = static_cast<ngx_msec_t>(parse_time("stall", *word, 1ms, 1h).count());
  }
  if (auto word = words.named("refuse")) {
    check.refuse = static_cast<std::uint16_t>(parse_number("refuse", *word, 400, 599));
  }
  if (auto word = words.named("body")) check.body = parse_size("body", *word, 1, 1 << 30);
  if (auto word = words.named("user")) check.user = ngx::Value(cf, *word);
  if (auto word = words.named("at")) check.at_charge = parse_choice("at", *word, kTimes) == 1;
  if (auto word = words.named("redis")) {
    check.redis = redis::Client::find(cf, *word);
    if (check.redis == nullptr) fail("unknown Redis \"", *word, "\"");
    for (std::string_view one : split(words.named("send").value_or("PING"), ' ')) {
      check.words.emplace_back(cf, one);
    }
    if (check.words.size() > std::tuple_size_v<decltype(TestCommand::words)>)
      fail("too many words");
  }
  if (auto word = words.named("times")) check.times = parse_number("times", *word, 1, 100'000);
}

ngx_int_t get_redis(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t) noexcept {
  Request* request = Request::find(r);
  const TestState* state =
      request == nullptr ? nullptr : request->state<TestState>(kFeatures.front());
  if (state == nullptr || state->outcome.data == nullptr) {
    v->not_found = 1;
    return NGX_OK;
  }
  ngx::set_variable(v, ngx::to_view(state->outcome));
  return NGX_OK;
}

void set_read(ngx_conf_t* /*cf*/, Words& /*words*/, TestConf& conf) {
  conf.reads = true;
}

ngx_int_t read_early(ngx_http_request_t* r) noexcept {
  const auto* conf =
      static_cast<TestConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_test_module));
  if (!conf->reads || r != r->main || r->request_body != nullptr) return NGX_DECLINED;
  const ngx_int_t rc = ngx_http_read_client_request_body(r, [](ngx_http_request_t* read) noexcept {
    read->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(read);
  });
  if (rc >= NGX_HTTP_SPECIAL_RESPONSE) return rc;
  ngx_http_finalize_request(r, NGX_DONE);
  return NGX_DONE;
}

void install_reader(ngx_conf_t* cf) {
  ngx::add_handler(cf, NGX_HTTP_ACCESS_PHASE, read_early);
}

void merge(ngx_conf_t* cf, TestConf& parent, TestConf& child) {
  for (std::size_t i = 0; i < child.checks.size(); ++i) {
    if (child.checks[i] == nullptr) child.checks[i] = parent.checks[i];
    if (child.checks[i] != nullptr)
      activate(cf, i == 0 ? kCheck<Gate::front> : kCheck<Gate::inner>);
  }
}

void preconfigure(ngx_conf_t* cf) {
  add_check(cf, kCheck<Gate::front>);
  add_check(cf, kCheck<Gate::inner>);
  ngx::add_variable(cf, "guard_test_redis", get_redis);
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_test"),
                 NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_test>),
    ngx::command(ngx_string("guard_test_read"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_read>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    ngx::configuration<install_reader>,
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
