// Rate limits, the nginx face: directives, the two checks, the RateLimit fields.
//
// Every policy is asked once per main request, whatever internal redirects come. All policies of a
// gate are asked first; only when every check of that gate has passed are they charged.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/client_key.h"
#include "core/clock.h"
#include "core/counter_lock.h"
#include "core/hex.h"
#include "core/leased_job.h"
#include "core/remote.h"
#include "core/request.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/zone.h"
#include "rate/interval.h"
#include "rate/phase.h"
#include "rate/shared.h"

extern "C" ngx_module_t ngx_http_guard_rate_module;

namespace guard::rate {

namespace {

using core::Answer;
using core::Feature;
using core::Gate;
using core::KeyState;
using core::Refusal;
using core::Request;

constexpr std::string_view kQuotaExceeded =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";
constexpr std::size_t kMaxUses = 16;             // policies of one location
constexpr std::int64_t kRetryUnavailable = 1;    // seconds; Redis is tried again as often
constexpr std::uint64_t kReportInterval = 1000;  // milliseconds

struct Counted : MeteredPolicy {
  core::ClientKey key;
  ngx::Place place;                    // of its definition
  std::unique_ptr<Interval> interval;  // sync= other than strict
  std::uint64_t reported_at = 0;       // milliseconds
};

struct Applied {
  Counted* counted = nullptr;
  std::uint64_t cost = 1;
  ngx::Value cost_value;  // instead of cost, if it has variables
  bool dry_run = false;
  bool adds = false;
};

// A cost with variables, and where it is written.
struct WrittenCost {
  const Counted* counted;
  std::string text;
  ngx::Place place;
};

struct MainConf {
  std::vector<Counted*> policies;
  std::vector<WrittenCost> costs;
};

struct State {
  Ledger ledger;
  Exchange exchange;  // of the gate that waits
};

struct LocationConf {
  bool set = false;
  std::vector<Applied> uses;
  std::vector<Applied> front;
  std::vector<Applied> inner;
  std::optional<FieldStyle> fields;
};

LocationConf& location_of(ngx_http_request_t* r) noexcept {
  return *static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_rate_module));
}

// Refusals

std::string_view hex(ngx_pool_t* pool, std::uint64_t hash) noexcept {
  constexpr std::size_t kDigits = 16;
  auto* text = static_cast<char*>(ngx_pnalloc(pool, kDigits));
  if (text == nullptr) return {};
  core::write_hex(hash, text);
  return {text, kDigits};
}

void describe(const Asked& asked, const Decision& told, Request& request,
              Refusal& refusal) noexcept {
  const MeteredPolicy& owner = asked.owner();
  refusal.feature = Feature::rate;
  refusal.event = core::EventKind::rate_limited;
  refusal.status = owner.policy.status;
  refusal.code = owner.code;
  refusal.title = "Too many requests";
  refusal.detail = asked.meter->detail;
  refusal.policy = owner.policy.name;
  refusal.type = kQuotaExceeded;
  refusal.retry_after = static_cast<std::int64_t>(retry_after(asked.decision, told));
  refusal.silent = !asked.meter->limiter->first_report(asked.key.hash, asked.now);
  if (!refusal.silent) refusal.key_hash = hex(request.pool(), asked.key.hash);
}

// The refusal of the strictest of those that refuse, in the name of all of them.
Answer refuse(const Ledger& ledger, bool inner, Request& request, Refusal& refusal) noexcept {
  describe(*ledger.strictest_refusal(inner), ledger.strictest()->decision, request, refusal);
  std::size_t count = 0;
  ledger.each_refusal(inner, [&](const Asked&) { ++count; });
  auto* names =
      static_cast<std::string_view*>(ngx_palloc(request.pool(), count * sizeof(std::string_view)));
  if (names == nullptr) return Answer::refuse;
  refusal.violated = {names, count};
  ledger.each_refusal(inner, [&](const Asked& asked) { *names++ = asked.meter->name; });
  return Answer::refuse;
}

// hash: of the client's address, by which these are told apart in events.
Answer refuse_empty(Counted& counted, std::uint64_t hash, Refusal& refusal) noexcept {
  refusal.feature = Feature::rate;
  refusal.event = core::EventKind::rate_limited;
  refusal.status = 400;
  refusal.code = "key.missing";
  refusal.title = "Missing key";
  refusal.detail = "The request has nothing by which it could be counted";
  refusal.policy = counted.policy.name;
  refusal.silent = !counted.meters.front().limiter->first_report(hash, core::microseconds());
  return Answer::refuse;
}

