#include "core/node_metrics.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "core/census.h"
#include "core/check.h"
#include "core/clock.h"
#include "core/core_config.h"
#include "core/version.h"
#include "core/zone_metrics.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

constexpr MetricFamily kBuild = {"guard_build_info", MetricType::gauge, "",
                                 "Always 1, with the versions of Guard and nginx"};
constexpr MetricFamily kStarted = {"guard_start_time_seconds", MetricType::gauge, "seconds",
                                   "When this nginx began to count, since 1970"};
constexpr MetricFamily kGeneration = {
    "guard_config_generation", MetricType::gauge, "",
    "How many configurations have been in force since nginx started"};
constexpr MetricFamily kLoaded = {"guard_config_load_time_seconds", MetricType::gauge, "seconds",
                                  "Since when the configuration is in force, since 1970"};
constexpr MetricFamily kBreakGlass = {"guard_break_glass", MetricType::gauge, "",
                                      "1 while break glass makes all of Guard observe"};
constexpr MetricFamily kProcesses = {"guard_workers", MetricType::gauge, "",
                                     "Worker processes, by whether they still take connections"};
constexpr MetricFamily kStarts = {"guard_worker_starts", MetricType::counter, "",
                                  "Worker processes that have begun to work"};
constexpr MetricFamily kCrashes = {"guard_worker_crashes", MetricType::counter, "",
                                   "Worker processes that were found dead"};
constexpr MetricFamily kCpu = {"guard_worker_cpu_seconds", MetricType::counter, "seconds",
                               "CPU time, by the number of the worker"};
constexpr MetricFamily kResident = {"guard_worker_resident_memory_bytes", MetricType::gauge,
                                    "bytes", "Resident memory, by the number of the worker"};
constexpr MetricFamily kOpen = {"guard_worker_connections", MetricType::gauge, "",
                                "Connections in use, by the number of the worker"};
constexpr MetricFamily kZoneSize = {"guard_zone_size_bytes", MetricType::gauge, "bytes",
                                    "Size of a shared memory zone"};
constexpr MetricFamily kCertificate = {"guard_certificate_not_after_time_seconds",
                                       MetricType::gauge, "seconds",
                                       "When a TLS certificate of a server ends, since 1970"};
#if (NGX_STAT_STUB)
constexpr MetricFamily kConnections = {"guard_connections", MetricType::gauge, "",
                                       "Connections of clients, by what they do"};
constexpr MetricFamily kAccepted = {"guard_connections_accepted", MetricType::counter, "",
                                    "Connections of clients that were accepted"};
constexpr MetricFamily kHandled = {"guard_connections_handled", MetricType::counter, "",
                                   "Connections of clients that were accepted and not dropped"};
#endif

bool write_build(void* /*context*/, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  out.sample(metric_labels({{"version", kVersion}, {"nginx", NGINX_VERSION}}), std::uint64_t{1});
  return true;
}

bool write_break_glass(void* /*context*/, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  out.sample({}, std::uint64_t{break_glass() ? 1U : 0U});
  return true;
}

#if (NGX_STAT_STUB)
bool write_connections(void* /*context*/, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto number = [](const ngx_atomic_t* counter) {
    return static_cast<std::uint64_t>(
        std::max<ngx_atomic_int_t>(static_cast<ngx_atomic_int_t>(*counter), 0));
  };
  out.sample("state=\"reading\"", number(ngx_stat_reading));
  out.sample("state=\"waiting\"", number(ngx_stat_waiting));
  out.sample("state=\"writing\"", number(ngx_stat_writing));
  return true;
}

template <ngx_atomic_t** counter>
bool write_total(void* /*context*/, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  out.sample({}, std::uint64_t{**counter});
  return true;
}
#endif

// Every zone of the configuration that runs: Guard's, and those of others beside them.
const ngx_shm_zone_t* zone_number(std::size_t index) noexcept {
  const auto* cycle = const_cast<const ngx_cycle_t*>(ngx_cycle);
  const ngx_list_part_t* part = &cycle->shared_memory.part;
  for (; part != nullptr; part = part->next) {
    if (index >= part->nelts) {
      index -= part->nelts;
      continue;
    }
    return &static_cast<const ngx_shm_zone_t*>(part->elts)[index];
  }
  return nullptr;
}

bool write_zone(void* /*context*/, std::size_t index, MetricText& out) {
  const ngx_shm_zone_t* zone = zone_number(index);
  if (zone == nullptr) return false;
  out.sample(metric_labels({{"zone", ngx::to_view(zone->shm.name)}}),
             std::uint64_t{zone->shm.size});
  return true;
}

