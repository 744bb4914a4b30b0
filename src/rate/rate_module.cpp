// Rate limits, the nginx face: directives, the two checks, the RateLimit fields.
//
// Every policy is asked once per main request, whatever internal redirects come. All policies of a
// gate are asked first; only when every check of that gate has passed are they charged.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ascii.h"
#include "core/census.h"
#include "core/check.h"
#include "core/client_key.h"
#include "core/clock.h"
#include "core/counter_lock.h"
#include "core/leased_job.h"
#include "core/metrics.h"
#include "core/remote.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "ngx/zone.h"
#include "rate/interval.h"
#include "rate/phase.h"
#include "rate/refusals.h"
#include "rate/shared.h"
#include "rate/answer_fields.h"
#include "rate/uses.h"

extern "C" ngx_module_t ngx_http_guard_rate_module;

namespace guard::rate {

// A cost with variables, and where it is written.
struct WrittenCost {
  ngx::Value value;
  const MeteredPolicy* policy;
  std::string text;
  ngx::Place place;
};

namespace {

using core::Answer;
using core::Feature;
using core::Gate;
using core::KeyState;
using core::Refusal;
using core::Request;

constexpr std::uint64_t kReportInterval = 1000;  // milliseconds

struct Counted : MeteredPolicy {
  core::ClientKey key;
  ngx::Place place;                    // of its definition
  std::unique_ptr<Interval> interval;  // sync= other than strict
  std::uint64_t reported_at = 0;       // milliseconds
  const core::Counter* allowed = nullptr;
};

struct MainConf {
  std::vector<MeteredPolicy*> policies;  // each of them a Counted
  std::vector<const WrittenCost*> costs;
};

struct State {
  Ledger ledger;
  Exchange exchange;  // of the gate that waits
};

struct LocationConf {
  Uses uses;
  core::PolicyUses policy_uses;
  std::vector<Applied> front;
  std::vector<Applied> inner;
  std::optional<FieldStyle> fields;
};

LocationConf& location_of(ngx_http_request_t* r) noexcept {
  return *static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_rate_module));
}

Counted& counted_of(const Applied& use) noexcept {
  return static_cast<Counted&>(*use.policy);
}

Space space_of(ngx_pool_t* pool) noexcept {
  auto take = [](void* from, std::size_t size, bool aligned) noexcept {
    auto* own = static_cast<ngx_pool_t*>(from);
    return aligned ? ngx_palloc(own, size) : ngx_pnalloc(own, size);
  };
  return {take, pool};
}

// The checks

void observe(const Asked& asked, Request& request) noexcept {
  Refusal refusal;
  describe(asked, asked.decision, space_of(request.pool()), refusal);
  request.observe(refusal);
  request.spare(&asked.owner());
}

Answer refuse(const Ledger& ledger, bool inner, Request& request, Refusal& refusal) noexcept {
  describe_all(ledger, inner, space_of(request.pool()), refusal);
  return Answer::refuse;
}

void report_pressure(const Asked& asked) noexcept {
  std::uint64_t evictions = asked.meter->limiter->pressure(asked.now);
  if (evictions != 0) core::publish(pressure_event(asked.owner(), evictions));
}

std::uint64_t cost_of(const Applied& use, Request& request) noexcept {
  if (use.written == nullptr) return use.cost;
  std::optional<std::string_view> text = use.written->value.evaluate(request.native());
  return text ? read_cost(*text) : 1;
}

// Asks the windows of one policy; answers whether it refuses the request.
bool ask(Ledger& ledger, const Applied& use, const Asked& question, const core::Hash128* hash,
         bool alone, Request& request) noexcept {
  const Counted& counted = counted_of(use);
  const Space space = space_of(request.pool());
  std::span<Asked> windows = ask_all(*use.policy, question, space);
  if (windows.empty()) return false;
  if (hash != nullptr && !prepare(*counted.shared, windows, *hash, space)) return false;
  bool away = counted.interval && counted.policy.on_error != OnError::local &&
              !counted.interval->available();
  if (away && !give_up(windows, space)) return false;
  // What is in Redis is not taken without a look at the mirror.
  bool blind = alone && windows.size() == 1 && hash == nullptr && !away;
  const Asked* refusal = ledger.ask(windows, blind);
  if (refusal == nullptr) return false;
  if (use.dry_run) observe(*refusal, request);
  return !use.dry_run;
}

