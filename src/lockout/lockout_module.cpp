// Lockouts, the nginx face: directives, the check that reserves, and what becomes of a reservation
// when the application has answered.

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "core/census.h"
#include "core/check.h"
#include "core/client_key.h"
#include "core/clock.h"
#include "core/counter_lock.h"
#include "core/metrics.h"
#include "core/policy_words.h"
#include "core/remote.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "lockout/lockout_account.h"
#include "lockout/lockout_attempts.h"
#include "lockout/lockout_calls.h"
#include "lockout/lockout_module.h"
#include "lockout/lockout_uses.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/zone.h"

extern "C" ngx_module_t ngx_http_guard_lockout_module;

namespace guard::lockout {

namespace {

using core::Answer;
using core::Event;
using core::EventKind;
using core::Feature;
using core::Gate;
using core::Refusal;
using core::Request;

// Behind the stage that makes events of the application's answer, among those that judge it.
constexpr int kStageSettle = core::kStageOutcome + 5;

struct Counted : Guarded {
  std::optional<SharedLocks> locks;
  core::ClientKey client_key;
  core::ClientKey client_value;  // of distinct=
  ngx::Place place;              // of its definition
  const core::Counter* allowed = nullptr;
  bool applied = false;  // somewhere
};

struct MainConf {
  std::vector<Guarded*> policies;  // each of them a Counted
};

struct LocationConf {
  Uses uses;
  core::PolicyUses policy_uses;
};

struct State {
  Attempts attempts;
  Request* request;
  std::size_t open;        // calls to Redis
  bool asked;              // it was, and its answers were not looked at yet
  bool locked;             // a key is, as far as this nginx knows
  const Attempt* refused;  // by those answers
  bool watched;            // what is not settled when the request is gone
};

LocationConf& location_of(ngx_http_request_t* r) noexcept {
  return *static_cast<LocationConf*>(
      ngx_http_get_module_loc_conf(r, ngx_http_guard_lockout_module));
}

Counted& counted_of(Policy* policy) noexcept {
  return *static_cast<Counted*>(policy);
}

std::uint64_t milliseconds() noexcept {
  return lock_time(core::microseconds());
}

// Keys

enum class Known : std::uint8_t { yes, missing, failed };

// The key of those who name no account.
core::Hash128 address_hash(const Counted& counted, Request& request) noexcept {
  core::SipHash<core::HashWidth::bits128> sip(core::client_key());
  sip.part(counted.key_owner());
  sip.part("address");
  sip.part(request.client_net());
  return sip.finish();
}

Known read_value(Counted& counted, Request& request, LockKey& key) noexcept {
  if (counted.distinct.empty()) return Known::yes;
  switch (counted.client_value.hash(request, key.value)) {
    case core::KeyState::known:
      return Known::yes;
    case core::KeyState::empty:
      return Known::missing;
    case core::KeyState::failed:
      break;
  }
  return Known::failed;
}

Known read_key(Counted& counted, Request& request, LockKey& key) noexcept {
  std::array<std::string_view, core::kMaxKeyVariables> memory;
  std::optional<std::size_t> count = counted.client_key.account_texts(request, memory);
  if (!count) return Known::failed;
  std::array<std::string_view, 1> net = {request.client_net()};
  std::span<const std::string_view> account(memory.data(), *count);
  bool missing = is_missing(account, counted.normalization);
  if (missing || account.empty()) account = net;
  key.account = account_hash(core::client_key(), account, counted.normalization);
  key.network = core::network_of(request);
  Known value = read_value(counted, request, key);
  if (value == Known::failed) return value;
  missing = missing || value == Known::missing;
  if (!missing) {
    core::KeyState state = counted.client_key.hash(request, key.hash);
    return state == core::KeyState::failed ? Known::failed : Known::yes;
  }
  if (counted.empty == Empty::address) key.hash = address_hash(counted, request);
  return Known::missing;
}

std::string_view digits_of(const core::Hash128& hash, Request& request) noexcept {
  auto* memory = static_cast<char*>(ngx_pnalloc(request.pool(), kHashDigits));
  if (memory == nullptr) return {};
  std::array<char, kHashDigits> digits = core::hex_of(hash);
  std::copy(digits.begin(), digits.end(), memory);
  return {memory, kHashDigits};
}

Attempt* make_attempt(Request& request, State& state, Counted& counted,
                      const LockKey& key) noexcept {
  // One that an earlier location only observed.
  if (Attempt* observed = state.attempts.find(counted)) {
    observed->key = key;
    observed->state = Attempt::State::asked;
    return observed;
  }
  void* memory = ngx_palloc(request.pool(), sizeof(Attempt));
  if (memory == nullptr) return nullptr;
  auto* attempt = new (memory) Attempt;
  attempt->policy = &counted;
  attempt->key = key;
  state.attempts.add(*attempt);
  return attempt;
}

// The check

Answer refuse(const Attempt& attempt, Request& request, Refusal& refusal) noexcept {
  std::string_view digits;
  if (attempt.decision.first_report) {
    digits = digits_of(attempt.key.hash, request);
    refusal.user = request.user_of(attempt.policy->failures);
    if (refusal.user.empty()) refusal.user = request.user_of(attempt.policy->successes);
  }
  describe(*attempt.policy, attempt.decision, digits, refusal);
  return Answer::refuse;
}

// Memory has run out: what is not counted must not be tried.
Answer refuse_uncounted(Refusal& refusal) noexcept {
  describe_unavailable(refusal);
  return Answer::refuse;
}

Answer evaluate(Request& request, Refusal& refusal) noexcept {
  auto* state = request.state<State>(Feature::lockout);
  if (state == nullptr) return refuse_uncounted(refusal);
  const std::uint64_t now = milliseconds();
  const Attempt* strictest = nullptr;
  for (Policy* policy : location_of(request.native()).uses.list()) {
    Counted& counted = counted_of(policy);
    if (!request.first_time(&counted)) continue;
    LockKey key;
    Known known = read_key(counted, request, key);
    if (known == Known::missing && counted.empty == Empty::skip) continue;
    if (known == Known::missing && counted.empty == Empty::refuse) {
      describe_missing(counted, refusal);
      return Answer::refuse;
    }
    Attempt* attempt =
        known == Known::failed ? nullptr : make_attempt(request, *state, counted, key);
    if (attempt == nullptr) return refuse_uncounted(refusal);
    // Redis is asked when all else has passed.
    if (counted.shared == nullptr) attempt->decision = counted.table->peek(key, now);
    if (attempt->decision.verdict == Verdict::admitted) continue;
    if (strictest == nullptr || stricter(attempt->decision, strictest->decision)) {
      strictest = attempt;
    }
  }
  return strictest == nullptr ? Answer::pass : refuse(*strictest, request, refusal);
}

// A request that ends before the application has answered keeps its places.
bool watch(Request& request, State& state) noexcept {
  if (state.watched) return true;
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(request.pool(), 0);
  if (cleanup == nullptr) return false;
  cleanup->data = &state;
  cleanup->handler = [](void* data) noexcept { static_cast<State*>(data)->attempts.leave(); };
  state.watched = true;
  return true;
}

void report_pressure(const Attempt& attempt) noexcept {
  std::uint64_t evictions = attempt.policy->table->pressure(core::microseconds());
  if (evictions == 0) return;
  Event event;
  event.kind = EventKind::table_pressure;
  event.policy = attempt.policy->name;
  event.detail = "The zone is too small: failures of keys that still count were given up";
  event.count = evictions;
  core::publish(event);
}

void give_back_all(const State& state, Attempt::State then) noexcept {
  state.attempts.each([then](Attempt& attempt) {
    give_back_at_redis(attempt);
    attempt.give_back();
    attempt.state = then;
  });
}

// Asks Redis for a place of each policy that counts there.
void send_all(Request& request, State& state) noexcept {
  state.request = &request;
  state.asked = true;
  state.locked = false;
  const std::uint64_t now = milliseconds();
  auto ended = [](void* context) noexcept {
    auto& waiting = *static_cast<State*>(context);
    if (--waiting.open == 0) waiting.request->resume();
  };
  state.attempts.each([&](Attempt& attempt) {
    if (attempt.state != Attempt::State::asked || attempt.policy->shared == nullptr) return;
    SharedLocks& shared = *attempt.policy->shared;
    if (!shared.store.queue.available()) return;
    void* memory = ngx_palloc(request.pool(), sizeof(ReserveCall));
    if (memory == nullptr) return;
    attempt.call = new (memory) ReserveCall(shared, attempt.key, ended, &state);
    ++state.open;
    attempt.call->send();
    state.locked = state.locked || attempt.policy->table->is_locked(attempt.key, now);
  });
}

// The strictest that has no place, of those that count in Redis; null: all have one.
const Attempt* take_answers(const State& state) noexcept {
  const std::uint64_t now = milliseconds();
  const Attempt* refused = nullptr;
  state.attempts.each([&](Attempt& attempt) {
    if (attempt.state != Attempt::State::asked || attempt.policy->shared == nullptr) return;
    if (take_answer(attempt, now)) return;
    if (refused == nullptr || stricter(attempt.decision, refused->decision)) refused = &attempt;
  });
  return refused;
}

Answer ask_redis(Request& request) noexcept {
  auto* state = request.state<State>(Feature::lockout);
  if (state == nullptr || state->attempts.empty()) return Answer::pass;
  if (!state->asked) send_all(request, *state);
  // Of what is likely to be refused nobody else need hear.
  if (state->open != 0) return state->locked ? Answer::hold : Answer::wait;
  state->asked = false;
  state->refused = take_answers(*state);
  return Answer::pass;
}

Answer charge(Request& request, Refusal& refusal) noexcept {
  auto* state = request.state<State>(Feature::lockout);
  if (state == nullptr || state->attempts.empty()) return Answer::pass;
  if (!watch(request, *state)) {
    give_back_all(*state, Attempt::State::settled);
    return refuse_uncounted(refusal);
  }
  const Attempt* refused = state->refused;
  if (refused == nullptr) refused = state->attempts.reserve(milliseconds());
  state->attempts.each(report_pressure);
  if (refused != nullptr) {
    give_back_all(*state, Attempt::State::refused);
    return refuse(*refused, request, refusal);
  }
  // Those of an earlier location are still there.
  state->attempts.each([](Attempt& attempt) {
    if (attempt.state != Attempt::State::reserved || std::exchange(attempt.counted, true)) return;
    counted_of(attempt.policy).allowed->add();
  });
  return Answer::pass;
}

void refund(Request& request) noexcept {
  auto* state = request.state<State>(Feature::lockout);
  if (state != nullptr) give_back_all(*state, Attempt::State::settled);
}

// What Redis has reserved, or is about to, stays so: the request was made.
void abandon(Request& request) noexcept {
  auto* state = request.state<State>(Feature::lockout);
  if (state == nullptr) return;
  state->attempts.each([](Attempt& attempt) {
    if (attempt.call != nullptr) attempt.call->forget();
  });
  state->open = 0;
  state->asked = false;
}

const core::Check kInner = {.feature = Feature::lockout,
                            .gate = Gate::inner,
                            .evaluate = evaluate,
                            .charge = charge,
                            .ask = ask_redis,
                            .refund = refund,
                            .abandon = abandon};

// What becomes of it

void tell(const Attempt& attempt, Event& event, std::string_view user, Request& request) noexcept {
  event.code = attempt.policy->refusal_code;
  event.policy = attempt.policy->name;
  event.user = user;
  event.key_hash = digits_of(attempt.key.hash, request);
  request.publish(event);
}

Whom whom(const Event& event, Request& request) noexcept {
  return {event.user, ngx::to_view(request.native()->connection->addr_text), request.request_id()};
}

void count_failure(Attempt& attempt, const Event& event, Request& request) noexcept {
  std::uint64_t place = attempt.state == Attempt::State::reserved ? attempt.decision.place : 0;
  attempt.state = Attempt::State::settled;
  Failure failure = attempt.policy->table->fail(attempt.key, place, milliseconds());
  if (fail_at_redis(attempt, whom(event, request), failure) || !failure.locks) return;
  std::array<char, kLockDetailMax> memory;
  Event lock;
  lock.kind = EventKind::account_locked;
  describe_lock(failure, core::wall_microseconds() / 1000, memory, lock);
  tell(attempt, lock, event.user, request);
}

void count_success(const Attempt& attempt, const Event& event, Request& request) noexcept {
  bool locked = attempt.policy->table->clear(attempt.key, milliseconds());
  if (clear_at_redis(attempt, whom(event, request)) || !locked) return;
  Event unlock;
  unlock.kind = EventKind::account_unlocked;
  unlock.detail = kUnlockDetail;
  tell(attempt, unlock, event.user, request);
}

// What Guard itself refuses before a place was reserved counts as well, if a policy says so.
void count_refusal(State& state, Counted& counted, const Event& event, Request& request) noexcept {
  LockKey key;
  Known known = read_key(counted, request, key);
  if (known == Known::failed) return;
  if (known == Known::missing && counted.empty != Empty::address) return;
  Attempt* attempt = make_attempt(request, state, counted, key);
  if (attempt != nullptr) count_failure(*attempt, event, request);
}

void hear(const Event& event, Request* request) noexcept {
  if (request == nullptr || event.action == core::Action::observed) return;
  if (event.code.starts_with("lockout.")) return;
  const LocationConf& location = location_of(request->native());
  auto* state = location.uses.list().empty() ? request->used_state<State>(Feature::lockout)
                                             : request->state<State>(Feature::lockout);
  if (state == nullptr) return;
  state->attempts.each([&](Attempt& attempt) {
    if (attempt.state == Attempt::State::settled) return;
    if (attempt.policy->fails_on(event)) count_failure(attempt, event, *request);
    if (attempt.policy->resets_on(event)) count_success(attempt, event, *request);
  });
  if (event.action != core::Action::denied) return;
  if (core::mode_of(request->native(), Feature::lockout) == core::Mode::off) return;
  for (Policy* policy : location.uses.list()) {
    Counted& counted = counted_of(policy);
    if (!counted.fails_on(event) || state->attempts.find(counted) != nullptr) continue;
    count_refusal(*state, counted, event, *request);
  }
}

// Whether an upstream may know of the request: not if none could be connected to.
bool was_sent(const ngx_http_request_t* r) noexcept {
  if (r->upstream_states == nullptr) return true;
  const std::span states(static_cast<const ngx_http_upstream_state_t*>(r->upstream_states->elts),
                         r->upstream_states->nelts);
  return std::ranges::any_of(
      states, [](const ngx_http_upstream_state_t& state) { return state.bytes_sent != 0; });
}

// No event has said that it was a failure. An upstream that has not answered may have tried the
// password all the same, if it was sent to it.
void settle(ngx_http_request_t* r, Request* request) noexcept {
  auto* state = request->used_state<State>(Feature::lockout);
  if (state == nullptr) return;
  if (request->answered() || !was_sent(r)) {
    give_back_all(*state, Attempt::State::settled);
  } else {
    state->attempts.leave();
  }
}

const core::HeaderStage kSettle = {kStageSettle, settle, true};

// Configuration

void attach(std::span<std::byte> memory, void* context) noexcept {
  static_cast<Counted*>(context)->attach(memory);
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  return static_cast<Counted*>(context)->attach(memory);
}

MainConf& main_of(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_lockout_module));
}

