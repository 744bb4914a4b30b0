// The nginx face of event logs: their directives, and the listener on the event bus. Where the
// lines go is in sinks_module.cpp.

#include <array>
#include <optional>
#include <vector>

#include "core/check.h"
#include "core/own_answer.h"
#include "core/recent_events.h"
#include "core/request.h"
#include "core/siphash.h"
#include "events/policy.h"
#include "events/request_facts.h"
#include "events/sinks_module.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "ngx/secret.h"

extern "C" {
extern ngx_module_t ngx_http_guard_events_module;
}

namespace guard::events {

namespace {

struct MainConf {
  std::optional<PrivacyPolicy> strictest;  // of all that any location says
};

struct Log {
  LogPolicy policy;
  Sink* sink;
};

struct LocationConf {
  std::optional<std::vector<Log>> logs;
  std::optional<PrivacyPolicy> privacy;
};

MainConf* main_conf() noexcept {
  return static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(
      const_cast<ngx_cycle_t*>(ngx_cycle), ngx_http_guard_events_module));
}

core::EventRing* recent() noexcept {
  return core::recent_events(const_cast<ngx_cycle_t*>(ngx_cycle));
}

// Directives

// All that name a log must say the same of its chain.
void set_chain(ngx_conf_t* cf, Sink& sink, LogPolicy& policy) {
  if (!sink.takes_events) core::fail("\"", policy.path, "\" is for checkpoints already");
  core::Secret secret;
  if (!policy.chain.empty()) secret = ngx::read_key(cf, "chain=", policy.chain);
  policy.chain.clear();
  Sink* checkpoints = nullptr;
  if (!policy.checkpoints.empty()) {
    checkpoints = sink_of(cf, parse_checkpoints(policy.checkpoints));
    if (checkpoints == &sink || checkpoints->named) {
      core::fail("checkpoints in an event log, \"", policy.checkpoints,
                 "\": they need a place of their own");
    }
    checkpoints->takes_events = false;
  }
  if (sink.named && (!sink.secret.equals(secret.expose()) || sink.checkpoints != checkpoints ||
                     sink.checkpoint_interval != policy.checkpoint_interval)) {
    core::fail("another \"chain=\" or \"checkpoints=\" of event log \"", policy.path,
               "\" than before");
  }
  sink.named = true;
  sink.secret = std::move(secret);
  sink.checkpoints = checkpoints;
  sink.checkpoint_interval = policy.checkpoint_interval;
}

void set_event_log(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  LogPolicy policy = parse_event_log(words);
  if (policy.off) {
    if (conf.logs) core::fail("\"guard_event_log off\" beside other event logs");
    conf.logs.emplace();
    return;
  }
  if (conf.logs && conf.logs->empty())
    core::fail("\"guard_event_log\" after \"guard_event_log off\"");

  Sink* sink = sink_of(cf, policy);
  if (!conf.logs) conf.logs.emplace();
  for (const Log& log : *conf.logs) {
    if (log.sink == sink) core::fail("duplicate event log \"", policy.path, "\"");
  }
  set_chain(cf, *sink, policy);
  if (policy.min > sink->min) sink->min = policy.min;
  conf.logs->push_back({std::move(policy), sink});
  core::need_client_key(cf);
}

void set_event_privacy(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  if (conf.privacy) core::fail("\"guard_event_privacy\" directive is duplicate");
  conf.privacy = parse_event_privacy(words);
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (child.logs && parent.logs && !child.logs->empty() && !parent.logs->empty()) {
    ngx::notice(cf,
                "\"guard_event_log\" of an inner level replaces all that the outer level says with "
                "it");
  }
  if (!child.logs) child.logs = parent.logs;
  if (!child.privacy) child.privacy = parent.privacy;
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_events_module));
  const PrivacyPolicy privacy = child.privacy.value_or(PrivacyPolicy{});
  main.strictest = main.strictest ? stricter(*main.strictest, privacy) : privacy;
  if (child.logs && !child.logs->empty()) core::watch_answers(cf);
}

// What a line says about its request

std::string_view http_version_of(ngx_uint_t version) noexcept {
  switch (version) {
    case NGX_HTTP_VERSION_9:
      return "0.9";
    case NGX_HTTP_VERSION_10:
      return "1.0";
    case NGX_HTTP_VERSION_11:
      return "1.1";
    case NGX_HTTP_VERSION_20:
      return "2";
    default:
      return version >= 3000 ? "3" : "";
  }
}

