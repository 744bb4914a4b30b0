// Health, the nginx face: the endpoint, and the checks that one of all workers makes.

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/census.h"
#include "core/check.h"
#include "core/clock.h"
#include "core/leased_job.h"
#include "core/local_answer.h"
#include "core/metrics.h"
#include "core/redis_probe.h"
#include "core/zone_metrics.h"
#include "health/board.h"
#include "health/local_probe.h"
#include "health/network_probe.h"
#include "health/policy.h"
#include "health/redis_facts.h"
#include "health/report.h"
#include "health/verdict.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/timer.h"
#include "ngx/worker_user.h"
#include "ngx/zone.h"

extern "C" ngx_module_t ngx_http_guard_health_module;

namespace guard::health {

namespace {

using core::MetricFamily;
using core::MetricText;
using core::MetricType;

constexpr MetricFamily kStatus = {"guard_health_status", MetricType::gauge, "",
                                  "1 for the verdict that a health check has now, else 0"};
constexpr MetricFamily kResponse = {"guard_health_response_seconds", MetricType::gauge, "seconds",
                                    "How long the last answer took that a health check got"};
constexpr MetricFamily kFree = {"guard_health_free_bytes", MetricType::gauge, "bytes",
                                "What a health check has found free of a disk or of memory"};
constexpr MetricFamily kFreeRatio = {
    "guard_health_free_ratio", MetricType::gauge, "ratio",
    "Free share of a disk (bytes or inodes, the scarcer), memory or a zone"};
constexpr MetricFamily kRemaining = {"guard_health_remaining_seconds", MetricType::gauge, "seconds",
                                     "How long the certificate of a health check is still valid"};

constexpr std::size_t kZoneSize = std::size_t{64} << 10;
constexpr std::uint64_t kLayout = 2;
constexpr ngx_msec_t kStep = 250;  // within which a check that is due begins
constexpr ngx_msec_t kDrainInterval = 250;

struct Check {
  CheckPolicy policy;
  std::string labels;
  ngx::Endpoint endpoint;
  ngx::Route route;
  Place* place = nullptr;
  ngx::Place place_of_definition;
  // Of a worker.
  std::unique_ptr<NetworkProbe> network;
  std::unique_ptr<core::RedisProbe> redis;
};

struct MainConf {
  std::deque<Check> checks;  // each stays where it is
  Board board;
  bool used = false;
  std::string_view drain_file;  // NUL-terminated; empty: none
};

struct LocationConf {
  EndpointPolicy endpoint;
  bool is_endpoint = false;
};

bool draining = false;
ngx::IntervalTimer drain_timer;

MainConf* main_of(ngx_cycle_t* cycle) noexcept {
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == nullptr) return nullptr;
  return static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_health_module));
}

std::uint64_t wall_ms() noexcept {
  return core::wall_microseconds() / 1000;
}

// Probing

void tell(const Check& check, const Standing& standing) noexcept {
  std::array<char, 256> text;
  const std::string_view output = standing.last.output();
  const u_char* end = nullptr;
  auto* begin = reinterpret_cast<u_char*>(text.data());
  const std::string_view verdict = name_of(standing.status);
  if (output.empty()) {
    end = ngx_snprintf(begin, text.size(), "The check's verdict is %*s now", verdict.size(),
                       verdict.data());
  } else {
    end = ngx_snprintf(begin, text.size(), "The check's verdict is %*s now: %*s", verdict.size(),
                       verdict.data(), output.size(), output.data());
  }
  core::Event event;
  event.kind = core::EventKind::health_changed;
  event.policy = check.policy.name;
  event.severity = standing.status == Status::pass   ? core::Severity::notice
                   : standing.status == Status::warn ? core::Severity::warning
                                                     : core::Severity::error;
  event.detail = {text.data(), static_cast<std::size_t>(end - begin)};
  core::publish(event);
}

void settle(Check& check, const Result& result) noexcept {
  const bool first = check.place->read().status == Status::unknown;
  const bool changed = check.place->add(result, wall_ms(), check.policy.rise, check.policy.fall);
  // That a check is well from the beginning is no news.
  if (changed && !(first && result.status == Status::pass)) tell(check, check.place->read());
}

void settle_network(void* context, const Result& result) noexcept {
  settle(*static_cast<Check*>(context), result);
}