Counted* find_policy(const MainConf& conf, std::string_view name) {
  for (Guarded* policy : conf.policies) {
    if (policy->name == name) return &counted_of(policy);
  }
  return nullptr;
}

constexpr core::MetricFamily kLocks = {"guard_lockouts", core::MetricType::gauge, "",
                                       "Locks of a policy that are in force in this nginx"};

void add_census(ngx_conf_t* cf, Counted& counted) {
  core::Census::Subject subject;
  subject.zone = counted.zone_name();
  subject.in_force = &kLocks;
  subject.labels = core::metric_labels({{"policy", counted.name}});
  subject.context = &counted;
  subject.ways = LockTable::kWays;
  subject.sets = [](void* context) noexcept {
    return static_cast<Counted*>(context)->table->sets();
  };
  subject.add = [](void* context, std::uint64_t first, std::uint64_t count,
                   core::Tally& tally) noexcept {
    static_cast<Counted*>(context)->table->tally(first, count, milliseconds(), tally.entries,
                                                 tally.in_force);
  };
  subject.evictions = [](void* context) noexcept {
    return static_cast<Counted*>(context)->table->evictions();
  };
  core::add_census(cf, std::move(subject));
}

void set_policy(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  Policy policy = parse_policy(words);
  if (find_policy(conf, policy.name) != nullptr) {
    core::fail("lockout policy \"", policy.name, "\" is defined twice");
  }
  auto* counted = ngx::pool_new<Counted>(cf->pool);
  static_cast<Policy&>(*counted) = std::move(policy);
  counted->refusal_code = counted->code();
  counted->allowed = &core::declare_policy(cf, "lockout", counted->name, counted->refusal_code);
  counted->place = ngx::place_of(cf);
  core::add_key_text(cf, counted->title(), "key", counted->key);
  core::add_key_text(cf, counted->title(), "distinct", counted->distinct);
  counted->client_key.compile(cf, counted->key_owner(), counted->variables, counted->normalization);
  counted->client_value.compile(cf, counted->key_owner() + " distinct", counted->distinct_variables,
                                counted->normalization);
  ngx::Zone::add(cf, counted->zone_name(), counted->zone_size, counted->layout(), attach, adopt,
                 counted);
  if (!counted->redis.empty()) {
    core::RemoteStore& store = core::remote_store(cf, counted->redis);
    counted->locks.emplace(SharedLocks{
        store, RemoteLocks(store.prefix + "lockout:" + counted->name + ":", counted->rule()),
        [](const Event& event) noexcept { core::publish(event); }});
    counted->shared = &*counted->locks;
  }
  add_census(cf, *counted);
  conf.policies.push_back(counted);
}

