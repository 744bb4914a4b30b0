// guard_error_report, the nginx face: what fails is noticed when a request is over or an event is
// published, and told to Sentry from a timer, never in the way of a request.

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/clock.h"
#include "core/hex.h"
#include "core/local_answer.h"
#include "core/metrics.h"
#include "core/request.h"
#include "errors/envelope.h"
#include "errors/groups.h"
#include "errors/policy.h"
#include "errors/rate_limits.h"
#include "errors/sender.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/secret.h"
#include "ngx/timer.h"

extern "C" ngx_module_t ngx_http_guard_errors_module;

namespace guard::errors {

namespace {

constexpr core::MetricFamily kReports = {
    "guard_error_reports", core::MetricType::counter, "",
    "Error reports, by what became of them; each may stand for several errors"};

constexpr std::uint64_t kFirstWait = 1000;      // milliseconds, after a failure
constexpr std::uint64_t kLongestWait = 60'000;  // each further one waits twice as long, up to this
constexpr ngx_msec_t kSoon = 1;

struct MainConf {
  std::optional<ReportPolicy> policy;
  Dsn dsn;
  ngx::Endpoint endpoint;
  ngx::Route route;
  const core::Counter* sent = nullptr;
  const core::Counter* refused = nullptr;
  const core::Counter* limited = nullptr;
  const core::Counter* failed = nullptr;
  const core::Counter* dropped = nullptr;
};

struct LocationConf {
  std::string route;
  bool has_name = false;  // of its own, before that of an API description
  std::string_view server;
  bool is_guards = false;  // Guard itself answers there
};

void pump_worker(void* context) noexcept;
void hear_answer(void* context, unsigned status, std::string_view fields,
                 std::string_view why) noexcept;

// What a worker has of its own.
struct Worker {
  explicit Worker(MainConf& main_conf)
      : main(main_conf),
        sender(main_conf.endpoint, main_conf.route, hear_answer, this),
        timer(pump_worker, this, false) {}

  MainConf& main;
  Reporter reporter;
  Groups groups;
  Sender sender;
  ngx::Timer timer;
  Group under_way;
  std::uint64_t hold_until = 0;  // milliseconds
  std::uint64_t wait = 0;
  bool complained = false;
};
std::unique_ptr<Worker> worker;

MainConf* main_of(ngx_cycle_t* cycle) noexcept {
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == nullptr) return nullptr;
  return static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_errors_module));
}

std::uint64_t milliseconds() noexcept {
  return core::microseconds() / 1000;
}

// Sending

void start_timer(Worker& own, std::uint64_t now) noexcept {
  const std::uint64_t next = own.groups.next();
  if (next == Groups::kNever || own.sender.busy()) return;
  const std::uint64_t due = std::max(next, own.hold_until);
  own.timer.start(due <= now ? kSoon : static_cast<ngx_msec_t>(due - now));
}

void pump(Worker& own) noexcept {
  if (own.sender.busy()) return;
  const std::uint64_t now = milliseconds();
  const Group* group = now < own.hold_until ? nullptr : own.groups.due(now);
  if (group == nullptr) return start_timer(own, now);
  try {
    std::array<unsigned char, 16> bytes;
    if (RAND_bytes(bytes.data(), bytes.size()) != 1) return;
    std::array<char, 32> id;
    core::write_hex(bytes, id.data());
    own.under_way = *group;
    own.sender.send(make_request(
        own.main.dsn, make_envelope(own.under_way, own.reporter, {id.data(), id.size()})));
  } catch (...) {
    own.hold_until = now + kLongestWait;
    start_timer(own, now);
  }
}

void pump_worker(void* context) noexcept {
  pump(*static_cast<Worker*>(context));
}

// Once for each time that it does not work.
void complain(Worker& own, unsigned status, std::string_view why) noexcept {
  if (own.complained) return;
  own.complained = true;
  if (status == 0) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "error reports cannot be sent, they are kept: %*s", why.size(), why.data());
  } else if (status >= 500) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "error reports cannot be sent, they are kept: the answer is %ui",
                  static_cast<ngx_uint_t>(status));
  } else {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "error reports are refused with status %ui, is the DSN of "
                  "\"guard_error_report\" right?",
                  static_cast<ngx_uint_t>(status));
  }
}