// By how much the policy's own clock is ahead: windows and stamps are those of Redis. All workers
// take it alike, or what one has counted would mean nothing to the others.
std::uint64_t clock_of(const Counted& counted) noexcept {
  const Meter& first = counted.meters.front();
  if (first.quota.algorithm == Algorithm::gcra) return 0;
  if (counted.interval) return counted.interval->ahead();
  if (!counted.shared) return 0;
  if (const std::optional<std::uint64_t> told = first.limiter->ahead()) return *told;
  const std::uint64_t ahead = counted.shared->store->clock.ahead();
  first.limiter->tell_ahead(ahead);
  return ahead;
}

KeyState hash_key(Counted& counted, Request& request, Asked& question,
                  core::Hash128& hash) noexcept {
  if (!counted.shared && !counted.interval) return counted.key.hash(request, question.key.hash);
  KeyState state = counted.key.hash(request, hash);
  question.key.hash = hash.low;
  question.key.high = hash.high;
  return state;
}

template <bool inner>
Answer evaluate(Request& request, Refusal& refusal) noexcept {
  const LocationConf& location = location_of(request.native());
  auto* state = request.state<State>(Feature::rate);
  if (state == nullptr) return Answer::pass;
  Ledger& ledger = state->ledger;
  ledger.begin(inner);

  Asked question;
  question.inner = inner;
  bool refused = false;
  const std::vector<Applied>& uses = inner ? location.inner : location.front;
  for (const Applied& use : uses) {
    Counted& counted = counted_of(use);
    if (!request.first_time(use.policy, !use.dry_run)) {
      if (!use.dry_run) ledger.mean(*use.policy);
      continue;
    }
    core::Hash128 hash;
    KeyState key = hash_key(counted, request, question, hash);
    if (key == KeyState::failed) continue;
    if (key == KeyState::empty && counted.policy.empty != Empty::address) {
      if (counted.policy.empty == Empty::skip) continue;
      describe_empty(counted, question.key.hash, core::microseconds(), refusal);
      if (!use.dry_run) return Answer::refuse;
      request.observe(refusal);
      request.spare(use.policy);
      refusal = Refusal{};
      continue;
    }
    if (question.now == 0) question.now = core::microseconds();
    question.cost = cost_of(use, request);
    question.dry_run = use.dry_run;
    question.ahead = clock_of(counted);
    const core::Hash128* shared = counted.shared ? &hash : nullptr;
    refused = ask(ledger, use, question, shared, uses.size() == 1, request) || refused;
  }
  return refused ? refuse(ledger, inner, request, refusal) : Answer::pass;
}

template <bool inner>
Answer ask_redis(Request& request) noexcept {
  auto* state = request.state<State>(Feature::rate);
  if (state == nullptr || state->ledger.empty()) return Answer::pass;
  Exchange& exchange = state->exchange;
  if (exchange.started()) return exchange.waiting() ? Answer::wait : Answer::pass;
  auto resume = [](void* context) noexcept { static_cast<Request*>(context)->resume(); };
  bool waits = exchange.start(state->ledger, inner, core::network_of(request), resume, &request);
  return waits ? Answer::wait : Answer::pass;
}