void observe(const Asked& asked, Request& request) noexcept {
  Refusal refusal;
  describe(asked, asked.decision, request, refusal);
  request.observe(refusal);
}

// Nobody knows whether the request may pass, and the policy says that then it must not.
Answer refuse_unknown(const Asked& asked, Request& request, Refusal& refusal) noexcept {
  refusal.feature = Feature::rate;
  refusal.event = core::EventKind::rate_limited;
  refusal.status = 503;
  refusal.code = "rate.unavailable";
  refusal.title = "Rate limit unavailable";
  refusal.detail = "The counts of this request cannot be had";
  refusal.policy = asked.owner().policy.name;
  refusal.retry_after = kRetryUnavailable;
  // Apart from its other refusals.
  refusal.silent = !asked.meter->limiter->first_report(~asked.key.hash, asked.now);
  if (!refusal.silent) refusal.key_hash = hex(request.pool(), asked.key.hash);
  return Answer::refuse;
}

void report_pressure(const Asked& asked) noexcept {
  std::uint64_t evictions = asked.meter->limiter->pressure(asked.now);
  if (evictions == 0) return;
  core::Event event;
  event.kind = core::EventKind::table_pressure;
  event.policy = asked.owner().policy.name;
  event.detail = "The zone is too small: counts of clients that are still limited were given up";
  event.count = evictions;
  core::publish(event);
}

// The checks

std::uint64_t cost_of(const Applied& use, Request& request) noexcept {
  if (!use.cost_value) return use.cost;
  std::optional<std::string_view> text = use.cost_value.evaluate(request.native());
  return text ? read_cost(*text) : 1;
}

// What is needed to ask Redis about the windows of a policy; false: out of memory.
bool prepare(const Counted& counted, std::span<Asked> windows, const core::Hash128& hash,
             Request& request) noexcept {
  const core::RemoteStore& store = *counted.shared->store;
  auto* entries =
      static_cast<SharedEntry*>(ngx_palloc(request.pool(), windows.size() * sizeof(SharedEntry)));
  void* memory = ngx_palloc(request.pool(), sizeof(SharedAsk));
  if (entries == nullptr || memory == nullptr) return false;
  auto* shared = new (memory) SharedAsk;
  if (store.cluster) {
    shared->own = ngx_palloc(request.pool(), core::CounterQueue::kOwnSize);
    if (shared->own == nullptr) return false;
  }
  shared->begin(windows, entries, hash);
  return true;
}

// Redis hears nothing of what is counted now, and the policy says that then nothing is. False: out
// of memory.
bool give_up(std::span<Asked> windows, Request& request) noexcept {
  auto* entries =
      static_cast<SharedEntry*>(ngx_palloc(request.pool(), windows.size() * sizeof(SharedEntry)));
  if (entries == nullptr) return false;
  for (Asked& window : windows) {
    window.shared = new (entries++) SharedEntry;
    window.shared->window = &window;
    window.shared->give_up();
  }
  return true;
}

// Asks the windows of one policy; answers whether it refuses the request.
bool ask(Ledger& ledger, const Applied& use, const Asked& question, const core::Hash128* hash,
         bool alone, Request& request) noexcept {
  std::vector<Meter>& meters = use.counted->meters;
  auto* asked = static_cast<Asked*>(ngx_palloc(request.pool(), meters.size() * sizeof(Asked)));
  if (asked == nullptr) return false;
  for (std::size_t i = 0; i < meters.size(); ++i) {
    new (asked + i) Asked(question);
    asked[i].meter = &meters[i];
  }
  if (hash != nullptr && !prepare(*use.counted, {asked, meters.size()}, *hash, request)) {
    return false;
  }
  const Counted& counted = *use.counted;
  bool away = counted.interval && counted.policy.on_error != OnError::local &&
              !counted.interval->available();
  if (away && !give_up({asked, meters.size()}, request)) return false;
  // What is in Redis is not taken without a look at the mirror.
  bool blind = alone && meters.size() == 1 && hash == nullptr && !away;
  const Asked* refusal = ledger.ask({asked, meters.size()}, blind);
  if (refusal == nullptr) return false;
  if (use.dry_run) observe(*refusal, request);
  return !use.dry_run;
}