// Twice as long each time.
void back_off(Worker& own, std::uint64_t now) noexcept {
  own.wait = std::clamp(own.wait * 2, kFirstWait, kLongestWait);
  own.hold_until = std::max(own.hold_until, now + own.wait);
}

void hear_answer(void* context, unsigned status, std::string_view fields,
                 std::string_view why) noexcept {
  Worker& own = *static_cast<Worker*>(context);
  const std::uint64_t now = milliseconds();
  const std::uint64_t limit = limited_for(status, fields, core::wall_microseconds() / 1000);
  const bool taken = status >= 200 && status < 300;
  if (limit != 0) own.hold_until = now + limit;
  if (taken) {
    own.main.sent->add();
    own.groups.reported(own.under_way, own.under_way.count, now);
    own.wait = 0;
    if (own.complained) {
      ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "error reports are sent again");
    }
    own.complained = false;
  } else if (status == 429) {
    own.main.limited->add();
    if (limit == 0) back_off(own, now);
  } else {
    const bool refused = status >= 300 && status < 500;
    complain(own, status, why);
    (refused ? own.main.refused : own.main.failed)->add();
    // What is refused would be so again.
    if (refused) own.groups.reported(own.under_way, own.under_way.count, now);
    if (refused) own.wait = kLongestWait;
    back_off(own, now);
  }
  start_timer(own, now);
}

void report(const Occurrence& occurrence) noexcept {
  if (worker == nullptr) return;
  const std::uint64_t now = milliseconds();
  if (!worker->groups.add(occurrence, now, core::wall_microseconds() / 1000)) {
    worker->main.dropped->add();
    return;
  }
  if (!worker->timer.running() || worker->groups.next() <= now) start_timer(*worker, now);
}

// Noticing

// nginx gives an upstream that did not answer, or not in time, the status that its client gets.
bool upstream_failed(const ngx_http_request_t* r) noexcept {
  if (r->upstream_states == nullptr || r->upstream_states->nelts == 0) return false;
  const auto* states = static_cast<const ngx_http_upstream_state_t*>(r->upstream_states->elts);
  const ngx_http_upstream_state_t& last = states[r->upstream_states->nelts - 1];
  return last.bytes_received == 0 &&
         (last.status == NGX_HTTP_BAD_GATEWAY || last.status == NGX_HTTP_GATEWAY_TIME_OUT);
}

const LocationConf& conf_in(void** location) noexcept {
  return *static_cast<const LocationConf*>(location[ngx_http_guard_errors_module.ctx_index]);
}

void report_request(ngx_http_request_t* r, const LocationConf& conf, std::string_view kind,
                    unsigned status) noexcept {
  Occurrence occurrence;
  occurrence.status = status;
  occurrence.kind = kind;
  occurrence.server = conf.server;
  occurrence.route = conf.route;
  // A method of the client's own could say anything.
  occurrence.method = r->method == NGX_HTTP_UNKNOWN ? "other" : ngx::to_view(r->method_name);
  if (core::Request* request = core::Request::get(r)) {
    occurrence.code = request->code();
    occurrence.request_id = request->request_id();
    if (!conf.has_name && !request->operation().empty()) occurrence.route = request->operation();
  }
  report(occurrence);
}

ngx_int_t look(ngx_http_request_t* r) noexcept {
  if (r != r->main || worker == nullptr) return NGX_OK;
  const auto status =
      static_cast<unsigned>(r->err_status != 0 ? r->err_status : r->headers_out.status);
  if (status < 500 || status > 599) return NGX_OK;
  // That of its application was told when the answer began.
  const core::Request* request = core::Request::find(r);
  if (request != nullptr && request->application_failed()) return NGX_OK;
  const LocationConf& conf = conf_in(core::answering_location(r));
  // What Guard says of others so, that they fail or that it drains, is no failure of its own.
  if (conf.is_guards && status == NGX_HTTP_SERVICE_UNAVAILABLE) return NGX_OK;
  report_request(r, conf, upstream_failed(r) ? "upstream_failed" : "server_error", status);
  return NGX_OK;
}