[[noreturn]] void fail_unknown(const MainConf& conf, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Guarded* policy : conf.policies) names.emplace_back(policy->name);
  std::string hint = core::suggestion(name, names);
  if (hint.empty()) hint = ", a policy must be defined before it is used";
  core::fail("unknown lockout policy \"", name, "\"", hint);
}

void set_lockout(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (words.is_off()) return conf.uses.turn_off();
  conf.uses.expect(words[0]);
  Use use = parse_use(words);
  const MainConf& main = main_of(cf);
  Counted* counted = find_policy(main, use.name);
  if (counted == nullptr) fail_unknown(main, use.name);
  core::apply_policy(cf, "lockout", use.name);
  conf.uses.add(use, words[0], *counted);
  counted->applied = true;

  std::vector<std::string_view> variables(counted->variables.begin(), counted->variables.end());
  variables.insert(variables.end(), counted->distinct_variables.begin(),
                   counted->distinct_variables.end());
  conf.policy_uses.add(counted, core::add_policy_use(cf, counted->title(), variables));
}

void warn_of_answer(ngx_conf_t* cf, const Counted& counted, std::string_view what,
                    const std::vector<std::string>& variables) {
  const std::vector<std::string_view> names(variables.begin(), variables.end());
  const std::string warning = core::answer_warning(counted.title(), what, names);
  if (!warning.empty()) ngx::warn(cf, counted.place, warning);
}

