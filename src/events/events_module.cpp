// The nginx face of this room: directives, the listener on the event bus, and each worker's files.

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "core/check.h"
#include "core/metrics.h"
#include "core/own_answer.h"
#include "core/recent_events.h"
#include "core/request.h"
#include "core/siphash.h"
#include "core/version.h"
#include "events/ecs_encoder.h"
#include "events/event_rules.h"
#include "events/policy.h"
#include "events/request_facts.h"
#include "events/sink.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "ngx/secret.h"
#include "ngx/timer.h"
#include "ngx/worker_user.h"

extern "C" {
extern ngx_module_t ngx_http_guard_events_module;
}

namespace guard::events {

namespace {

constexpr ngx_msec_t kFlushInterval = 200;
// Where somebody takes lines, but is slow.
constexpr ngx_msec_t kBusyInterval = 5;
// How long a worker that quits waits for what takes lines only while its event loop runs.
constexpr ngx_msec_t kQuitLimit = 1000;

struct MainConf {
  std::vector<Sink*> sinks;
  std::optional<PrivacyPolicy> strictest;  // of all that any location says
};

struct Log {
  LogPolicy policy;
  Sink* sink;
};

// A guard_event, ready to be judged.
struct Rule {
  EventRule rule;
  ngx::Value user;
  ngx::Value condition;
};

struct LocationConf {
  std::optional<std::vector<Log>> logs;
  std::optional<std::vector<const Rule*>> rules;  // as written, later as they apply
  std::optional<PrivacyPolicy> privacy;
};

void flush_all(void* context) noexcept;

// What a worker has of its own.
struct Worker {
  explicit Worker(const Writer& writer) : encoder(writer) {}

  EcsEncoder encoder;
  std::array<char, kLineMax> line;
  // Files and datagrams are flushed when a worker quits; for the others it must stay.
  ngx::Timer timer{flush_all, nullptr, false};
  ngx::Timer waited_timer{flush_all, nullptr, true};
  std::optional<ngx_msec_t> quitting_since;
};
std::unique_ptr<Worker> worker;

MainConf* main_conf() noexcept {
  return static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(
      const_cast<ngx_cycle_t*>(ngx_cycle), ngx_http_guard_events_module));
}

core::EventRing* recent() noexcept {
  return core::recent_events(const_cast<ngx_cycle_t*>(ngx_cycle));
}

// Directives

constexpr core::MetricFamily kLines = {"guard_event_log_lines", core::MetricType::counter, "",
                                       "Lines of an event log, by whether it could take them"};

void add_metrics(ngx_conf_t* cf, Sink& sink, std::string_view path) {
  auto counter = [&](std::string_view result) {
    return &core::metrics_of(cf).counter(kLines,
                                         core::metric_labels({{"log", path}, {"result", result}}));
  };
  sink.taken = counter("taken");
  sink.lost = counter("lost");
}

// That of a destination, made when it is first named.
Sink* sink_of(ngx_conf_t* cf, const LogPolicy& policy) {
  ngx_str_t name = ngx::borrow(ngx::keep(cf, policy.path));
  if (policy.destination == Destination::file &&
      ngx_conf_full_name(cf->cycle, &name, 0) != NGX_OK) {
    throw std::bad_alloc();
  }
  auto& sinks =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_events_module))
          ->sinks;
  for (Sink* known : sinks) {
    if (known->name() != ngx::to_view(name)) continue;
    if (!same_destination(known->policy(), policy)) {
      core::fail("another \"rotate=\", \"keep=\" or \"maxlen=\" of event log \"", policy.path,
                 "\" than before");
    }
    return known;
  }
  sinks.push_back(ngx::pool_new<Sink>(cf->pool, cf, policy, ngx::to_view(name)));
  add_metrics(cf, *sinks.back(), policy.path);
  return sinks.back();
}