void settle_redis(void* context, const core::RedisProbe::Answer& answer) noexcept {
  auto& check = *static_cast<Check*>(context);
  settle(check, judge_redis(check.policy, answer.problem, answer.facts, answer.microseconds));
}

bool running(const Check& check) noexcept {
  return (check.network != nullptr && check.network->running()) ||
         (check.redis != nullptr && check.redis->waiting());
}

void probe_zone(Check& check) noexcept {
  std::uint64_t used = 0;
  std::uint64_t places = 0;
  auto* cycle = const_cast<ngx_cycle_t*>(ngx_cycle);
  if (!core::zone_use(cycle, check.policy.path, used, places)) {
    // They are being counted, for the first time.
    check.place->set_due(core::microseconds() / 1000);
    return;
  }
  settle(check, judge_zone(check.policy, used, places));
}

// A file system that hangs takes the worker that looks. It must not take the others, one by one.
void probe_files(Board& board, Check& check) noexcept {
  const Place* hanging = board.begin_look(*check.place, static_cast<std::uint64_t>(ngx_pid));
  // Nothing is known of the others until then.
  if (hanging != nullptr && hanging != check.place) return;
  Result result;
  if (hanging == nullptr) {
    result = probe_local(check.policy);
    check.place->end_look();
  } else {
    result.status = Status::fail;
    result.say("an earlier look has not come back");
  }
  settle(check, result);
}

void probe(Board& board, Check& check) noexcept {
  if (check.policy.kind == Kind::zone) return probe_zone(check);
  if (check.policy.kind == Kind::memory) return settle(check, probe_local(check.policy));
  if (check.policy.is_local()) return probe_files(board, check);
  if (check.network != nullptr) return check.network->start();
  if (check.redis != nullptr) check.redis->ask();
}

void run(void* context, bool /*fresh*/) noexcept {
  if (ngx_exiting) return;
  auto& main = *static_cast<MainConf*>(context);
  const std::uint64_t now_ms = core::microseconds() / 1000;
  for (Check& check : main.checks) {
    if (check.place == nullptr || running(check)) continue;
    const auto interval = static_cast<std::uint64_t>(check.policy.interval.count());
    if (!is_due(check.place->due_ms(), now_ms, interval)) continue;
    check.place->set_due(next_due(now_ms, interval, static_cast<std::uint64_t>(ngx_random())));
    probe(main.board, check);
  }
}

const core::LeasedJob::Work kWork = {[](void* context) noexcept -> std::uint64_t& {
                                       return static_cast<MainConf*>(context)->board.lease();
                                     },
                                     run, [](void* /*context*/) noexcept { return false; }};

// Draining

void look_for_file(void* context) noexcept {
  struct stat status {};
  draining = ::stat(static_cast<MainConf*>(context)->drain_file.data(), &status) == 0;
}

// The endpoint

bool wants_simple(ngx_http_request_t* r, const EndpointPolicy& endpoint) noexcept {
  if (endpoint.simple) return true;
  ngx_str_t value{};
  u_char name[] = "format";
  return r->args.len != 0 && ngx_http_arg(r, name, sizeof(name) - 1, &value) == NGX_OK &&
         ngx::to_view(value) == "simple";
}

Report make_report(const MainConf& main, View view, std::vector<Entry>& entries) {
  Report report;
  report.now_ms = wall_ms();
  if (view == View::live) return report;
  Overall overall;
  for (const Check& check : main.checks) {
    Entry entry{&check.policy, {}};
    if (check.place != nullptr) entry.standing = check.place->read();
    overall.add(entry.standing.status, check.policy.only_warns());
    entries.push_back(entry);
  }
  report.entries = entries;
  report.draining = draining;
  if (draining) overall.add(Status::fail, view != View::ready);
  report.status = overall.status();
  return report;
}

ngx_int_t answer(ngx_http_request_t* r) noexcept {
  const ngx_int_t rc = core::begin_answer(r);
  if (rc != NGX_OK) return rc;
  const auto& conf = *static_cast<const LocationConf*>(
      ngx_http_get_module_loc_conf(r, ngx_http_guard_health_module));
  const auto& main =
      *static_cast<const MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_guard_health_module));
  const bool simple = wants_simple(r, conf.endpoint);
  try {
    std::vector<Entry> entries;
    const Report report = make_report(main, conf.endpoint.view, entries);
    const bool told = conf.endpoint.open || !core::is_stranger(r);
    std::string body;
    if (!told || conf.endpoint.view == View::live) {
      body = status_json(report.status, simple);
    } else {
      body = simple ? simple_json(report) : health_json(report);
    }
    const ngx_uint_t status =
        report.status == Status::fail ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_HTTP_OK;
    return core::send_answer(r, status, simple ? "application/json" : kHealthType, body);
  } catch (...) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
}