// That the application has failed, whatever an error page makes of it, and what Guard itself has to
// say that is an error.
void hear(const core::Event& event, core::Request* request) noexcept {
  if (request != nullptr) {
    if (event.kind != core::EventKind::upstream_failed) return;
    ngx_http_request_t* r = request->native();
    return report_request(r, conf_in(r->loc_conf),
                          request->answered() ? "server_error" : "upstream_failed", event.status);
  }
  if (event.severity.value_or(core::info_of(event.kind).severity) > core::Severity::error) return;
  Occurrence occurrence;
  occurrence.kind = core::kind_name_of(event);
  occurrence.code = event.policy;
  occurrence.detail = event.detail;
  report(occurrence);
}

// Configuration

MainConf& main_of(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_errors_module));
}

void set_report(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  if (conf.policy) core::fail("\"guard_error_report\" directive is duplicate");
  ReportPolicy policy = parse_report(words);
  conf.dsn = parse_dsn(ngx::read_secret(cf, "guard_error_report", policy.word).expose());
  policy.word.clear();
  if (!ngx::resolve(cf, conf.endpoint, conf.dsn.host, conf.dsn.port)) {
    ngx::warn(cf, "the host in the DSN of \"guard_error_report\" is not found");
  }
  if (conf.dsn.tls) {
    conf.route.tls = ngx::TlsClient::make(cf, {policy.tls_ca, {}, {}, {}, true});
  } else {
    ngx::warn(cf, "the DSN of \"guard_error_report\" is without TLS, all on the way can read it");
  }
  conf.policy = std::move(policy);
  auto counter = [cf](std::string_view result) {
    return &core::metrics_of(cf).counter(kReports, core::metric_labels({{"result", result}}));
  };
  conf.sent = counter("sent");
  conf.refused = counter("refused");
  conf.limited = counter("limited");
  conf.failed = counter("failed");
  conf.dropped = counter("dropped");
}

void merge(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (!main_of(cf).policy) return;
  const auto& location = *static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  const auto& server = *static_cast<const ngx_http_core_srv_conf_t*>(
      ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module));
  child.is_guards = core::answers_here(cf);
  child.server = ngx::to_view(server.server_name);
  child.route = core::route_of(cf);
  child.has_name = !child.route.empty();
  if (!child.has_name) {
    child.route =
        location.noname != 0 && !parent.route.empty() ? parent.route : core::location_name(cf);
  }
  if (child.route.empty()) child.route = "-";
  core::watch_answers(cf);
}

void postconfigure(ngx_conf_t* cf) {
  if (!main_of(cf).policy) return;
  ngx::add_handler(cf, NGX_HTTP_LOG_PHASE, look);
  core::install_error_page_notes(cf);
  core::add_listener(cf, hear);
}

// A worker's life

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  MainConf* main = main_of(cycle);
  if (main == nullptr || !main->policy) return NGX_OK;
  if (!ngx::is_worker()) {
    main->dsn.key = core::Secret();
    return NGX_OK;
  }
  main->route.resolver = ngx::resolver_of(cycle);
  try {
    worker = std::make_unique<Worker>(*main);
    worker->reporter = {std::string(ngx::to_view(cycle->hostname)), main->policy->environment,
                        main->policy->release};
  } catch (...) {
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "no memory for error reports");
    return NGX_ERROR;
  }
  return NGX_OK;
}

void exit_process(ngx_cycle_t* /*cycle*/) noexcept {
  if (worker == nullptr) return;
  worker->sender.stop();
  worker->main.dropped->add(worker->groups.pending());
  worker.reset();
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_error_report"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_report>),
    ngx_null_command,
};

ngx_http_module_t context = {
    nullptr,
    ngx::configuration<postconfigure>,
    ngx::create_conf<MainConf>,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge>,
};

}  // namespace

}  // namespace guard::errors

constinit ngx_module_t ngx_http_guard_errors_module =
    guard::ngx::http_module(&guard::errors::context, guard::errors::commands,
                            {guard::errors::init_process, guard::errors::exit_process});
