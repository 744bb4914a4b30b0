// Active sessions, the nginx face: guard_sessions, and what counts them when an answer begins.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/client_key.h"
#include "core/clock.h"
#include "core/leased_job.h"
#include "core/metrics.h"
#include "core/remote.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "core/zone_metrics.h"
#include "metrics/session_exchange.h"
#include "metrics/session_policy.h"
#include "metrics/session_windows.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/zone.h"

extern "C" ngx_module_t ngx_http_guard_sessions_module;

namespace guard::metrics {

namespace {

using core::MetricFamily;
using core::MetricText;
using core::MetricType;

constexpr MetricFamily kSessions = {"guard_sessions", MetricType::gauge, "",
                                    "Sessions that were active within the window, estimated"};
constexpr MetricFamily kShared = {
    "guard_sessions_shared", MetricType::gauge, "",
    "1 while guard_sessions counts all nginx that share its Redis, else 0"};

constexpr unsigned kFirstFailure = 400;                    // status
constexpr std::size_t kZoneSize = std::size_t{256} << 10;  // with nginx's own bookkeeping

struct Sessions {
  SessionPolicy policy;
  std::string labels;
  core::ClientKey key;
  ngx::Place place;  // of its definition
  std::optional<SessionWindows> windows;
  std::unique_ptr<SessionExchange> exchange;  // null: this nginx alone

  bool is_shared() const noexcept { return exchange != nullptr && exchange->is_shared(); }
};

struct MainConf {
  std::vector<Sessions*> all;
};

struct LocationConf {};

std::uint64_t wall_ms() noexcept {
  return core::wall_microseconds() / 1000;
}

// When an answer begins: what failed, or was refused, is nobody's activity, and a guessed session
// counts no more than it opens.
void count(ngx_http_request_t* r, core::Request* request) noexcept {
  if (r->headers_out.status >= static_cast<ngx_int_t>(kFirstFailure)) return;
  if (request == nullptr) request = core::Request::get(r);
  if (request == nullptr || request->refused()) return;
  const auto& main = *static_cast<const MainConf*>(
      ngx_http_get_module_main_conf(r, ngx_http_guard_sessions_module));
  const std::uint64_t now = wall_ms();
  for (Sessions* sessions : main.all) {
    std::uint64_t hash = 0;
    if (sessions->key.hash(*request, hash) != core::KeyState::known) continue;
    sessions->windows->add(hash, now);
  }
}

const core::HeaderStage kStage = {core::kStageHeaders + 2, count};

// Metrics

bool write_sessions(void* context, std::size_t index, MetricText& out) {
  const auto& all = static_cast<const MainConf*>(context)->all;
  if (index >= all.size()) return false;
  const Sessions& sessions = *all[index];
  std::uint64_t active = sessions.windows->count(wall_ms());
  // All that are here are among those of all.
  if (sessions.is_shared()) {
    active = std::max(active, core::load(sessions.windows->memory().shared_count));
  }
  out.sample(sessions.labels, active);
  return true;
}

bool write_shared(void* context, std::size_t index, MetricText& out) {
  const auto& all = static_cast<const MainConf*>(context)->all;
  if (index >= all.size()) return false;
  const Sessions& sessions = *all[index];
  if (sessions.exchange == nullptr) return true;
  out.sample(sessions.labels, std::uint64_t{sessions.is_shared() ? 1U : 0U});
  return true;
}

// Configuration

void format(std::span<std::byte> memory, void* context) noexcept {
  static_cast<Sessions*>(context)->windows->attach(memory, true);
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  return static_cast<Sessions*>(context)->windows->attach(memory, false);
}

const core::LeasedJob::Work kWork = {
    [](void* context) noexcept -> std::uint64_t& {
      return static_cast<Sessions*>(context)->windows->memory().lease;
    },
    [](void* context, bool fresh) noexcept {
      static_cast<Sessions*>(context)->exchange->run(fresh);
    },
    [](void* context) noexcept { return static_cast<Sessions*>(context)->exchange->busy(); }};

void set_sessions(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  static_assert(sizeof(SessionMemory) + (std::size_t{16} << 10) < kZoneSize);
  SessionPolicy policy = parse_sessions(words);
  for (const Sessions* other : conf.all) {
    if (other->policy.name == policy.name) {
      core::fail("sessions \"", policy.name, "\" are defined twice");
    }
  }
  auto* sessions = ngx::pool_new<Sessions>(cf->pool);
  sessions->place = ngx::place_of(cf);
  core::add_key_text(cf, "guard_sessions \"" + policy.name + "\"", "key", policy.key);
  sessions->policy = std::move(policy);
  sessions->labels = core::metric_labels({{"policy", sessions->policy.name}});
  sessions->key.compile(cf, sessions->policy.zone_name(), sessions->policy.variables);
  sessions->windows.emplace(static_cast<std::uint64_t>(sessions->policy.window.count()));
  if (!sessions->policy.redis.empty()) {
    sessions->exchange = std::make_unique<SessionExchange>(
        sessions->policy, *sessions->windows, core::remote_store(cf, sessions->policy.redis));
    core::add_job(cf, static_cast<ngx_msec_t>(SessionExchange::interval(*sessions->windows)), kWork,
                  sessions);
  }
  constexpr std::uint64_t kVersion = 1;
  const std::uint64_t layout =
      (sessions->windows->slice_ms() << 8U | kVersion) ^ sessions->policy.key_hash();
  const ngx::Zone* zone =
      ngx::Zone::add(cf, sessions->policy.zone_name(), kZoneSize, layout, format, adopt, sessions);
  core::add_zone_metrics(cf, *zone, sizeof(SessionMemory));
  if (conf.all.empty()) {
    core::metrics_of(cf).add(kSessions, write_sessions, &conf);
    core::metrics_of(cf).add(kShared, write_shared, &conf);
  }
  conf.all.push_back(sessions);
}

void init_main(ngx_conf_t* cf, MainConf& conf) {
  for (const Sessions* sessions : conf.all) {
    if (sessions->policy.redis.empty()) continue;
    try {
      core::check_remote(cf, "guard_sessions \"" + sessions->policy.name + "\"");
    } catch (const core::ConfigError& error) {
      ngx::fail(cf, sessions->place, error.what());
    }
  }
}

void merge(ngx_conf_t* cf, LocationConf& /*parent*/, LocationConf& /*child*/) {
  const auto& main = *static_cast<const MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_sessions_module));
  if (!main.all.empty()) core::activate(cf, kStage);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_header_stage(cf, kStage);
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_sessions"), NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_sessions>),
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

}  // namespace guard::metrics

constinit ngx_module_t ngx_http_guard_sessions_module =
    guard::ngx::http_module(&guard::metrics::context, guard::metrics::commands);