template <bool inner>
Answer charge(Request& request, Refusal& refusal) noexcept {
  auto* state = request.state<State>(Feature::rate);
  if (state == nullptr || state->ledger.empty()) return Answer::pass;
  Ledger& ledger = state->ledger;
  state->exchange.finish();

  if (const Asked* closed = ledger.closed(inner, true)) {
    Refusal observed;
    describe_unknown(*closed, space_of(request.pool()), observed);
    request.observe(observed);
    request.spare(&closed->owner());
  }
  if (const Asked* closed = ledger.closed(inner, false)) {
    ledger.give_back(inner);
    describe_unknown(*closed, space_of(request.pool()), refusal);
    return Answer::refuse;
  }
  bool charged = ledger.charge(inner, core::network_of(request), [&](const Asked& asked) {
    report_pressure(asked);
    // Of a policy with several windows the first one stands for all.
    if (asked.decision.admitted && asked.meter == asked.owner().meters.data()) {
      static_cast<const Counted&>(asked.owner()).allowed->add();
    }
    if (!asked.decision.admitted && asked.dry_run) observe(asked, request);
  });
  return charged ? Answer::pass : refuse(ledger, inner, request, refusal);
}

template <bool inner>
void refund(Request& request) noexcept {
  auto* state = request.state<State>(Feature::rate);
  if (state == nullptr) return;
  state->exchange.finish();
  state->ledger.give_back(inner);
}

void abandon(Request& request) noexcept {
  auto* state = request.state<State>(Feature::rate);
  if (state != nullptr) state->exchange.abandon();
}

template <bool inner>
constexpr core::Check kCheck = {.feature = Feature::rate,
                                .gate = inner ? Gate::inner : Gate::front,
                                .evaluate = evaluate<inner>,
                                .charge = charge<inner>,
                                .ask = ask_redis<inner>,
                                .refund = refund<inner>,
                                .abandon = abandon};

// Fields and variable

const Ledger* ledger_of(Request* request) noexcept {
  auto* state = request == nullptr ? nullptr : request->state<State>(Feature::rate);
  return state == nullptr ? nullptr : &state->ledger;
}

bool has_legacy(ngx_http_request_t* r) noexcept {
  constexpr std::string_view kLegacy = "X-RateLimit-";
  for (const ngx_table_elt_t& field : ngx::response_fields(r)) {
    const std::string_view name = ngx::to_view(field.key);
    if (field.hash != 0 && core::equal_without_case(name.substr(0, kLegacy.size()), kLegacy)) {
      return true;
    }
  }
  return false;
}

void write_fields(ngx_http_request_t* r, Request* request) noexcept {
  const Ledger* ledger = ledger_of(request);
  if (ledger == nullptr) return;
  FieldStyle style = location_of(r).fields.value_or(FieldStyle::draft);
  // Of the older fields, which are no lists, those of the application stand.
  if (style != FieldStyle::draft && has_legacy(r)) {
    if (style == FieldStyle::legacy) return;
    style = FieldStyle::draft;
  }
  Fields memory;
  for (const Field& field : tell(*ledger, request->refused(), style, space_of(r->pool), memory)) {
    ngx::add_stage_field(r, field.name, field.value);
  }
}

const core::HeaderStage kFields = {core::kStageRate, write_fields};

ngx_int_t get_remaining(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t) noexcept {
  Request* request = Request::find(r);
  const Ledger* ledger = ledger_of(request);
  const Asked* strictest = ledger == nullptr ? nullptr : ledger->strictest();
  if (strictest == nullptr) {
    v->not_found = 1;
    return NGX_OK;
  }
  ngx::set_variable(v, decimal(strictest->decision.remaining, space_of(r->pool)));
  return NGX_OK;
}

// Configuration

void attach(std::span<std::byte> memory, void* context) noexcept {
  static_cast<Counted*>(context)->attach(memory);
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  return static_cast<Counted*>(context)->attach(memory);
}

void report_dropped(Counted& counted) noexcept {
  if (ngx_current_msec - counted.reported_at < kReportInterval) return;
  counted.reported_at = ngx_current_msec;
  std::uint64_t dropped = counted.interval->dropped();
  if (dropped != 0) core::publish(dropped_event(counted, dropped));
}