// Metrics

template <bool (*write)(const Check&, const Standing&, MetricText&)>
bool write_checks(void* context, std::size_t index, MetricText& out) {
  const auto& checks = static_cast<const MainConf*>(context)->checks;
  if (index >= checks.size()) return false;
  const Check& check = checks[index];
  if (check.place != nullptr) write(check, check.place->read(), out);
  return true;
}

bool write_status(const Check& check, const Standing& standing, MetricText& out) {
  for (const Status status : {Status::pass, Status::warn, Status::fail}) {
    out.sample(check.labels + ",status=\"" + std::string(name_of(status)) + "\"",
               std::uint64_t{standing.status == status ? 1U : 0U});
  }
  return true;
}

bool write_response(const Check& check, const Standing& standing, MetricText& out) {
  if (check.policy.is_local() || !standing.last.value) return true;
  out.sample(check.labels, static_cast<std::uint64_t>(*standing.last.value), 6);
  return true;
}

bool write_free(const Check& check, const Standing& standing, MetricText& out) {
  if (!check.policy.is_space() || check.policy.kind == Kind::zone || !standing.last.value) {
    return true;
  }
  out.sample(check.labels, static_cast<std::uint64_t>(*standing.last.value));
  return true;
}

bool write_free_ratio(const Check& check, const Standing& standing, MetricText& out) {
  if (!check.policy.is_space() || !standing.last.value) return true;
  out.sample(check.labels, standing.last.share, 3);
  return true;
}

bool write_remaining(const Check& check, const Standing& standing, MetricText& out) {
  if (check.policy.kind != Kind::certificate || !standing.last.value) return true;
  out.sample(check.labels, static_cast<double>(*standing.last.value));
  return true;
}

void add_metrics(ngx_conf_t* cf, MainConf& main) {
  core::MetricRegistry& registry = core::metrics_of(cf);
  registry.add(kStatus, write_checks<write_status>, &main);
  registry.add(kResponse, write_checks<write_response>, &main);
  registry.add(kFree, write_checks<write_free>, &main);
  registry.add(kFreeRatio, write_checks<write_free_ratio>, &main);
  registry.add(kRemaining, write_checks<write_remaining>, &main);
}

// Configuration

void set_health(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.is_endpoint) core::fail("\"guard_health\" directive is duplicate");
  conf.endpoint = parse_endpoint(words);
  conf.is_endpoint = true;
  core::answer_here(cf, words.directive(), answer);
}

void set_check(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  CheckPolicy policy = parse_check(words);
  for (const Check& other : conf.checks) {
    if (other.policy.name == policy.name) {
      core::fail("health check \"", policy.name, "\" is defined twice");
    }
  }
  if (conf.checks.size() == kMaxChecks) {
    core::fail("more than ", std::to_string(kMaxChecks), " health checks");
  }
  Check& check = conf.checks.emplace_back();
  check.policy = std::move(policy);
  check.labels = core::metric_labels({{"check", check.policy.name}});
  const std::string owner = "health check \"" + check.policy.name + "\"";
  if (check.policy.kind == Kind::certificate) {
    check.policy.path = ngx::full_path(cf, check.policy.path);
    ngx::warn_of_missing(cf, check.policy.path, owner, true);
  } else if (check.policy.kind == Kind::disk) {
    ngx::warn_of_missing(cf, check.policy.path, owner, false);
  } else if (check.policy.kind == Kind::zone) {
    core::want_metrics(cf);
    check.place_of_definition = ngx::place_of(cf);
  } else if (check.policy.kind == Kind::redis) {
    core::RedisProbe::check_name(cf, check.policy.path);
  } else if (!check.policy.is_local()) {
    if (!ngx::resolve(cf, check.endpoint, check.policy.host, check.policy.port)) {
      ngx::warn(cf, "host \"" + check.policy.host + "\" of " + owner +
                        " is not found, it is taken as failing");
    }
    if (check.policy.tls) {
      check.route.tls = ngx::TlsClient::make(
          cf, {check.policy.tls_ca, {}, {}, check.policy.tls_name, check.policy.tls_verify});
      check.route.tls_later = check.policy.kind == Kind::postgres;
    }
  }
}