// Of Guard's own a Census says it.
bool write_used(void* /*context*/, std::size_t index, MetricText& out) {
  const ngx_shm_zone_t* zone = zone_number(index);
  if (zone == nullptr) return false;
  std::uint64_t used = 0;
  std::uint64_t pages = 0;
  if (!pages_in_use(*zone, used, pages)) return true;
  out.sample(metric_labels({{"zone", ngx::to_view(zone->shm.name)}}),
             static_cast<double>(used) / static_cast<double>(pages));
  return true;
}

std::uint64_t cpu_microseconds() noexcept {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto in_microseconds = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(time.tv_usec);
  };
  return in_microseconds(usage.ru_utime) + in_microseconds(usage.ru_stime);
}

// The second number of /proc/self/statm, in pages.
std::uint64_t resident_bytes() noexcept {
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::array<char, 128> text;
  const ssize_t size = read(file, text.data(), text.size());
  close(file);
  if (size <= 0) return 0;
  const char* end = text.data() + size;
  const char* second = std::find<const char*>(text.data(), end, ' ');
  std::uint64_t pages = 0;
  if (second == end || std::from_chars(second + 1, end, pages).ec != std::errc{}) return 0;
  return pages * static_cast<std::uint64_t>(getpagesize());
}

std::uint64_t now_ms() noexcept {
  return wall_microseconds() / 1000;
}

}  // namespace

// Only those that are known before a connection comes: not those whose names hold variables. Of
// servers that share their first name, on several ports perhaps, the one that ends first counts.
void NodeMetrics::add_certificates([[maybe_unused]] ngx_conf_t* cf) {
#if (NGX_HTTP_SSL)
  const auto* core = static_cast<const ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto* const* servers = static_cast<ngx_http_core_srv_conf_t**>(core->servers.elts);
  std::map<std::string, std::size_t> places;
  for (ngx_uint_t i = 0; i < core->servers.nelts; ++i) {
    const auto* ssl = static_cast<const ngx_http_ssl_srv_conf_t*>(
        servers[i]->ctx->srv_conf[ngx_http_ssl_module.ctx_index]);
    if (ssl == nullptr || ssl->ssl.ctx == nullptr) continue;
    for (long more = SSL_CTX_set_current_cert(ssl->ssl.ctx, SSL_CERT_SET_FIRST); more == 1;
         more = SSL_CTX_set_current_cert(ssl->ssl.ctx, SSL_CERT_SET_NEXT)) {
      X509* certificate = SSL_CTX_get0_certificate(ssl->ssl.ctx);
      if (certificate == nullptr) break;
      tm end{};
      if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) continue;
      const EVP_PKEY* key = X509_get0_pubkey(certificate);
      const int kind = key == nullptr ? 0 : EVP_PKEY_get_base_id(key);
      std::string_view name = ngx::to_view(servers[i]->server_name);
      std::string labels = metric_labels({{"server", name.empty() ? std::string_view("_") : name},
                                          {"key", kind == 0 ? "unknown" : OBJ_nid2sn(kind)}});
      const auto not_after = static_cast<std::int64_t>(timegm(&end));
      const auto [known, first] = places.emplace(labels, certificates_.size());
      if (first) {
        certificates_.push_back({std::move(labels), not_after});
      } else {
        std::int64_t& earliest = certificates_[known->second].not_after;
        earliest = std::min(earliest, not_after);
      }
    }
    SSL_CTX_set_current_cert(ssl->ssl.ctx, SSL_CERT_SET_FIRST);
  }
#endif
}

void NodeMetrics::add_to(ngx_conf_t* cf, MetricRegistry& registry) {
  registry_ = &registry;
  configuration_ = wall_microseconds();
  registry.add(kBuild, write_build, nullptr);
  registry.add(kStarted, write_started, this);
  registry.add(kGeneration, write_generation, this);
  registry.add(kLoaded, write_loaded, this);
  registry.add(kBreakGlass, write_break_glass, nullptr);
  registry.add(kProcesses, write_processes, this);
  starts_ = &registry.counter(kStarts, {});
  crashes_ = &registry.counter(kCrashes, {});
  cpu_ = &registry.block("worker cpu", kNumbers);
  registry.add(kCpu, write_cpu, this);
  registry.add(kResident, write_resident, this);
  registry.add(kOpen, write_open, this);
#if (NGX_STAT_STUB)
  registry.add(kConnections, write_connections, nullptr);
  registry.add(kAccepted, write_total<&ngx_stat_accepted>, nullptr);
  registry.add(kHandled, write_total<&ngx_stat_handled>, nullptr);
#endif
  registry.add(kZoneSize, write_zone, nullptr);
  registry.add(kZoneUsed, write_used, nullptr);
  add_certificates(cf);
  registry.add(kCertificate, write_certificate, this);
}