const core::LeasedJob::Work kWork = {
    [](void* context) noexcept -> std::uint64_t& {
      return static_cast<Counted*>(context)->interval->header().lease;
    },
    [](void* context, bool fresh) noexcept {
      auto& counted = *static_cast<Counted*>(context);
      counted.interval->run(fresh);
      report_dropped(counted);
    },
    [](void* context) noexcept { return static_cast<Counted*>(context)->interval->busy(); }};

void warn(ngx_conf_t* cf, const std::string& warning) {
  if (!warning.empty()) ngx::warn(cf, warning);
}

void share(ngx_conf_t* cf, Counted& counted, core::RemoteStore& store) {
  const Policy& policy = counted.policy;
  if (!policy.counts_by_interval()) return counted.share(store);
  counted.interval = std::make_unique<Interval>(counted, store);
  core::add_job(cf, static_cast<ngx_msec_t>(counted.interval->period()), kWork, &counted);
  warn(cf, policy.sync_warning());
}

// The sets of all windows of a policy, one after the other.
void add_census(ngx_conf_t* cf, Counted& counted) {
  core::Census::Subject subject;
  subject.zone = counted.policy.zone_name();
  subject.context = &counted;
  subject.ways = counted.meters.front().quota.algorithm == Algorithm::sliding_log
                     ? core::CounterLog::kWays
                     : core::CounterTable::kWays;
  subject.sets = [](void* context) noexcept {
    std::uint64_t sets = 0;
    for (const Meter& meter : static_cast<Counted*>(context)->meters) sets += meter.limiter->sets();
    return sets;
  };
  subject.add = [](void* context, std::uint64_t first, std::uint64_t count,
                   core::Tally& tally) noexcept {
    for (const Meter& meter : static_cast<Counted*>(context)->meters) {
      const std::uint64_t sets = meter.limiter->sets();
      if (first >= sets) {
        first -= sets;
        continue;
      }
      tally.entries += meter.limiter->count_used(first, count, core::microseconds());
      count -= std::min(count, sets - first);
      first = 0;
    }
  };
  subject.evictions = [](void* context) noexcept {
    std::uint64_t evictions = 0;
    for (const Meter& meter : static_cast<Counted*>(context)->meters) {
      evictions += meter.limiter->stats().live_evictions;
    }
    return evictions;
  };
  core::add_census(cf, std::move(subject));
}

void set_policy(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  Policy policy = parse_policy(words);
  if (find_policy(conf.policies, policy.name) != nullptr) {
    core::fail("rate policy \"", policy.name, "\" is defined twice");
  }
  auto* counted = ngx::pool_new<Counted>(cf->pool);
  counted->place = ngx::place_of(cf);
  warn(cf, policy.constant_warning());
  core::add_key_text(cf, policy.title(), "key", policy.key);
  counted->key.compile(cf, policy.key_owner(), policy.variables, policy.normalization);
  counted->define(std::move(policy));
  counted->allowed = &core::declare_policy(cf, "rate", counted->policy.name, counted->code);
  const std::string& redis = counted->policy.redis;
  if (!redis.empty()) share(cf, *counted, core::remote_store(cf, redis));
  check_names(conf.policies, *counted);
  ngx::Zone::add(cf, counted->policy.zone_name(), counted->policy.zone_size,
                 counted->policy.layout(), attach, adopt, counted);
  add_census(cf, *counted);
  conf.policies.push_back(counted);
}

