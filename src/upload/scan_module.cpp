// guard_upload_scan's nginx face: the scanners, what each worker knows of them, and which location
// asks which. Who asks them is guard_upload (upload_module.cpp).

#include <atomic>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/metrics.h"
#include "core/zone_metrics.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/zone.h"
#include "upload/scan_module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_scan_module;
}

namespace guard::upload {

namespace {

constexpr std::size_t kZoneSize = 64 << 10;
constexpr ngx_msec_t kProbeTimeout = 2000;

using core::MetricFamily;
using core::MetricType;

constexpr MetricFamily kUp = {"guard_scanner_up", MetricType::gauge, "",
                              "1 while it is not known to be away"};
constexpr MetricFamily kScans = {"guard_scanner_files", MetricType::counter, "",
                                 "Files that were to be scanned, by what came of it"};
constexpr MetricFamily kActive = {"guard_scanner_active_scans", MetricType::gauge, "",
                                  "Forms whose files are being scanned"};
constexpr MetricFamily kWaiting = {"guard_scanner_waiting_scans", MetricType::gauge, "",
                                   "Forms that wait for their turn"};
constexpr MetricFamily kBreakers = {"guard_scanner_breakers_open", MetricType::gauge, "",
                                    "Workers that do not ask it, since it does not answer"};

// Of all workers.
struct Shared {
  static constexpr std::uint64_t kMagic = 0x6775617264736331;  // "guardsc1"
  std::uint64_t magic = 0;
  std::atomic<std::uint32_t> away;  // which one of them has told
};

}  // namespace

// One clamd, whoever names it.
struct ScanServer {
  std::string address;  // as it is written
  ngx::Endpoint endpoint;
  ngx::Route route;
  core::Service::Limits limits;
  bool connections_said = false;
  bool queue_said = false;
  Ping ping;
  Shared* shared = nullptr;
  std::optional<core::Service> service;  // of this worker
  const core::Counter* clean = nullptr;
  const core::Counter* infected = nullptr;
  const core::Counter* failed = nullptr;
  const core::WorkerGauge* active = nullptr;
  const core::WorkerGauge* waiting = nullptr;
  const core::WorkerGauge* breakers = nullptr;
};

namespace {

struct MainConf {
  std::vector<ScanServer*> servers;
  ngx::Place said;    // where something other than off was first; line 0: nowhere
  bool used = false;  // in some location
};

struct LocationConf {
  const Scanning* scanning = nullptr;  // null: nothing was said, or off
  bool said = false;
};

MainConf& main_of(ngx_conf_t* cf) noexcept {
  return *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_scan_module));
}

// Of all workers one says it; not one that quits, since nobody would take back what it has said.
void tell(void* context, bool there, std::string_view why) noexcept {
  if (ngx_exiting != 0) return;
  auto& server = *static_cast<ScanServer*>(context);
  std::uint32_t before = there ? 1 : 0;
  if (!server.shared->away.compare_exchange_strong(before, there ? 0 : 1)) return;
  const std::string_view name = server.address;
  core::Event event;
  event.policy = name;
  event.detail = why;
  if (there) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "guard_upload_scan: the scanner \"%*s\" is available again", name.size(),
                  name.data());
    event.kind = core::EventKind::scanner_recovered;
  } else {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "guard_upload_scan: the scanner \"%*s\" is unavailable: %*s", name.size(),
                  name.data(), why.size(), why.data());
    event.kind = core::EventKind::scanner_unavailable;
  }
  core::publish(event);
}

void settled(void* context, core::Request& request, Scan scan,
             std::string_view complaint) noexcept {
  auto& server = *static_cast<ScanServer*>(context);
  if (!complaint.empty()) {
    ngx_log_error(NGX_LOG_ERR, request.native()->connection->log, 0, "guard_upload_scan: %*s",
                  complaint.size(), complaint.data());
  }
  if (scan == Scan::failed) return server.failed->add();
  (scan == Scan::clean ? server.clean : server.infected)->add();
  // A worker that has said so may be gone.
  if (server.shared->away.load(std::memory_order_relaxed) != 0) tell(&server, true, {});
}

void format(std::span<std::byte> memory, void* context) noexcept {
  auto* shared = new (memory.data()) Shared{};
  shared->magic = Shared::kMagic;
  static_cast<ScanServer*>(context)->shared = shared;
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  auto* shared = reinterpret_cast<Shared*>(memory.data());
  if (memory.size() < sizeof(Shared) || shared->magic != Shared::kMagic) return false;
  static_cast<ScanServer*>(context)->shared = shared;
  return true;
}

void add_metrics(ngx_conf_t* cf, ScanServer& server) {
  core::MetricRegistry& registry = core::metrics_of(cf);
  const std::string labels = core::metric_labels({{"scanner", server.address}});
  auto counter = [&](std::string_view result) {
    return &registry.counter(
        kScans, core::metric_labels({{"scanner", server.address}, {"result", result}}));
  };
  registry.add(
      kUp,
      [](void* context, std::size_t index, core::MetricText& out) {
        if (index != 0) return false;
        const auto& one = *static_cast<const ScanServer*>(context);
        out.sample(core::metric_labels({{"scanner", one.address}}),
                   std::uint64_t{one.shared->away.load() == 0 ? 1U : 0U});
        return true;
      },
      &server);
  server.clean = counter("clean");
  server.infected = counter("infected");
  server.failed = counter("failed");
  server.active = &registry.worker_gauge(kActive, labels);
  server.waiting = &registry.worker_gauge(kWaiting, labels);
  server.breakers = &registry.worker_gauge(kBreakers, labels);
  registry.add_sampler(
      [](void* context) noexcept {
        const auto& one = *static_cast<const ScanServer*>(context);
        if (!one.service) return;
        one.active->set(one.service->talking());
        one.waiting->set(one.service->waiting());
        one.breakers->set(ngx_exiting != 0 || one.service->available() ? 0 : 1);
      },
      &server);
}

