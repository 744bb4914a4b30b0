// Bans, the nginx face: directives, the check in the front gate, and what hears of events and
// answers to weigh them.
//
// Scores and bans are in shared memory. A request that is asked about takes one look there for each
// policy; what is suspicious is weighed where it is published, or when the answer's status is
// known.

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/census.h"
#include "core/check.h"
#include "core/client_key.h"
#include "core/clock.h"
#include "core/hex.h"
#include "core/leased_job.h"
#include "core/metrics.h"
#include "core/policy_words.h"
#include "core/remote.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "lockout/ban_exchange.h"
#include "lockout/ban_module.h"
#include "lockout/ban_register.h"
#include "lockout/ban_site.h"
#include "lockout/ban_uses.h"
#include "lockout/lockout_module.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "ngx/zone.h"

extern "C" ngx_module_t ngx_http_guard_ban_module;

namespace guard::lockout {

namespace {

using core::Action;
using core::Answer;
using core::Feature;
using core::KeyState;
using core::Mode;
using core::Refusal;
using core::Request;

// A policy of this configuration.
struct Banning : BanRegister {
  core::ClientKey key;
  std::vector<ngx::Value> key_values;  // of the variables that may hold an address
  ngx::Place place;                    // of its definition
  const core::Counter* allowed = nullptr;
  bool applied = false;  // somewhere
  std::unique_ptr<BanExchange> shared;
};

struct MainConf {
  std::vector<BanRegister*> policies;  // each of them a Banning
};

struct LocationConf {
  BanUses uses;
};

LocationConf& location_of(ngx_http_request_t* r) noexcept {
  return *static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_ban_module));
}

Banning& banning_of(BanRegister* policy) noexcept {
  return static_cast<Banning&>(*policy);
}

// Who is never banned

bool is_trusted_proxy(const Request& request) noexcept {
  std::optional<core::Address> address = request.client_address();
  return address && request.is_trusted_proxy(*address);
}

// A client that is not even counted. A trusted proxy on this machine is, so that it is told that
// clients cannot be told apart behind it.
bool is_exempt(const BanPolicy& policy, const Request& request) noexcept {
  std::optional<core::Address> address = request.client_address();
  if (!address || policy.exempt.contains(*address)) return true;
  return address->is_loopback() && !request.is_trusted_proxy(*address);
}

// Whether the key is the address of somebody who must not be banned, whoever has sent it.
bool names_protected(const Banning& banning, Request& request) noexcept {
  for (const ngx::Value& value : banning.key_values) {
    std::optional<std::string_view> text = value.evaluate(request.native());
    if (!text) continue;
    std::optional<core::Address> address = core::parse_address(*text);
    if (!address) continue;
    if (request.is_trusted_proxy(*address) || address->is_loopback() ||
        banning.policy.exempt.contains(*address)) {
      return true;
    }
  }
  return false;
}

// The check

Answer evaluate(Request& request, Refusal& refusal) noexcept {
  std::uint64_t now = 0;
  for (BanRegister* policy : location_of(request.native()).uses.list()) {
    Banning& banning = banning_of(policy);
    if (!request.first_time(policy)) continue;
    core::CounterKey key;
    if (banning.key.hash(request, key.hash) != KeyState::known) continue;
    if (now == 0) now = core::microseconds();
    bool banned = banning.table->ban_of(key.hash, now).state == BanState::banned;
    if (!banned && core::mode_of(request.native(), Feature::ban) == Mode::observe) {
      banned = banning.table->ban_of(observed(key).hash, now).state == BanState::observed;
    }
    // Who they are may have changed since.
    if (!banned || is_exempt(banning.policy, request) || is_trusted_proxy(request)) {
      banning.allowed->add();
      continue;
    }
    describe_ban(banning, refusal);
    return Answer::refuse;
  }
  return Answer::pass;
}

const core::Check kCheck = {Feature::ban, core::Gate::front, evaluate};

// Weighing

std::string_view hex(std::uint64_t hash, std::array<char, 16>& digits) noexcept {
  core::write_hex(hash, digits.data());
  return {digits.data(), digits.size()};
}