std::string_view tls_version_of([[maybe_unused]] ngx_connection_t* c) noexcept {
#if (NGX_HTTP_SSL)
  if (c->ssl != nullptr) return SSL_get_version(c->ssl->connection);
#endif
  return {};
}

// Hashes of different things under one key must not be comparable.
std::array<char, 32> hash_of(std::string_view what, std::string_view text) noexcept {
  return core::hex_of(core::KeyedHash(core::client_key()).hash128({what, text}));
}

RequestFacts facts_of(core::Request& request) noexcept {
  ngx_http_request_t* r = request.native();
  RequestFacts facts;
  facts.request_id = request.request_id();
  facts.method = ngx::to_view(r->method_name);
  facts.target = ngx::to_view(r->unparsed_uri);
  facts.host = ngx::to_view(r->headers_in.server);
  facts.scheme = request.scheme();
  facts.http_version = http_version_of(r->http_version);
  facts.tls_version = tls_version_of(r->connection);
  if (r->headers_in.user_agent != nullptr) {
    facts.user_agent = ngx::to_view(r->headers_in.user_agent->value);
  }
  facts.traceparent = ngx::request_field(r, "traceparent");
  facts.route = request.route();
  facts.client_address = ngx::to_view(r->connection->addr_text);
  facts.client_port = ngx_inet_get_port(r->connection->sockaddr);
  facts.status = static_cast<std::uint16_t>(r->headers_out.status);
  facts.body_bytes = request.body_size();
  return facts;
}

// An event of the worker. What it knows of the request behind it is written as privately as any
// location wants it.
void hear_worker(const core::Event& event, core::Severity severity) noexcept {
  const PrivacyPolicy privacy = main_conf()->strictest.value_or(PrivacyPolicy{});
  const bool has_request = !event.user.empty() || !event.client.empty();
  RequestFacts facts;
  std::array<char, 32> user_hash;
  std::array<char, 32> address_hash;
  if (has_request) {
    facts.request_id = event.request_id;
    facts.client_address = event.client;
    if (privacy.user == UserPrivacy::hash && !event.user.empty()) {
      user_hash = hash_of("user", event.user);
      facts.user_hash = {user_hash.data(), user_hash.size()};
    }
    if (privacy.address == AddressPrivacy::hash && !event.client.empty()) {
      address_hash = hash_of("address", event.client);
      facts.address_hash = {address_hash.data(), address_hash.size()};
    }
  }
  if (core::EventRing* ring = recent()) keep(*ring, event, has_request ? &facts : nullptr, privacy);
  for (Sink* sink : all_sinks()) {
    if (!sink->takes_events || severity > sink->min) continue;
    write_line(*sink, event, has_request ? &facts : nullptr, privacy);
  }
}

void hear(const core::Event& event, core::Request* request) noexcept {
  if (!keeps_events()) return;
  const core::Severity severity = event.severity.value_or(core::info_of(event.kind).severity);
  if (request == nullptr) return hear_worker(event, severity);

  const auto* conf = static_cast<LocationConf*>(
      ngx_http_get_module_loc_conf(request->native(), ngx_http_guard_events_module));
  core::EventRing* ring = recent();
  const bool logged = conf->logs && !conf->logs->empty();
  if (!logged && ring == nullptr) return;
  const PrivacyPolicy privacy = conf->privacy.value_or(PrivacyPolicy{});
  RequestFacts facts = facts_of(*request);
  std::array<char, 32> user_hash;
  std::array<char, 32> address_hash;
  if (privacy.user == UserPrivacy::hash && !event.user.empty()) {
    user_hash = hash_of("user", event.user);
    facts.user_hash = {user_hash.data(), user_hash.size()};
  }
  if (privacy.address == AddressPrivacy::hash) {
    address_hash = hash_of("address", facts.client_address);
    facts.address_hash = {address_hash.data(), address_hash.size()};
  }
  if (ring != nullptr) keep(*ring, event, &facts, privacy);
  if (!logged) return;
  for (const Log& log : *conf->logs) {
    if (log.policy.takes(severity)) write_line(*log.sink, event, &facts, privacy);
  }
}

void postconfigure(ngx_conf_t* cf) {
  core::install_answer_notes(cf);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_listener(cf, hear);
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_event_log"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_event_log>),
    ngx::command(ngx_string("guard_event_privacy"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_event_privacy>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    ngx::configuration<postconfigure>,
    ngx::create_conf<MainConf>,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

}  // namespace guard::events

constinit ngx_module_t ngx_http_guard_events_module =
    guard::ngx::http_module(&guard::events::context, guard::events::commands);
