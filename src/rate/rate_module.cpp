// Rate limits, the nginx face: directives, the two checks, the RateLimit fields.
//
// Every policy is asked once per main request, whatever internal redirects come. All policies of a
// gate are asked first; only when every check of that gate has passed are they charged.

#include <time.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/counter_lock.h"
#include "core/request.h"
#include "core/siphash.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/zone.h"
#include "rate/ledger.h"

extern "C" ngx_module_t ngx_http_guard_rate_module;

namespace guard::rate {

namespace {

using core::Answer;
using core::Feature;
using core::Gate;
using core::Refusal;
using core::Request;

constexpr std::string_view kQuotaExceeded =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";
constexpr std::size_t kMaxUses = 16;  // policies of one location

struct KeyPart {
  ngx_int_t index = NGX_ERROR;  // of the variable
  ngx::Value capture;           // or $1 to $9, which have no index
  bool client_net = false;      // or the default key, without going through nginx's variables
};

using Hash = core::SipHash<core::HashWidth::bits64>;

struct Counted : Meter {
  std::vector<KeyPart> parts;
  std::optional<Hash> begun;  // the hash with the policy's name in it; of this worker
};

struct Applied {
  Counted* counted = nullptr;
  std::uint64_t cost = 1;
  bool dry_run = false;
  bool adds = false;
};

struct MainConf {
  std::vector<Counted*> policies;
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

// Shared by all processes since the machine started, and never set back.
std::uint64_t microseconds() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000 + 1;
}

// Keys

// A client's /24 or /48, see core/counter_zone.h.
std::uint64_t network_bits(const sockaddr* address) noexcept {
  if (address->sa_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 8;
  }
#if (NGX_HAVE_INET6)
  if (address->sa_family == AF_INET6) {
    const in6_addr& in6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    std::size_t from = IN6_IS_ADDR_V4MAPPED(&in6) ? 12 : 0;
    std::size_t to = IN6_IS_ADDR_V4MAPPED(&in6) ? 15 : 6;
    std::uint64_t bits = 0;
    for (std::size_t i = from; i < to; ++i) bits = bits << 8 | in6.s6_addr[i];
    return bits;
  }
#endif
  return 0;
}

// Mixed with the secret, so that nobody can look for a network with his fingerprint; not worth a
// SipHash.
std::uint64_t network_of(const Request& request) noexcept {
  std::uint64_t secret = 0;
  std::memcpy(&secret, core::client_key().data(), sizeof(secret));
  std::uint64_t bits = network_bits(request.native()->connection->sockaddr);
  bits = (bits ^ secret) * 0x9e3779b97f4a7c15;
  bits = (bits ^ bits >> 32) * 0xbf58476d1ce4e5b9;
  return bits ^ bits >> 29;
}

enum class KeyState : std::uint8_t { known, empty, failed };

std::optional<std::string_view> text_of(const KeyPart& part, Request& request) noexcept {
  if (part.client_net) return request.client_net();
  if (part.capture) return part.capture.evaluate(request.native());
  auto* value =
      ngx_http_get_indexed_variable(request.native(), static_cast<ngx_uint_t>(part.index));
  if (value == nullptr) return std::nullopt;
  return ngx::to_view(*value);
}

// Begun once, and to a whole word, which makes the rest cheaper.
const Hash& begin_hash(Counted& counted) noexcept {
  if (!counted.begun) {
    std::string_view name = counted.policy.name;
    counted.begun.emplace(core::client_key());
    counted.begun->part(name);
    counted.begun->update(std::string_view("\0\0\0\0\0\0\0", 7 - (name.size() + 7) % 8));
  }
  return *counted.begun;
}

KeyState hash_key(Counted& counted, Request& request, std::uint64_t& hash) noexcept {
  Hash sip = begin_hash(counted);
  bool empty = !counted.parts.empty();
  for (const KeyPart& part : counted.parts) {
    std::optional<std::string_view> text = text_of(part, request);
    if (!text) return KeyState::failed;
    empty = empty && text->empty();
    sip.part(*text);
  }
  if (empty) {
    if (counted.policy.empty != Empty::address) return KeyState::empty;
    sip.part("address");
    sip.part(request.client_net());
  }
  hash = sip.finish();
  return KeyState::known;
}

// Refusals

std::string_view hex(ngx_pool_t* pool, std::uint64_t hash) noexcept {
  constexpr std::size_t kDigits = 16;
  auto* text = static_cast<char*>(ngx_pnalloc(pool, kDigits));
  if (text == nullptr) return {};
  for (std::size_t i = 0; i < kDigits; ++i) {
    text[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
  }
  return {text, kDigits};
}

void describe(const Asked& asked, Request& request, Refusal& refusal) noexcept {
  Meter& meter = *asked.meter;
  refusal.feature = Feature::rate;
  refusal.event = core::EventKind::rate_limited;
  refusal.status = meter.policy.status;
  refusal.code = meter.code;
  refusal.title = "Too many requests";
  refusal.detail = meter.detail;
  refusal.policy = meter.policy.name;
  refusal.type = kQuotaExceeded;
  refusal.retry_after = static_cast<std::int64_t>(retry_after(asked.decision));
  refusal.silent = !meter.limiter->first_report(asked.key.hash, asked.now);
  if (!refusal.silent) refusal.key_hash = hex(request.pool(), asked.key.hash);
}

// The refusal of the strictest of those that refuse, in the name of all of them.
Answer refuse(const Ledger& ledger, bool inner, Request& request, Refusal& refusal) noexcept {
  describe(*ledger.strictest_refusal(inner), request, refusal);
  std::size_t count = 0;
  ledger.each_refusal(inner, [&](const Asked&) { ++count; });
  auto* names =
      static_cast<std::string_view*>(ngx_palloc(request.pool(), count * sizeof(std::string_view)));
  if (names == nullptr) return Answer::refuse;
  refusal.violated = {names, count};
  ledger.each_refusal(inner, [&](const Asked& asked) { *names++ = asked.meter->policy.name; });
  return Answer::refuse;
}

Answer refuse_empty(const Counted& counted, Refusal& refusal) noexcept {
  refusal.event = core::EventKind::rate_limited;
  refusal.status = 400;
  refusal.code = "key.missing";
  refusal.title = "Missing key";
  refusal.detail = "The request has nothing by which it could be counted";
  refusal.policy = counted.policy.name;
  return Answer::refuse;
}

void observe(const Asked& asked, Request& request) noexcept {
  Refusal refusal;
  describe(asked, request, refusal);
  request.observe(refusal);
}

void report_pressure(const Asked& asked) noexcept {
  std::uint64_t evictions = asked.meter->limiter->pressure(asked.now);
  if (evictions == 0) return;
  core::Event event;
  event.kind = core::EventKind::table_pressure;
  event.policy = asked.meter->policy.name;
  event.detail = "The zone is too small: counts of clients that are still limited were given up";
  event.count = evictions;
  core::publish(event);
}

// The checks

template <bool inner>
Answer evaluate(Request& request, Refusal& refusal) noexcept {
  const LocationConf& location = location_of(request.native());
  auto* ledger = request.state<Ledger>(Feature::rate);
  if (ledger == nullptr) return Answer::pass;
  ledger->begin(inner);

  std::uint64_t now = 0;
  bool refused = false;
  const std::vector<Applied>& uses = inner ? location.inner : location.front;
  for (const Applied& use : uses) {
    Counted& counted = *use.counted;
    if (!request.first_time(&counted)) continue;
    core::CounterKey key;
    KeyState key_state = hash_key(counted, request, key.hash);
    if (key_state == KeyState::empty && counted.policy.empty == Empty::refuse) {
      refuse_empty(counted, refusal);
      if (!use.dry_run) return Answer::refuse;
      request.observe(refusal);
      refusal = Refusal{};
    }
    if (key_state != KeyState::known) continue;

    void* memory = ngx_palloc(request.pool(), sizeof(Asked));
    if (memory == nullptr) break;
    auto* asked = new (memory) Asked;
    if (now == 0) now = microseconds();
    asked->meter = &counted;
    asked->key = key;
    asked->cost = use.cost;
    asked->now = now;
    asked->inner = inner;
    asked->dry_run = use.dry_run;
    ledger->ask(*asked, uses.size() == 1);
    refused = refused || asked->refuses();
    if (!asked->decision.admitted && use.dry_run) observe(*asked, request);
  }
  return refused ? refuse(*ledger, inner, request, refusal) : Answer::pass;
}

template <bool inner>
Answer charge(Request& request, Refusal& refusal) noexcept {
  auto* ledger = request.state<Ledger>(Feature::rate);
  if (ledger == nullptr || ledger->empty()) return Answer::pass;
  bool charged = ledger->charge(inner, network_of(request), [&](const Asked& asked) {
    report_pressure(asked);
    if (!asked.decision.admitted && asked.dry_run) observe(asked, request);
  });
  return charged ? Answer::pass : refuse(*ledger, inner, request, refusal);
}

template <bool inner>
void refund(Request& request) noexcept {
  auto* ledger = request.state<Ledger>(Feature::rate);
  if (ledger != nullptr) ledger->give_back(inner);
}

const core::Check kFront = {Feature::rate, Gate::front, evaluate<false>, charge<false>,
                            refund<false>};
const core::Check kInner = {Feature::rate, Gate::inner, evaluate<true>, charge<true>, refund<true>};

// Fields and variable

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

// The items of all policies that were asked; only: one of them.
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
  if (request == nullptr) return;
  const auto* ledger = request->state<Ledger>(Feature::rate);
  const Asked* strictest = ledger == nullptr ? nullptr : ledger->strictest();
  // Who is only observed is not told that he has to wait.
  if (strictest == nullptr || (!strictest->decision.admitted && !request->refused())) return;

  const Policy& policy = strictest->meter->policy;
  FieldStyle style = location_of(r).fields.value_or(FieldStyle::draft);
  if (style != FieldStyle::legacy) {
    add_field(r, "RateLimit-Policy", join_items(*ledger, *strictest, r->pool));
    auto* text = static_cast<char*>(ngx_pnalloc(r->pool, kRateLimitMax));
    if (text == nullptr) return;
    std::size_t size = write_rate_limit(policy.name, strictest->decision, text);
    add_field(r, "RateLimit", {text, size});
  }
  if (style != FieldStyle::draft) {
    add_field(r, "X-RateLimit-Limit", number(r->pool, policy.quota.burst));
    add_field(r, "X-RateLimit-Remaining", number(r->pool, strictest->decision.remaining));
    add_field(r, "X-RateLimit-Reset", number(r->pool, ceil_seconds(strictest->decision.reset)));
  }
}

const core::HeaderStage kFields = {core::kStageRate, write_fields};

ngx_int_t get_remaining(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t) noexcept {
  Request* request = Request::find(r);
  const auto* ledger = request == nullptr ? nullptr : request->state<Ledger>(Feature::rate);
  const Asked* strictest = ledger == nullptr ? nullptr : ledger->strictest();
  if (strictest == nullptr) {
    v->not_found = 1;
    return NGX_OK;
  }
  ngx::set_variable(v, number(r->pool, strictest->decision.remaining));
  return NGX_OK;
}

// Configuration

bool is_capture(std::string_view variable) {
  return variable.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<KeyPart> compile_key(ngx_conf_t* cf, const Policy& policy) {
  std::vector<KeyPart> parts;
  for (const std::string& variable : policy.variables) {
    KeyPart part;
    if ("$" + variable == kDefaultKey) {
      part.client_net = true;
    } else if (is_capture(variable)) {
      part.capture = ngx::Value(cf, "$" + variable);
    } else {
      part.index = ngx::variable_index(cf, variable);
    }
    parts.push_back(part);
  }
  return parts;
}

void attach(std::span<std::byte> memory, void* context) noexcept {
  auto* counted = static_cast<Counted*>(context);
  counted->limiter.emplace(memory, counted->policy.quota);
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  attach(memory, context);
  return static_cast<Counted*>(context)->limiter->attached() == core::Attached::inherited;
}

Counted* find_policy(const MainConf& conf, std::string_view name) {
  for (Counted* counted : conf.policies) {
    if (counted->policy.name == name) return counted;
  }
  return nullptr;
}

void set_policy(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  Policy policy = parse_policy(words);
  if (find_policy(conf, policy.name) != nullptr) {
    core::fail("rate policy \"", policy.name, "\" is defined twice");
  }
  auto* counted = ngx::pool_new<Counted>(cf->pool);
  counted->parts = compile_key(cf, policy);
  counted->define(std::move(policy));
  core::need_client_key(cf);
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
  const auto& main =
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
  if (use.cost > counted->policy.quota.burst) {
    core::fail("\"cost=", std::to_string(use.cost), "\" is more than rate policy \"", use.name,
               "\" ever lets through at once, ", std::to_string(counted->policy.quota.burst));
  }
  if (conf.uses.size() == kMaxUses) {
    core::fail("more than ", std::to_string(kMaxUses), " rate policies at the same level");
  }
  conf.set = true;
  conf.uses.push_back({counted, use.cost, use.dry_run, use.adds});
}

void set_fields(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  if (conf.fields) core::fail("\"guard_rate_fields\" directive is duplicate");
  conf.fields =
      static_cast<FieldStyle>(core::parse_choice(words.directive(), words[0], kFieldStyles));
}

bool needs_body(ngx_conf_t* cf, const Policy& policy) {
  return std::any_of(
      policy.variables.begin(), policy.variables.end(),
      [cf](const std::string& variable) { return core::is_body_variable(cf, variable); });
}

bool is_inner(ngx_conf_t* cf, const Policy& policy) {
  if (policy.phase == Phase::automatic) return needs_body(cf, policy);
  return policy.phase == Phase::inner;
}

// Not before every directive was read: the variables of a body may be declared after the policy.
void init_main(ngx_conf_t* cf, MainConf& conf) {
  for (const Counted* counted : conf.policies) {
    const Policy& policy = counted->policy;
    if (policy.phase != Phase::front || !needs_body(cf, policy)) continue;
    ngx::warn(cf, "rate policy \"" + policy.name + "\" has \"phase=front\", where its key \"" +
                      policy.key + "\" is not known yet");
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
    bool inner = is_inner(cf, use.counted->policy);
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