void publish(Request& request, const Banning& banning, const Ban& ban, std::uint64_t hash,
             Mode mode, std::uint64_t now) noexcept {
  std::array<char, 16> digits;
  Action action = mode == Mode::observe ? Action::observed : Action::denied;
  if (ban.state == BanState::spared) action = Action::allowed;
  request.publish(
      ban_event(banning, ban, action, hex(hash, digits), now, core::wall_microseconds()));
}

void weigh(Request& request, Banning& banning, std::uint32_t weight) noexcept {
  Mode mode = core::mode_of(request.native(), Feature::ban);
  if (mode == Mode::off || is_exempt(banning.policy, request)) return;
  core::CounterKey key;
  if (banning.key.hash(request, key.hash) != KeyState::known) return;
  key.network = core::network_of(request);
  bool spared = is_trusted_proxy(request) || names_protected(banning, request);
  std::uint64_t now = core::microseconds();
  const core::CounterKey counted = mode == Mode::observe ? observed(key) : key;
  BanState outcome = mode == Mode::observe ? BanState::observed : BanState::banned;
  if (spared) outcome = BanState::spared;
  Ban ban = banning.table->add(counted, weight, now, outcome);
  if (ban.state != BanState::none) publish(request, banning, ban, key.hash, mode, now);
  if (ban.state == BanState::banned && banning.exchange != nullptr) {
    banning.exchange->tell(key.hash, ban, now);
  }
  std::uint64_t evictions = banning.table->pressure(now);
  if (evictions != 0) core::publish(ban_pressure_event(banning, evictions));
}

std::optional<std::string_view> field_of(ngx_http_request_t* r, std::string_view name) noexcept {
  const ngx_table_elt_t* field = ngx::find_request_field(r, name);
  if (field == nullptr) return std::nullopt;
  return ngx::to_view(field->value);
}

Cause cause_of(ngx_http_request_t* r) noexcept {
  SiteFields fields{
      field_of(r, "sec-fetch-site"), field_of(r, "origin"), field_of(r, "referer"), {}};
  if (r->headers_in.host != nullptr) {
    fields.host = ngx::to_view(r->headers_in.host->value);
  } else {
    fields.host = ngx::to_view(r->headers_in.server);
  }
  return comes_from_elsewhere(fields) ? Cause::elsewhere : Cause::client;
}

// weight_of(weights): what has happened weighs by them. Not by those that have weighed it already.
template <class WeightOf>
void weigh_all(Request& request, std::optional<Cause> cause, WeightOf&& weight_of,
               std::span<BanRegister* const> done = {}) noexcept {
  for (BanRegister* policy : location_of(request.native()).uses.list()) {
    if (std::ranges::find(done, policy) != done.end()) continue;
    if (weight_of(policy->policy.weights) == 0 &&
        weight_of(policy->policy.cross_site_weights) == 0) {
      continue;
    }
    if (!cause) cause = cause_of(request.native());
    std::uint32_t weight = weight_of(policy->policy.weights_of(*cause));
    if (weight != 0) weigh(request, banning_of(policy), weight);
  }
}

void hear(const core::Event& event, Request* request) noexcept {
  if (request == nullptr || event.kind == core::EventKind::client_banned) return;
  // What was observed never bans.
  if (event.action == Action::observed) return;
  std::optional<Cause> cause;
  if (is_from_elsewhere(event.kind)) cause = Cause::elsewhere;
  weigh_all(*request, cause,
            [&event](const BanWeights& weights) noexcept { return weights.of_event(event); });
}

// The status of an answer. What Guard has refused weighs by its code alone.
void judge_by(ngx_http_request_t* r, Request* request,
              std::span<BanRegister* const> done = {}) noexcept {
  if (request != nullptr && request->refused()) return;
  auto status = static_cast<std::uint16_t>(r->headers_out.status);
  if (status < 400) return;
  if (request == nullptr) request = Request::get(r);
  if (request == nullptr) return;
  weigh_all(
      *request, std::nullopt,
      [status](const BanWeights& weights) noexcept { return weights.of_status(status); }, done);
}

void judge(ngx_http_request_t* r, Request* request) noexcept {
  judge_by(r, request);
}

const core::HeaderStage kStage = {core::kStageHeaders + 1, judge};