void set_rate(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (words.is_off()) return conf.uses.turn_off();
  conf.uses.expect(words[0]);
  Use use = parse_use(words);
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_rate_module));
  MeteredPolicy* policy = find_policy(main.policies, use.name);
  if (policy == nullptr) fail_unknown(main.policies, use.name);
  core::apply_policy(cf, "rate", use.name);
  WrittenCost* written = nullptr;
  if (!use.cost_text.empty()) {
    written = ngx::pool_new<WrittenCost>(cf->pool);
    *written = {ngx::Value(cf, use.cost_text), policy, use.cost_text, ngx::place_of(cf)};
    main.costs.push_back(written);
  }
  conf.uses.add(use, words[0], *policy, written);

  std::vector<std::string_view> variables = ngx::variables_in(use.cost_text);
  const std::vector<std::string>& key = policy->policy.variables;
  // In front they are not known anyhow, of which there is a warning.
  if (policy->policy.phase == Phase::front)
    variables.clear();
  else
    variables.insert(variables.begin(), key.begin(), key.end());
  conf.policy_uses.add(policy, core::add_policy_use(cf, policy->policy.title(), variables));
}

void set_fields(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  if (conf.fields) core::fail("\"guard_rate_fields\" directive is duplicate");
  conf.fields =
      static_cast<FieldStyle>(core::parse_choice(words.directive(), words[0], kFieldStyles));
}

VariableOrigin origin_in(ngx_conf_t* cf) {
  return {[cf](std::string_view variable) { return core::is_inner_variable(cf, variable); },
          [cf](std::string_view variable) { return ngx::is_derived_variable(cf, variable); }};
}

// Not before every directive was read: variables may be declared after the policy.
void init_main(ngx_conf_t* cf, MainConf& conf) {
  for (const MeteredPolicy* metered : conf.policies) {
    const Policy& policy = metered->policy;
    if (!policy.redis.empty()) core::check_remote(cf, policy.title());
    std::string warning = key_warning(policy, origin_in(cf));
    if (!warning.empty()) ngx::warn(cf, static_cast<const Counted*>(metered)->place, warning);
  }
  for (const WrittenCost* cost : conf.costs) {
    std::string warning = cost_warning(cost->policy->policy, cost->text,
                                       ngx::variables_in(cost->text), origin_in(cf));
    if (!warning.empty()) ngx::warn(cf, cost->place, warning);
  }
}

void merge(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (!child.fields) child.fields = parent.fields;
  std::string replaced = child.uses.inherit(parent.uses);
  if (!replaced.empty()) ngx::note_replaced(cf, "guard_rate", replaced);
  child.policy_uses.inherit(parent.policy_uses);

  for (const Applied& use : child.uses.list()) {
    std::vector<std::string_view> cost;
    if (use.written != nullptr) cost = ngx::variables_in(use.written->text);
    bool inner = is_inner(use.policy->policy, cost, origin_in(cf));
    (inner ? child.inner : child.front).push_back(use);
    child.policy_uses.hold(cf, use.policy);
  }
  if (!child.front.empty()) core::activate(cf, kCheck<false>);
  if (!child.inner.empty()) core::activate(cf, kCheck<true>);
  // Also where no policy applies: an error page tells what the location before it counted.
  const auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_rate_module));
  if (!main.policies.empty() && child.fields != FieldStyle::off) core::activate(cf, kFields);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCheck<false>);
  core::add_check(cf, kCheck<true>);
  core::add_header_stage(cf, kFields);
  ngx::add_variable(cf, "guard_rate_remaining", get_remaining);
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  if (!ngx::is_worker()) return NGX_OK;
  core::own_counter_locks();
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == nullptr) return NGX_OK;
  const auto& main = *static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_rate_module));
  for (MeteredPolicy* policy : main.policies) {
    for (Meter& meter : policy->meters) meter.limiter->enter(ngx_pid);
  }
  return NGX_OK;
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_rate_policy"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_policy>),
    ngx::command(ngx_string("guard_rate"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_rate>),
    ngx::command(ngx_string("guard_rate_fields"), kAnywhere | NGX_CONF_TAKE1,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_fields>),
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

}  // namespace guard::rate

constinit ngx_module_t ngx_http_guard_rate_module = guard::ngx::http_module(
    &guard::rate::context, guard::rate::commands, {guard::rate::init_process, nullptr});