// All that name a log must say the same of its chain.
void set_chain(ngx_conf_t* cf, Sink& sink, LogPolicy& policy) {
  if (!sink.takes_events) core::fail("\"", policy.path, "\" is for checkpoints already");
  core::Secret secret;
  if (!policy.chain.empty()) secret = ngx::read_secret(cf, "chain=", policy.chain);
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

void set_event(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  auto* made = ngx::pool_new<Rule>(cf->pool);
  made->rule = parse_event_rule(words);
  if (!made->rule.user.empty()) made->user = ngx::Value(cf, made->rule.user);
  if (!made->rule.condition.empty()) made->condition = ngx::Value(cf, made->rule.condition);
  if (!conf.rules) conf.rules.emplace();
  for (const Rule* other : *conf.rules) check_beside(made->rule, other->rule, words[0]);
  conf.rules->push_back(made);
}

void merge_rules(ngx_conf_t* cf, const LocationConf& parent, LocationConf& child) {
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
}

extern const core::HeaderStage kOutcome;

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
  merge_rules(cf, parent, child);
  if (child.logs && !child.logs->empty()) core::watch_answers(cf);
  if (child.rules) core::activate(cf, kOutcome);
}

// Events from the application's own answer

bool holds(const ngx::Value& condition, ngx_http_request_t* r) noexcept {
  if (!condition) return true;
  const std::optional<std::string_view> value = condition.evaluate(r);
  return value && !value->empty() && *value != "0";
}

void judge(ngx_http_request_t* r, core::Request* request) noexcept {
  const auto* conf =
      static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_events_module));
  const std::vector<const Rule*>& rules = *conf->rules;
  // Of several rules for one kind the first that holds makes the event.
  std::uint32_t done = 0;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& one = *rules[i];
    if ((done >> i & 1) != 0 || !one.rule.on.has(request->own_status()) ||
        !holds(one.condition, r)) {
      continue;
    }
    for (std::size_t k = i + 1; k < rules.size(); ++k) {
      if (rules[k]->rule.kind == one.rule.kind) done |= 1U << k;
    }
    core::Event event;
    event.kind = one.rule.kind.kind;
    event.custom_kind = one.rule.kind.custom;
    event.status = request->own_status();
    if (one.user) event.user = one.user.evaluate(r).value_or("");
    request->publish(event);
  }
}

constinit const core::HeaderStage kOutcome = {core::kStageOutcome, judge};

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

// Writing

void start_timer(ngx_msec_t interval, bool waited) noexcept;

std::uint64_t milliseconds() noexcept {
  const ngx_time_t* now = ngx_timeofday();
  return static_cast<std::uint64_t>(now->sec) * 1000 + now->msec;
}

void write_line(Sink& sink, const core::Event& event, const RequestFacts* facts,
                const PrivacyPolicy& privacy) noexcept {
  if (sink.lines == nullptr) return;
  sink.attach();
  LineSink& lines = *sink.lines;
  const std::uint64_t now_ms = milliseconds();
  const std::span<char> line = std::span(worker->line).first(lines.room());
  const std::size_t size =
      worker->encoder.encode(event, facts, privacy, ++sink.sequence, now_ms, line);
  const LineFacts about = {event.severity.value_or(core::info_of(event.kind).severity),
                           core::kind_name_of(event), sink.sequence, now_ms};
  if (size == 0) {
    lines.lose();
  } else {
    lines.append({line.data(), size}, about);
  }
  const bool waited = lines.needs_loop();
  if (!worker->waited_timer.running() && (waited || !worker->timer.running())) {
    start_timer(kFlushInterval, waited);
  }
}

// Into the newest events, which have a number of their own.
void keep(core::EventRing& ring, const core::Event& event, const RequestFacts* facts,
          const PrivacyPolicy& privacy) noexcept {
  const std::span<char> line = std::span(worker->line).first(core::EventRing::kLineMax);
  const std::size_t size =
      worker->encoder.encode(event, facts, privacy, ring.last() + 1, milliseconds(), line);
  if (size != 0) ring.put(without_line_feed({line.data(), size}));
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
  for (Sink* sink : main_conf()->sinks) {
    if (!sink->takes_events || severity > sink->min) continue;
    write_line(*sink, event, has_request ? &facts : nullptr, privacy);
  }
}