// Not before every directive was read: variables may be declared after the policy.
void init_main(ngx_conf_t* cf, MainConf& conf) {
  auto from_body = [cf](std::string_view name) { return core::is_body_variable(cf, name); };
  auto can_happen = [cf](const core::NamedKind& kind) { return core::can_happen(cf, kind); };
  for (Guarded* policy : conf.policies) {
    const Counted* counted = &counted_of(policy);
    try {
      if (!policy->redis.empty()) core::check_remote(cf, policy->title());
      check_reset(*counted, from_body);
    } catch (const core::ConfigError& error) {
      ngx::fail(cf, counted->place, error.what());
    }
    std::string warning = key_warning(*counted);
    if (!warning.empty()) ngx::warn(cf, counted->place, warning);
    warn_of_answer(cf, *counted, "key", counted->variables);
    warn_of_answer(cf, *counted, "distinct", counted->distinct_variables);
    if (!counted->applied) continue;
    std::string never = never_warning(*counted, can_happen);
    if (!never.empty()) ngx::warn(cf, counted->place, never);
  }
}

void merge(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  std::string replaced = child.uses.inherit(parent.uses);
  if (!replaced.empty()) ngx::note_replaced(cf, "guard_lockout", replaced);
  child.policy_uses.inherit(parent.policy_uses);
  for (const Policy* policy : child.uses.list()) {
    child.policy_uses.hold(cf, static_cast<const Counted*>(policy));
  }
  if (child.uses.list().empty()) return;
  core::activate(cf, kInner);
  core::activate(cf, kSettle);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kInner);
  core::add_header_stage(cf, kSettle);
  core::add_listener(cf, hear);
}

ngx_int_t init_process(ngx_cycle_t* /*cycle*/) noexcept {
  core::own_counter_locks();
  draw_attempt_names();
  return NGX_OK;
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_lockout_policy"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_policy>),
    ngx::command(ngx_string("guard_lockout"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_lockout>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    nullptr,
    ngx::create_conf<MainConf>,
    ngx::init_conf<MainConf, init_main>,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge>,
};

}  // namespace

std::span<Guarded* const> lockouts_in_force(ngx_http_request_t* r) noexcept {
  return static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_guard_lockout_module))
      ->policies;
}

std::span<Guarded* const> lockouts_of(ngx_conf_t* cf) noexcept {
  return main_of(cf).policies;
}

}  // namespace guard::lockout

constinit ngx_module_t ngx_http_guard_lockout_module = guard::ngx::http_module(
    &guard::lockout::context, guard::lockout::commands, {guard::lockout::init_process, nullptr});