void set_drain(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  if (!conf.drain_file.empty()) core::fail("\"guard_drain\" directive is duplicate");
  if (words[0].empty()) core::fail("empty path in \"", words.directive(), "\" directive");
  conf.drain_file = ngx::full_path(cf, words[0]);
  ngx::warn_of_unseen(cf, conf.drain_file);
}

void find_places(MainConf& main) noexcept {
  main.board.begin();
  for (Check& check : main.checks) {
    try {
      check.place = main.board.place(check.policy.identity());
    } catch (...) {
      check.place = nullptr;
    }
  }
}

void format(std::span<std::byte> memory, void* context) noexcept {
  auto& main = *static_cast<MainConf*>(context);
  if (main.board.format(memory)) find_places(main);
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  auto& main = *static_cast<MainConf*>(context);
  if (!main.board.adopt(memory)) return false;
  find_places(main);
  return true;
}

core::ZoneUse use_of(void* context) noexcept {
  return {static_cast<const MainConf*>(context)->checks.size(), kMaxChecks, 0};
}

void init_main(ngx_conf_t* cf, MainConf& conf) {
  if (conf.checks.empty()) return;
  for (const Check& check : conf.checks) {
    if (check.policy.kind != Kind::zone) continue;
    try {
      core::check_zone_use(cf, check.policy.path, "health check \"" + check.policy.name + "\"");
    } catch (const core::ConfigError& error) {
      ngx::fail(cf, check.place_of_definition, error.what());
    }
  }
  const ngx::Zone* zone =
      ngx::Zone::add(cf, "guard_health", kZoneSize, kLayout, format, adopt, &conf);
  core::add_job(cf, kStep, kWork, &conf);
  add_metrics(cf, conf);
  core::add_zone_metrics(cf, *zone, use_of, &conf);
}

// Load balancers ask over plain HTTP, from one address, and often.
void merge(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (core::is_block_within(cf)) child = parent;
  if (!child.is_endpoint) return;
  core::exempt_location(cf, {core::Feature::https, core::Feature::ban, core::Feature::rate});
}

// A worker's life

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  MainConf* main = main_of(cycle);
  if (main == nullptr || !ngx::is_worker()) return NGX_OK;
  draining = false;
  if (!main->drain_file.empty()) {
    look_for_file(main);
    drain_timer.start(kDrainInterval, look_for_file, main);
  }
  try {
    for (Check& check : main->checks) {
      if (check.policy.is_local()) continue;
      if (check.policy.kind == Kind::redis) {
        check.redis = core::RedisProbe::make(cycle, check.policy.path, settle_redis, &check);
        continue;
      }
      check.route.resolver = ngx::resolver_of(cycle);
      check.network = std::make_unique<NetworkProbe>(check.policy, check.endpoint, check.route,
                                                     settle_network, &check);
    }
  } catch (...) {
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "no memory for the health checks");
    return NGX_ERROR;
  }
  return NGX_OK;
}

void exit_process(ngx_cycle_t* cycle) noexcept {
  MainConf* main = main_of(cycle);
  if (main == nullptr || !ngx::is_worker()) return;
  drain_timer.stop();
  for (Check& check : main->checks) {
    // Nobody will hear what is under way: another worker begins anew.
    if (check.place != nullptr && running(check)) check.place->set_due(0);
    check.network.reset();
    check.redis.reset();
  }
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_health"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE123,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_health>),
    ngx::command(ngx_string("guard_health_check"), NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_check>),
    ngx::command(ngx_string("guard_drain"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_drain>),
    ngx_null_command,
};

ngx_http_module_t context = {
    nullptr, nullptr, ngx::create_conf<MainConf>,     ngx::init_conf<MainConf, init_main>,
    nullptr, nullptr, ngx::create_conf<LocationConf>, ngx::merge_conf<LocationConf, merge>,
};

}  // namespace

}  // namespace guard::health

constinit ngx_module_t ngx_http_guard_health_module =
    guard::ngx::http_module(&guard::health::context, guard::health::commands,
                            {guard::health::init_process, guard::health::exit_process});