// Requests that end without an answer have a status as well: 408 if the client was too slow, 499 if
// it went away. And what has led to the error page of another location happened where it was asked
// for.
ngx_int_t judge_at_end(ngx_http_request_t* r) noexcept {
  if (r != r->main) return NGX_OK;
  Request* request = Request::find(r);
  if (r->header_sent == 0) judge_by(r, request);
  void** asked = core::answering_location(r);
  if (asked == r->loc_conf) return NGX_OK;
  const std::span<BanRegister* const> done = location_of(r).uses.list();
  void** page = std::exchange(r->loc_conf, asked);
  judge_by(r, request, done);
  r->loc_conf = page;
  return NGX_OK;
}

// Configuration

void attach(std::span<std::byte> memory, void* context) noexcept {
  static_cast<Banning*>(context)->attach(memory);
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  static_cast<Banning*>(context)->attach(memory);
  return true;
}

constexpr core::MetricFamily kBans = {"guard_bans", core::MetricType::gauge, "",
                                      "Bans of a policy that are in force in this nginx"};

void add_census(ngx_conf_t* cf, Banning& banning) {
  core::Census::Subject subject;
  subject.zone = banning.policy.zone_name();
  subject.in_force = &kBans;
  subject.labels = core::metric_labels({{"policy", banning.policy.name}});
  subject.context = &banning;
  subject.ways = core::CounterTable::kWays;
  subject.sets = [](void* context) noexcept {
    return static_cast<Banning*>(context)->table->zone().sets();
  };
  subject.add = [](void* context, std::uint64_t first, std::uint64_t count,
                   core::Tally& tally) noexcept {
    static_cast<Banning*>(context)->table->tally(first, count, core::microseconds(), tally.entries,
                                                 tally.in_force);
  };
  subject.evictions = [](void* context) noexcept {
    return static_cast<Banning*>(context)->table->zone().stats().live_evictions;
  };
  core::add_census(cf, std::move(subject));
}

const core::LeasedJob::Work kWork = {
    [](void* context) noexcept -> std::uint64_t& { return *static_cast<Banning*>(context)->lease; },
    [](void* context, bool fresh) noexcept {
      static_cast<Banning*>(context)->exchange->run(fresh);
    },
    [](void* context) noexcept { return static_cast<Banning*>(context)->exchange->busy(); }};

void set_policy(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  BanPolicy policy = parse_ban_policy(words);
  if (find_ban_policy(conf.policies, policy.name) != nullptr) {
    core::fail(policy.title(), " is defined twice");
  }
  auto* banning = ngx::pool_new<Banning>(cf->pool);
  banning->place = ngx::place_of(cf);
  core::add_key_text(cf, policy.title(), "key", policy.key);
  banning->key.compile(cf, "ban:" + policy.name, policy.variables);
  for (const std::string& variable : policy.variables) {
    if (variable == core::kClientNet) continue;
    banning->key_values.emplace_back(cf, "${" + variable + "}");
  }
  banning->define(std::move(policy));
  if (!banning->policy.redis.empty()) {
    banning->shared =
        std::make_unique<BanExchange>(*banning, core::remote_store(cf, banning->policy.redis));
    banning->exchange = banning->shared.get();
    core::add_job(cf, static_cast<ngx_msec_t>(BanExchange::kInterval), kWork, banning);
  }
  banning->allowed = &core::declare_policy(cf, "ban", banning->policy.name, banning->code);
  ngx::Zone::add(cf, banning->policy.zone_name(), banning->policy.zone_size,
                 banning->policy.layout(), attach, adopt, banning);
  add_census(cf, *banning);
  conf.policies.push_back(banning);
}

void set_ban(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (words.is_off()) return conf.uses.turn_off();
  conf.uses.expect(words[0]);
  BanUse use = parse_ban_use(words);
  const auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_ban_module));
  BanRegister* policy = find_ban_policy(main.policies, use.name);
  if (policy == nullptr) fail_unknown_ban(main.policies, use.name);
  core::apply_policy(cf, "ban", use.name);
  conf.uses.add(use, words[0], *policy);
  banning_of(policy).applied = true;
}