ScanServer& server_of(ngx_conf_t* cf, std::string_view address, const ScanPolicy& policy) {
  MainConf& main = main_of(cf);
  for (ScanServer* server : main.servers) {
    if (server->address == address) return *server;
  }
  auto* server = ngx::pool_new<ScanServer>(cf->pool);
  server->address = address;
  if (!ngx::resolve(cf, server->endpoint, policy.host, policy.port)) {
    core::fail("host not found in \"", address, "\"");
  }
  server->limits = {kScanConnections, kScanQueue, kProbeTimeout};
  const ngx::Zone* zone = ngx::Zone::add(cf, "guard_scanner:" + server->address, kZoneSize,
                                         Shared::kMagic ^ sizeof(Shared), format, adopt, server);
  core::add_zone_metrics(cf, *zone, sizeof(Shared));
  main.servers.push_back(server);
  add_metrics(cf, *server);
  return *server;
}

// All locations share it.
void limit(std::string_view word, std::optional<std::size_t> value, std::size_t& limit, bool& said,
           std::string_view address) {
  if (!value) return;
  if (said && limit != *value) {
    core::fail("\"", word, "\" of the scanner \"", address, "\" is ", std::to_string(limit),
               " elsewhere, and all that name it share it");
  }
  limit = *value;
  said = true;
}

void set_scan(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.said) core::fail("\"guard_upload_scan\" directive is duplicate");
  conf.said = true;
  ScanPolicy policy = parse_upload_scan(words);
  if (!policy.on) return;
  if (main_of(cf).said.line == 0) main_of(cf).said = ngx::place_of(cf);
  ScanServer& server = server_of(cf, words[0], policy);
  limit("connections=", policy.connections, server.limits.connections, server.connections_said,
        words[0]);
  limit("queue=", policy.queue, server.limits.waiting, server.queue_said, words[0]);
  auto* scanning = ngx::pool_new<Scanning>(cf->pool);
  scanning->policy = std::move(policy);
  scanning->server = &server;
  conf.scanning = scanning;
}

void merge_location(ngx_conf_t* /*cf*/, LocationConf& parent, LocationConf& child) {
  if (child.said) return;
  child.said = parent.said;
  child.scanning = parent.scanning;
}

// A scanner that is never asked is a mistake that nobody would notice.
void postconfigure(ngx_conf_t* cf) {
  const MainConf& main = main_of(cf);
  if (main.said.line == 0 || main.used) return;
  ngx::fail(cf, main.said,
            "\"guard_upload_scan\" scans nothing, no location that it stands for has "
            "\"guard_upload\"");
}

MainConf* main_conf(ngx_cycle_t* cycle) noexcept {
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == nullptr) return nullptr;
  return static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_scan_module));
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  if (!ngx::is_worker()) return NGX_OK;
  const MainConf* main = main_conf(cycle);
  if (main == nullptr) return NGX_OK;
  for (ScanServer* server : main->servers) {
    server->route.resolver = ngx::resolver_of(cycle);
    server->service.emplace(server->endpoint, server->route, server->limits, server->ping, tell,
                            server);
    server->service->start(server->shared->away.load() != 0);
  }
  return NGX_OK;
}

void exit_process(ngx_cycle_t* cycle) noexcept {
  const MainConf* main = main_conf(cycle);
  if (main == nullptr) return;
  for (ScanServer* server : main->servers) {
    if (server->service) server->service->stop();
  }
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_upload_scan"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_scan>),
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
    ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

const Scanning* use_scanning(ngx_conf_t* cf) {
  const auto* conf = static_cast<const LocationConf*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_guard_scan_module));
  if (conf->scanning != nullptr) main_of(cf).used = true;
  return conf->scanning;
}

const Scanning* scanning_of(const core::Request& request) noexcept {
  return static_cast<const LocationConf*>(
             ngx_http_get_module_loc_conf(request.native(), ngx_http_guard_scan_module))
      ->scanning;
}

Scanner* make_scanner(core::Request& request, const Scanning& scanning, FileFacts* files) noexcept {
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(request.pool(), sizeof(Scanner));
  if (cleanup == nullptr) return nullptr;
  auto* scanner = new (cleanup->data)
      Scanner(request, scanning.policy, *scanning.server->service, files, settled, scanning.server);
  cleanup->handler = [](void* one) noexcept { static_cast<Scanner*>(one)->~Scanner(); };
  return scanner;
}

}  // namespace guard::upload

constinit ngx_module_t ngx_http_guard_scan_module =
    guard::ngx::http_module(&guard::upload::context, guard::upload::commands,
                            {guard::upload::init_process, guard::upload::exit_process});