// By how much the policy's own clock is ahead: windows and stamps are those of Redis.
std::uint64_t clock_of(const Counted& counted) noexcept {
  if (counted.meters.front().quota.algorithm == Algorithm::gcra) return 0;
  if (counted.interval) return counted.interval->ahead();
  return counted.shared ? counted.shared->store->clock.ahead() : 0;
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
    Counted& counted = *use.counted;
    if (!request.first_time(&counted)) continue;
    core::Hash128 hash;
    KeyState key = hash_key(counted, request, question, hash);
    if (key == KeyState::failed) continue;
    if (key == KeyState::empty && counted.policy.empty != Empty::address) {
      if (counted.policy.empty == Empty::skip) continue;
      refuse_empty(counted, question.key.hash, refusal);
      if (!use.dry_run) return Answer::refuse;
      request.observe(refusal);
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
Answer charge(Request& request, Refusal& refusal) noexcept {
  auto* state = request.state<State>(Feature::rate);
  if (state == nullptr || state->ledger.empty()) return Answer::pass;
  Ledger& ledger = state->ledger;
  std::uint64_t network = core::network_of(request);
  if (!state->exchange.started()) {
    auto resume = [](void* context) noexcept { static_cast<Request*>(context)->resume(); };
    if (state->exchange.start(ledger, inner, network, resume, &request)) return Answer::wait;
  }
  if (state->exchange.waiting()) return Answer::wait;
  state->exchange.finish();

  if (const Asked* closed = ledger.closed(inner, true)) {
    Refusal observed;
    refuse_unknown(*closed, request, observed);
    request.observe(observed);
  }
  if (const Asked* closed = ledger.closed(inner, false)) {
    ledger.give_back(inner);
    return refuse_unknown(*closed, request, refusal);
  }
  bool charged = ledger.charge(inner, network, [&](const Asked& asked) {
    report_pressure(asked);
    if (!asked.decision.admitted && asked.dry_run) observe(asked, request);
  });
  return charged ? Answer::pass : refuse(ledger, inner, request, refusal);
}

template <bool inner>
void refund(Request& request) noexcept {
  auto* state = request.state<State>(Feature::rate);
  if (state != nullptr) state->ledger.give_back(inner);
}

void abandon(Request& request) noexcept {
  auto* state = request.state<State>(Feature::rate);
  if (state != nullptr) state->exchange.abandon();
}

const core::Check kFront = {Feature::rate, Gate::front, evaluate<false>, charge<false>,
                            refund<false>, nullptr,     abandon};
const core::Check kInner = {Feature::rate, Gate::inner, evaluate<true>, charge<true>,
                            refund<true>,  nullptr,     abandon};

// Fields and variable

const Ledger* ledger_of(Request* request) noexcept {
  auto* state = request == nullptr ? nullptr : request->state<State>(Feature::rate);
  return state == nullptr ? nullptr : &state->ledger;
}

void add_field(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept {
  auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (header == nullptr) return;
  *header = {};
  header->hash = 1;
  header->key = ngx::borrow(name);
  header->value = ngx::borrow(value);
}

std::string_view number(ngx_pool_t* pool, std::uint64_t n) noexcept {
  auto* text = static_cast<u_char*>(ngx_pnalloc(pool, NGX_INT64_LEN));
  if (text == nullptr) return "0";
  u_char* end = ngx_sprintf(text, "%uL", n);
  return {reinterpret_cast<char*>(text), static_cast<std::size_t>(end - text)};
}

// The items of all windows that were asked; only: one of them.
std::string_view join_items(const Ledger& ledger, const Asked& only, ngx_pool_t* pool) noexcept {
  std::size_t size = 0;
  ledger.each_told([&](const Asked& asked) { size += asked.meter->item.size() + 2; });
  const std::string& item = only.meter->item;
  if (size == item.size() + 2) return item;
  auto* text = static_cast<char*>(ngx_pnalloc(pool, size));
  if (text == nullptr) return item;
  char* at = text;
  ledger.each_told([&](const Asked& asked) {
    if (at != text) at = std::copy_n(", ", 2, at);
    at = std::copy(asked.meter->item.begin(), asked.meter->item.end(), at);
  });
  return {text, static_cast<std::size_t>(at - text)};
}

void write_fields(ngx_http_request_t* r, Request* request) noexcept {
  const Ledger* ledger = ledger_of(request);
  const Asked* strictest = ledger == nullptr ? nullptr : ledger->strictest();
  // Who is only observed is not told that he has to wait.
  if (strictest == nullptr || (!strictest->decision.admitted && !request->refused())) return;

  FieldStyle style = location_of(r).fields.value_or(FieldStyle::draft);
  if (style != FieldStyle::legacy) {
    add_field(r, "RateLimit-Policy", join_items(*ledger, *strictest, r->pool));
    auto* text = static_cast<char*>(ngx_pnalloc(r->pool, kRateLimitMax));
    if (text == nullptr) return;
    std::size_t size = write_rate_limit(strictest->meter->name, strictest->decision, text);
    add_field(r, "RateLimit", {text, size});
  }
  if (style != FieldStyle::draft) {
    add_field(r, "X-RateLimit-Limit", number(r->pool, strictest->meter->quota.burst));
    add_field(r, "X-RateLimit-Remaining", number(r->pool, strictest->decision.remaining));
    add_field(r, "X-RateLimit-Reset", number(r->pool, ceil_seconds(strictest->decision.reset)));
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
  ngx::set_variable(v, number(r->pool, strictest->decision.remaining));
  return NGX_OK;
}

// Configuration

void attach(std::span<std::byte> memory, void* context) noexcept {
  static_cast<Counted*>(context)->attach(memory);
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  return static_cast<Counted*>(context)->attach(memory);
}

Counted* find_policy(const MainConf& conf, std::string_view name) {
  for (Counted* counted : conf.policies) {
    if (counted->policy.name == name) return counted;
  }
  return nullptr;
}

// Clients must be able to tell them apart: "api.minute" may be a policy or a window of "api".
void check_names(const MainConf& conf, const Counted& added) {
  for (const Counted* other : conf.policies) {
    for (const Meter& theirs : other->meters) {
      for (const Meter& ours : added.meters) {
        if (ours.name != theirs.name) continue;
        core::fail("rate policies \"", other->policy.name, "\" and \"", added.policy.name,
                   "\" would both be called \"", ours.name, "\" in \"RateLimit-Policy\"");
      }
    }
  }
}

void report_dropped(Counted& counted) noexcept {
  if (ngx_current_msec - counted.reported_at < kReportInterval) return;
  counted.reported_at = ngx_current_msec;
  std::uint64_t dropped = counted.interval->dropped();
  if (dropped == 0) return;
  core::Event event;
  event.kind = core::EventKind::table_pressure;
  event.policy = counted.policy.name;
  event.detail = "The zone is too small: counts of clients are not told to Redis";
  event.count = dropped;
  core::publish(event);
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

void share(ngx_conf_t* cf, Counted& counted, core::RemoteStore& store) {
  const Policy& policy = counted.policy;
  if (!policy.counts_by_interval()) return counted.share(store);
  counted.interval = std::make_unique<Interval>(counted, store);
  core::add_job(cf, static_cast<ngx_msec_t>(counted.interval->period()), kWork, &counted);
  std::string warning = policy.sync_warning();
  if (!warning.empty()) ngx::warn(cf, warning);
}

void set_policy(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  Policy policy = parse_policy(words);
  if (find_policy(conf, policy.name) != nullptr) {
    core::fail("rate policy \"", policy.name, "\" is defined twice");
  }
  auto* counted = ngx::pool_new<Counted>(cf->pool);
  counted->place = ngx::place_of(cf);
  counted->key.compile(cf, policy.key_owner(), policy.variables, policy.normalization);
  counted->define(std::move(policy));
  const std::string& redis = counted->policy.redis;
  if (!redis.empty()) share(cf, *counted, core::remote_store(cf, redis));
  check_names(conf, *counted);
  ngx::Zone::add(cf, counted->policy.zone_name(), counted->policy.zone_size,
                 counted->policy.layout(), attach, adopt, counted);
  conf.policies.push_back(counted);
}

[[noreturn]] void fail_unknown(const MainConf& main, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Counted* counted : main.policies) names.emplace_back(counted->policy.name);
  std::string hint = core::suggestion(name, names);
  if (hint.empty()) hint = ", a policy must be defined before it is used";
  core::fail("unknown rate policy \"", name, "\"", hint);
}

void set_rate(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (words.is_off()) {
    if (conf.set) core::fail("\"guard_rate off\" beside other \"guard_rate\" of the same level");
    conf.set = true;
    return;
  }
  if (conf.set && conf.uses.empty()) {
    core::fail("\"guard_rate ", words[0], "\" beside \"guard_rate off\" of the same level");
  }
  Use use = parse_use(words);
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_rate_module));
  Counted* counted = find_policy(main, use.name);
  if (counted == nullptr) fail_unknown(main, use.name);
  for (const Applied& other : conf.uses) {
    if (other.counted == counted) {
      core::fail("rate policy \"", use.name, "\" is applied twice at the same level");
    }
    if (other.adds != use.adds) {
      core::fail("\"guard_rate ", words[0],
                 "\": names with and without \"+\" cannot stand at the same level");
    }
  }
  std::uint64_t most = counted->policy.max_cost();
  if (use.cost_text.empty() && use.cost > most) {
    core::fail("\"cost=", std::to_string(use.cost), "\" is more than rate policy \"", use.name,
               "\" ever lets through at once, ", std::to_string(most));
  }
  if (conf.uses.size() == kMaxUses) {
    core::fail("more than ", std::to_string(kMaxUses), " rate policies at the same level");
  }
  conf.set = true;
  Applied applied{counted, use.cost, {}, use.dry_run, use.adds};
  if (!use.cost_text.empty()) {
    applied.cost_value = ngx::Value(cf, use.cost_text);
    main.costs.push_back({counted, use.cost_text, ngx::place_of(cf)});
  }
  conf.uses.push_back(applied);
}

void set_fields(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  if (conf.fields) core::fail("\"guard_rate_fields\" directive is duplicate");
  conf.fields =
      static_cast<FieldStyle>(core::parse_choice(words.directive(), words[0], kFieldStyles));
}

VariableOrigin origin_in(ngx_conf_t* cf) {
  return {[cf](std::string_view variable) { return core::is_body_variable(cf, variable); },
          [cf](std::string_view variable) { return ngx::is_derived_variable(cf, variable); }};
}

// Not before every directive was read: variables may be declared after the policy.
void init_main(ngx_conf_t* cf, MainConf& conf) {
  for (const Counted* counted : conf.policies) {
    const Policy& policy = counted->policy;
    if (!policy.redis.empty()) core::check_remote(cf, "rate policy \"" + policy.name + "\"");
    std::string warning = key_warning(policy, origin_in(cf));
    if (!warning.empty()) ngx::warn(cf, counted->place, warning);
  }
  for (const WrittenCost& cost : conf.costs) {
    std::string warning =
        cost_warning(cost.counted->policy, cost.text, ngx::variables_in(cost.text), origin_in(cf));
    if (!warning.empty()) ngx::warn(cf, cost.place, warning);
  }
}

void note_replaced(ngx_conf_t* cf, const LocationConf& parent) {
  const auto* core_location = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  std::string names;
  for (const Applied& use : parent.uses) {
    names += (names.empty() ? "\"" : ", \"") + use.counted->policy.name + "\"";
  }
  std::string_view location = ngx::to_view(core_location->name);
  ngx::notice(cf, "\"guard_rate\" of " +
                      (location.empty() ? std::string("a server")
                                        : "location \"" + std::string(location) + "\"") +
                      " replaces the inherited " + names);
}

void merge(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (!child.fields) child.fields = parent.fields;
  if (!child.set) {
    child.set = parent.set;
    child.uses = parent.uses;
  } else if (!child.uses.empty() && child.uses.front().adds) {
    std::vector<Applied> uses;
    for (const Applied& inherited : parent.uses) {
      bool again = std::any_of(child.uses.begin(), child.uses.end(), [&](const Applied& use) {
        return use.counted == inherited.counted;
      });
      if (!again) uses.push_back(inherited);
    }
    uses.insert(uses.end(), child.uses.begin(), child.uses.end());
    child.uses = std::move(uses);
  } else if (!child.uses.empty() && !parent.uses.empty()) {
    note_replaced(cf, parent);
  }
  if (child.uses.size() > kMaxUses) {
    core::fail("more than ", std::to_string(kMaxUses), " rate policies in one location");
  }

  for (const Applied& use : child.uses) {
    std::vector<std::string_view> cost;
    if (use.cost_value) cost = ngx::variables_in(use.cost_value.text());
    bool inner = is_inner(use.counted->policy, cost, origin_in(cf));
    (inner ? child.inner : child.front).push_back(use);
  }
  if (!child.front.empty()) core::activate(cf, kFront);
  if (!child.inner.empty()) core::activate(cf, kInner);
  // Also where no policy applies: an error page tells what the location before it counted.
  const auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_rate_module));
  if (!main.policies.empty() && child.fields != FieldStyle::off) core::activate(cf, kFields);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kFront);
  core::add_check(cf, kInner);
  core::add_header_stage(cf, kFields);
  ngx::add_variable(cf, "guard_rate_remaining", get_remaining);
}

ngx_int_t init_process(ngx_cycle_t* /*cycle*/) noexcept {
  core::own_counter_locks();
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