void hear(const core::Event& event, core::Request* request) noexcept {
  if (worker == nullptr) return;
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

// Once per outage.
void complain(Sink& sink) noexcept {
  const std::string_view why = sink.lines->why();
  if (sink.complained || why.empty() || sink.lines->busy()) return;
  sink.complained = true;
  if (sink.is_file()) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, sink.write_error(),
                  "write() to event log \"%s\" failed, its lines are kept", sink.name().data());
    return;
  }
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                "event log \"%*s\" takes no lines, they are kept: %*s", sink.name().size(),
                sink.name().data(), why.size(), why.data());
}

void complain_of_rotation(Sink& sink) noexcept {
  const int error = sink.rotation_error();
  if (error != 0 && !sink.complained_of_rotation) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, error,
                  "rotation of event log \"%s\" failed, it goes on as it is", sink.name().data());
  }
  sink.complained_of_rotation = error != 0;
}

void tell_lost(Sink& sink) noexcept {
  std::array<char, 512> text;
  const u_char* end = ngx_snprintf(reinterpret_cast<u_char*>(text.data()), text.size(),
                                   "Lines for \"%*s\" could not be written", sink.name().size(),
                                   sink.name().data());
  core::Event event;
  event.kind = core::EventKind::events_lost;
  event.count = sink.lines->take_lost();
  event.detail = {text.data(),
                  static_cast<std::size_t>(reinterpret_cast<const char*>(end) - text.data())};
  core::publish(event);
}

// A checkpoint of all that the log took, once that is out of the worker: it must never promise a
// line that a killed worker had only in its buffer.
void sign(Sink& sink, CheckpointState state) noexcept {
  std::array<char, kCheckpointMax> line;
  const std::size_t size = sink.chain->checkpoint(state, milliseconds(), line);
  sink.checkpoints->attach();
  if (size == 0) {
    sink.checkpoints->lines->lose();
  } else {
    sink.checkpoints->lines->append({line.data(), size},
                                    {.severity = core::Severity::info, .kind = "checkpoint"});
  }
}

// What is flushed is signed when it is time. True if there is more to do.
bool keep_signed(Sink& sink) noexcept {
  if (!sink.chain || sink.checkpoints == nullptr) return false;
  // A worker that quits may have no other occasion.
  const std::uint64_t interval =
      ngx_exiting ? 0 : static_cast<std::uint64_t>(sink.checkpoint_interval.count());
  if (sink.chain->checkpoint_due(milliseconds(), interval)) sign(sink, CheckpointState::open);
  return sink.chain->unsigned_lines() || sink.checkpoints->lines->pending();
}

// A worker that quits waits for those who are gone, but not for ever.
bool may_wait() noexcept {
  if (!ngx_exiting) return true;
  if (!worker->quitting_since) worker->quitting_since = ngx_current_msec;
  return ngx_current_msec - *worker->quitting_since < kQuitLimit;
}

void flush_all(void* /*context*/) noexcept {
  bool pending = false;
  bool waited = false;
  ngx_msec_t interval = kFlushInterval;
  for (Sink* sink : main_conf()->sinks) {
    if (sink->lines == nullptr) continue;
    sink->attach();
    const bool done = sink->lines->flush();
    complain_of_rotation(*sink);
    if (done) {
      sink->complained = false;
      if (sink->lines->lost() == 0) {
        if (keep_signed(*sink)) {
          pending = true;
          waited = waited || sink->checkpoints->lines->needs_loop();
        }
        continue;
      }
      tell_lost(*sink);
    } else {
      complain(*sink);
      if (sink->lines->busy()) interval = kBusyInterval;
    }
    pending = true;
    waited = waited || sink->lines->needs_loop();
  }
  if (pending) start_timer(interval, waited && may_wait());
}