void NodeMetrics::enter(MetricRegistry& registry) noexcept {
  counted_cpu_ = 0;
  const std::uint64_t crashed =
      registry.enter(memory_, static_cast<std::uint64_t>(ngx_pid), ngx_worker);
  memory_.put_in_force(configuration_, now_ms());
  starts_->add();
  if (crashed != 0) crashes_->add(crashed);
  refresh();
}

void NodeMetrics::leave(MetricRegistry& registry) noexcept {
  refresh();
  registry.leave();
}

void NodeMetrics::refresh() noexcept {
  const std::uint64_t cpu = cpu_microseconds();
  if (cpu > counted_cpu_) {
    cpu_->add(std::min<std::size_t>(ngx_worker, kNumbers - 1), cpu - counted_cpu_);
    counted_cpu_ = cpu;
  }
  // One that was leaving is followed by no other, who would find it dead.
  if (const std::uint64_t crashed = memory_.forget_dead(); crashed != 0) crashes_->add(crashed);
  MetricWorker* worker = registry_->worker();
  if (worker == nullptr) return;
  worker->exiting.store(ngx_exiting, std::memory_order_relaxed);
  worker->resident_bytes.store(resident_bytes(), std::memory_order_relaxed);
  worker->connections.store(ngx_cycle->connection_n - ngx_cycle->free_connection_n,
                            std::memory_order_relaxed);
  registry_->sample();
}

namespace {

std::string worker_label(std::size_t number) {
  return "worker=\"" + std::to_string(number) + "\"";
}

}  // namespace

// The workers are listed up to the highest number that lives; of a number there are two while
// one of an old configuration still serves.
template <class Figure>
bool NodeMetrics::write_worker(std::size_t number, MetricText& out, Figure&& figure) const {
  bool any = false;
  bool more = false;
  std::uint64_t sum = 0;
  for (const MetricWorker& worker : memory_.workers()) {
    if (worker.process.load(std::memory_order_relaxed) == 0) continue;
    const std::uint64_t own = std::min<std::uint64_t>(worker.number.load(), kNumbers - 1);
    more = more || own >= number;
    if (own != number) continue;
    any = true;
    sum += figure(worker).load(std::memory_order_relaxed);
  }
  if (any) out.sample(worker_label(number), sum);
  return more;
}

bool NodeMetrics::write_cpu(void* context, std::size_t index, MetricText& out) {
  const auto& self = *static_cast<const NodeMetrics*>(context);
  if (index >= kNumbers) return false;
  const std::uint64_t cpu = self.cpu_->sum(index);
  if (cpu == 0) return false;
  out.sample(worker_label(index), cpu, 6);
  return true;
}

bool NodeMetrics::write_resident(void* context, std::size_t index, MetricText& out) {
  return static_cast<const NodeMetrics*>(context)->write_worker(
      index, out, [](const MetricWorker& w) -> auto& { return w.resident_bytes; });
}

bool NodeMetrics::write_open(void* context, std::size_t index, MetricText& out) {
  return static_cast<const NodeMetrics*>(context)->write_worker(
      index, out, [](const MetricWorker& w) -> auto& { return w.connections; });
}

bool NodeMetrics::write_processes(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  std::array<std::uint64_t, 2> count{};
  for (const MetricWorker& worker : static_cast<const NodeMetrics*>(context)->memory_.workers()) {
    if (worker.process.load(std::memory_order_relaxed) == 0) continue;
    ++count[worker.exiting.load(std::memory_order_relaxed) != 0 ? 1 : 0];
  }
  out.sample("state=\"running\"", count[0]);
  out.sample("state=\"exiting\"", count[1]);
  return true;
}

bool NodeMetrics::write_started(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  out.sample({}, static_cast<const NodeMetrics*>(context)->memory_.started_ms(), 3);
  return true;
}

bool NodeMetrics::write_generation(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  out.sample({}, static_cast<const NodeMetrics*>(context)->memory_.configurations());
  return true;
}

bool NodeMetrics::write_loaded(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  out.sample({}, static_cast<const NodeMetrics*>(context)->memory_.in_force_since_ms(), 3);
  return true;
}

bool NodeMetrics::write_certificate(void* context, std::size_t index, MetricText& out) {
  const auto& certificates = static_cast<const NodeMetrics*>(context)->certificates_;
  if (index >= certificates.size()) return false;
  out.sample(certificates[index].labels, static_cast<double>(certificates[index].not_after));
  return true;
}

}  // namespace guard::core