// What has a weight and will never be weighed.
void warn_of_kinds(ngx_conf_t* cf, const Banning& banning) {
  const std::span<Guarded* const> lockouts = lockouts_of(cf);
  for (const core::NamedKind& kind : banning.policy.kinds()) {
    const std::string weighs = banning.policy.title() + " weighs \"" + std::string(kind.name());
    const bool of_lock = kind.kind == core::EventKind::account_locked ||
                         kind.kind == core::EventKind::account_unlocked;
    if (!core::can_happen(cf, kind) && !(of_lock && !lockouts.empty())) {
      ngx::warn(cf, banning.place,
                weighs + "\", but no \"guard_event\" makes that of the application's answers");
    }
    for (const Guarded* lockout : lockouts) {
      if (!of_lock || lockout->shared == nullptr) continue;
      ngx::warn(cf, banning.place,
                weighs + "\", but not that of " + lockout->title() +
                    ", which Redis tells when the request is over: weigh \"" + lockout->code() +
                    "\" or what it counts");
    }
  }
}

// Not before every directive was read: variables and policies may be declared after this one.
void init_main(ngx_conf_t* cf, MainConf& conf) {
  const std::vector<std::string_view> codes = core::known_codes(cf);
  for (BanRegister* policy : conf.policies) {
    const Banning& banning = banning_of(policy);
    try {
      policy->policy.weights.check_codes(codes);
      policy->policy.cross_site_weights.check_codes(codes);
      if (!policy->policy.redis.empty()) {
        core::check_remote(cf, policy->policy.title());
      }
    } catch (const core::ConfigError& error) {
      ngx::fail(cf, banning.place, error.what());
    }
    for (const std::string& variable : policy->policy.variables) {
      if (!core::is_inner_variable(cf, variable)) continue;
      const bool body = core::is_body_variable(cf, variable);
      ngx::fail(cf, banning.place,
                policy->policy.title() + " is asked before the body is read, and \"$" + variable +
                    "\" of its key " + (body ? "comes from the body" : "is known only after that"));
    }
    const std::vector<std::string>& key = policy->policy.variables;
    const std::string warning = core::answer_warning(
        policy->policy.title(), "key", std::vector<std::string_view>(key.begin(), key.end()));
    if (!warning.empty()) ngx::warn(cf, banning.place, warning);
    if (banning.applied) warn_of_kinds(cf, banning);
  }
}

void merge(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  std::string replaced = child.uses.inherit(parent.uses);
  if (!replaced.empty()) ngx::note_replaced(cf, "guard_ban", replaced);
  if (child.uses.list().empty()) return;
  core::activate(cf, kCheck);
  for (const BanRegister* policy : child.uses.list()) {
    if (policy->policy.has_statuses()) core::activate(cf, kStage);
    if (policy->policy.has(core::EventKind::upstream_failed)) core::watch_answers(cf);
  }
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCheck);
  core::add_header_stage(cf, kStage);
  core::add_refusal_listener(cf, hear);
}

void postconfigure(ngx_conf_t* cf) {
  const auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_ban_module));
  const bool statuses = std::ranges::any_of(
      main.policies, [](const BanRegister* policy) { return policy->policy.has_statuses(); });
  if (!statuses) return;
  ngx::add_handler(cf, NGX_HTTP_LOG_PHASE, judge_at_end);
  core::install_error_page_notes(cf);
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_ban_policy"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_policy>),
    ngx::command(ngx_string("guard_ban"), kAnywhere | NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_ban>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    ngx::configuration<postconfigure>,
    ngx::create_conf<MainConf>,
    ngx::init_conf<MainConf, init_main>,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge>,
};

}  // namespace

std::span<BanRegister* const> bans_in_force(ngx_http_request_t* r) noexcept {
  return static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_guard_ban_module))
      ->policies;
}

std::optional<std::uint64_t> ban_key(BanRegister& owner,
                                     std::span<const std::string_view> values) noexcept {
  std::uint64_t hash = 0;
  if (!banning_of(&owner).key.hash_texts(values, hash)) return std::nullopt;
  return hash;
}

}  // namespace guard::lockout

constinit ngx_module_t ngx_http_guard_ban_module =
    guard::ngx::http_module(&guard::lockout::context, guard::lockout::commands);