void start_timer(ngx_msec_t interval, bool waited) noexcept {
  worker->timer.stop();
  worker->waited_timer.stop();
  (waited ? worker->waited_timer : worker->timer).start(interval);
}

// A worker's life

std::string host_name() {
  return {reinterpret_cast<const char*>(ngx_cycle->hostname.data), ngx_cycle->hostname.len};
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == nullptr) return NGX_OK;
  const auto& sinks = main_conf()->sinks;
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) {
    // nginx's helpers, such as the cache manager, write no events and need no secrets.
    for (Sink* sink : sinks) sink->secret = core::Secret();
    return NGX_OK;
  }
  if (sinks.empty() && recent() == nullptr) return NGX_OK;
  try {
    const Writer writer{host_name(), std::string(core::kVersion),
                        static_cast<std::uint64_t>(ngx_pid), milliseconds()};
    worker = std::make_unique<Worker>(writer);
    for (Sink* sink : sinks) sink->start(writer);
    for (Sink* sink : sinks) {
      if (!sink->chain || sink->checkpoints == nullptr) continue;
      sign(*sink, CheckpointState::open);
      if (!worker->timer.running()) start_timer(kFlushInterval, false);
    }
  } catch (...) {
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "no memory for the event log");
    return NGX_ERROR;
  }
  if (ngx_worker == 0) {
    core::Event event;
    event.kind = core::EventKind::config_loaded;
    core::publish(event);
  }
  return NGX_OK;
}

void exit_process(ngx_cycle_t* cycle) noexcept {
  if (worker == nullptr) return;
  worker->timer.stop();
  worker->waited_timer.stop();
  const auto& sinks = main_conf()->sinks;
  for (Sink* sink : sinks) {
    if (sink->lines == nullptr) continue;
    sink->attach();
    if (sink->lines->finish() && sink->lines->lost() != 0) tell_lost(*sink);
  }
  // What was told of one log may be in others; checkpoints come when those are done.
  for (const bool logs : {true, false}) {
    for (Sink* sink : sinks) {
      if (sink->lines == nullptr || sink->takes_events != logs) continue;
      if (sink->lines->finish() && sink->chain && sink->checkpoints != nullptr &&
          !sink->checkpoints->lines->needs_loop()) {
        sign(*sink, CheckpointState::end);
      }
      if (sink->lines->pending() || sink->lines->lost() != 0) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, sink->write_error(),
                      "lines of event log \"%*s\" are lost", sink->name().size(),
                      sink->name().data());
      }
    }
  }
  for (Sink* sink : sinks) {
    sink->lines.reset();
    sink->chain.reset();
  }
  worker.reset();
}

// Workers rename what a master that is root has opened.
void check_rotation(ngx_conf_t* cf) {
  const auto* conf =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_events_module));
  for (const Sink* sink : conf->sinks) {
    if (!sink->rotates()) continue;
    const std::string name(sink->name());
    const std::string folder = name.substr(0, std::max<std::size_t>(name.rfind('/'), 1));
    const ngx::DirectoryAccess access = ngx::worker_access(cf, folder.c_str());
    if (access.writable && !access.sticky) continue;
    ngx::fail(cf, sink->place,
              "\"rotate=\" needs a directory where the workers' user \"" +
                  std::string(ngx::worker_user(cf)) + "\" may rename files, \"" + folder +
                  (access.writable ? "\" is sticky" : "\" is not writable for it"));
  }
}

void postconfigure(ngx_conf_t* cf) {
  check_rotation(cf);
  core::install_answer_notes(cf);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_listener(cf, hear);
  core::add_header_stage(cf, kOutcome);
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_event"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_event>),
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
    guard::ngx::http_module(&guard::events::context, guard::events::commands,
                            {guard::events::init_process, guard::events::exit_process});
