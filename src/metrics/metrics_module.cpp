// Metrics, the nginx face: the endpoint, what is counted of each request, and the shared memory in
// which all rooms count.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/accept.h"
#include "core/census.h"
#include "core/check.h"
#include "core/local_answer.h"
#include "core/metric_answer.h"
#include "core/metrics.h"
#include "core/node_metrics.h"
#include "core/request.h"
#include "core/zone_metrics.h"
#include "metrics/policy.h"
#include "metrics/route_slots.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "ngx/timer.h"
#include "ngx/zone.h"

extern "C" ngx_module_t ngx_http_guard_metrics_module;

namespace guard::metrics {

namespace {

using core::MetricFamily;
using core::MetricText;
using core::MetricType;

constexpr MetricFamily kRequests = {"guard_requests", MetricType::counter, "",
                                    "Requests that are over"};
constexpr MetricFamily kDuration = {"guard_request_duration_seconds", MetricType::histogram,
                                    "seconds", "From a request's first byte to its last"};
constexpr MetricFamily kUpstreamDuration = {
    "guard_upstream_duration_seconds", MetricType::histogram, "seconds",
    "How long the upstreams of a request took for their answers"};
constexpr MetricFamily kBytesIn = {"guard_request_bytes", MetricType::counter, "bytes",
                                   "Bytes of requests, with their fields"};
constexpr MetricFamily kBytesOut = {"guard_response_bytes", MetricType::counter, "bytes",
                                    "Bytes of responses, with their fields"};
constexpr MetricFamily kEvents = {"guard_events", MetricType::counter, "",
                                  "Security events by their kind"};

constexpr std::size_t kZoneOverhead = 50;  // nginx takes less than one in so many bytes
constexpr ngx_msec_t kRefreshInterval = 1000;
constexpr std::string_view kNoName = "_";   // of a server
constexpr std::string_view kNoRoute = "-";  // of what never reached a location
constexpr std::string_view kZone = "guard_metrics";

struct Route {
  std::string labels;
  const core::MetricBlock* counts;
  const core::MetricBlock* times;
};

struct MainConf {
  bool used = false;  // somebody reads them
  std::vector<std::uint64_t> bounds;
  std::size_t zone_size = 0;
  std::optional<RouteTimes> times;
  std::vector<std::unique_ptr<Route>> routes;
  std::map<std::string, const Route*, std::less<>> route_by_labels;
  std::array<const core::Counter*, core::kEventKindCount> events{};
  core::MetricRegistry* registry = nullptr;
  core::NodeMetrics node;
};

struct LocationConf {
  EndpointPolicy endpoint;
  bool is_endpoint = false;
  const Route* route = nullptr;
  // Of an API description, by where their names are kept.
  std::vector<std::pair<const char*, const Route*>> operations;
};

MainConf& main_of(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_metrics_module));
}

MainConf* main_of(ngx_cycle_t* cycle) noexcept {
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == nullptr) return nullptr;
  return static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_metrics_module));
}

// Requests

Method method_of(ngx_uint_t method) noexcept {
  switch (method) {
    case NGX_HTTP_GET:
      return Method::get;
    case NGX_HTTP_HEAD:
      return Method::head;
    case NGX_HTTP_POST:
      return Method::post;
    case NGX_HTTP_PUT:
      return Method::put;
    case NGX_HTTP_PATCH:
      return Method::patch;
    case NGX_HTTP_DELETE:
      return Method::del;
    case NGX_HTTP_OPTIONS:
      return Method::options;
    default:
      return Method::other;
  }
}

unsigned status_of(const ngx_http_request_t* r) noexcept {
  return static_cast<unsigned>(r->err_status != 0 ? r->err_status : r->headers_out.status);
}

std::uint64_t wall_ms() noexcept {
  const ngx_time_t* now = ngx_timeofday();
  return static_cast<std::uint64_t>(now->sec) * 1000 + now->msec;
}

std::uint64_t age_of(const ngx_http_request_t* r, std::uint64_t now_ms) noexcept {
  const std::uint64_t start = static_cast<std::uint64_t>(r->start_sec) * 1000 + r->start_msec;
  return now_ms > start ? now_ms - start : 0;
}

void add_upstream(const ngx_http_request_t* r, RequestNumbers& numbers) noexcept {
  if (r->upstream_states == nullptr) return;
  const auto* states = static_cast<const ngx_http_upstream_state_t*>(r->upstream_states->elts);
  for (ngx_uint_t i = 0; i < r->upstream_states->nelts; ++i) {
    if (states[i].peer == nullptr || states[i].response_time == static_cast<ngx_msec_t>(-1)) {
      continue;
    }
    numbers.asked_upstream = true;
    numbers.upstream_milliseconds += states[i].response_time;
  }
}

const Route* route_of(ngx_http_request_t* r) noexcept {
  void** location = core::answering_location(r);
  const auto& conf =
      *static_cast<const LocationConf*>(location[ngx_http_guard_metrics_module.ctx_index]);
  if (conf.operations.empty()) return conf.route;
  const core::Request* request = core::Request::find(r);
  if (request == nullptr) return conf.route;
  const char* name = request->operation().data();
  const auto found = std::ranges::lower_bound(conf.operations, name, {},
                                              &std::pair<const char*, const Route*>::first);
  return found != conf.operations.end() && found->first == name ? found->second : conf.route;
}

// Whose id it is, an operator finds in logs and events.
void keep_exemplar(ngx_http_request_t* r, std::uint64_t* words, std::uint64_t value,
                   std::uint64_t now_ms) noexcept {
  core::Request* request = core::Request::get(r);
  if (request == nullptr) return;
  ExemplarSlot::Content content{now_ms, {}, value};
  if (parse_request_id(request->request_id(), content.id)) ExemplarSlot::put(words, content);
}

ngx_int_t count_request(ngx_http_request_t* r) noexcept {
  if (r != r->main) return NGX_OK;
  const Route* route = route_of(r);
  if (route == nullptr) return NGX_OK;
  const auto& main = *static_cast<const MainConf*>(
      ngx_http_get_module_main_conf(r, ngx_http_guard_metrics_module));
  const std::uint64_t now_ms = wall_ms();
  RequestNumbers numbers;
  numbers.method = method_of(r->method);
  numbers.status = status_of(r);
  numbers.bytes_in = static_cast<std::uint64_t>(std::max<off_t>(r->request_length, 0));
  numbers.bytes_out = static_cast<std::uint64_t>(std::max<off_t>(r->connection->sent, 0));
  numbers.milliseconds = age_of(r, now_ms);
  add_upstream(r, numbers);
  if (std::uint64_t* words = route->counts->words()) RouteCounts::record(words, numbers);
  std::uint64_t* words = route->times->words();
  if (words == nullptr) return NGX_OK;
  const std::size_t bucket = main.times->record(words, numbers);
  std::uint64_t* exemplar = main.times->exemplar(words, bucket);
  if (ExemplarSlot::is_due(exemplar, now_ms)) {
    keep_exemplar(r, exemplar, numbers.milliseconds, now_ms);
  }
  return NGX_OK;
}

void count_event(const core::Event& event, core::Request* /*request*/) noexcept {
  const MainConf* main = main_of(const_cast<ngx_cycle_t*>(ngx_cycle));
  const core::Counter* counter = main->events[static_cast<std::size_t>(event.kind)];
  if (counter != nullptr) counter->add();
}

// The families of the routes

template <void (RouteTimes::*write)(MetricText&, std::string_view, const core::MetricBlock&) const>
bool write_times(void* context, std::size_t index, MetricText& out) {
  const auto& main = *static_cast<const MainConf*>(context);
  if (index >= main.routes.size()) return false;
  const Route& route = *main.routes[index];
  (*main.times.*write)(out, route.labels, *route.times);
  return true;
}

template <void (*write)(MetricText&, std::string_view, const core::MetricBlock&)>
bool write_counts(void* context, std::size_t index, MetricText& out) {
  const auto& main = *static_cast<const MainConf*>(context);
  if (index >= main.routes.size()) return false;
  write(out, main.routes[index]->labels, *main.routes[index]->counts);
  return true;
}

void add_families(MainConf& main) {
  core::MetricRegistry& registry = *main.registry;
  registry.add(kRequests, write_counts<RouteCounts::write_requests>, &main);
  registry.add(kDuration, write_times<&RouteTimes::write_duration>, &main);
  registry.add(kUpstreamDuration, write_times<&RouteTimes::write_upstream_duration>, &main);
  registry.add(kBytesIn, write_counts<RouteCounts::write_bytes_in>, &main);
  registry.add(kBytesOut, write_counts<RouteCounts::write_bytes_out>, &main);
  for (std::size_t i = 0; i < main.events.size(); ++i) {
    const std::string_view kind = core::info_of(static_cast<core::EventKind>(i)).name;
    main.events[i] = &registry.counter(kEvents, core::metric_labels({{"kind", kind}}));
  }
}

// The endpoint

ngx_int_t answer(ngx_http_request_t* r) noexcept {
  const auto& conf = *static_cast<const LocationConf*>(
      ngx_http_get_module_loc_conf(r, ngx_http_guard_metrics_module));
  if (!conf.endpoint.open && core::is_stranger(r)) return NGX_HTTP_FORBIDDEN;
  const ngx_int_t rc = core::begin_answer(r);
  if (rc != NGX_OK) return rc;
  MainConf& main =
      *static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_guard_metrics_module));
  main.node.refresh();
  const bool open = core::prefers_openmetrics(ngx::request_field(r, "accept"));
  return core::answer_metrics(
      r, *main.registry, open ? core::MetricFormat::openmetrics : core::MetricFormat::prometheus);
}

// Configuration

void set_metrics(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.is_endpoint) core::fail("\"guard_metrics\" directive is duplicate");
  conf.endpoint = parse_endpoint(words);
  conf.is_endpoint = true;
  core::want_metrics(cf);
  core::answer_here(cf, words.directive(), answer);
}

void set_buckets(ngx_conf_t* /*cf*/, core::Words& words, MainConf& conf) {
  if (!conf.bounds.empty()) core::fail("\"guard_metrics_buckets\" directive is duplicate");
  conf.bounds = parse_buckets(words);
}

void set_zone(ngx_conf_t* /*cf*/, core::Words& words, MainConf& conf) {
  if (conf.zone_size != 0) core::fail("\"guard_metrics_zone\" directive is duplicate");
  conf.zone_size = parse_zone_size(words);
}

void init_main(ngx_conf_t* /*cf*/, MainConf& conf) {
  if (conf.bounds.empty()) conf.bounds = default_buckets();
  if (conf.zone_size == 0) conf.zone_size = kDefaultZoneSize;
  conf.times.emplace(conf.bounds);
}

const Route* add_route(ngx_conf_t* cf, std::string_view server, std::string_view name) {
  MainConf& main = main_of(cf);
  std::string labels = core::metric_labels(
      {{"server", server.empty() ? kNoName : server}, {"route", name.empty() ? kNoRoute : name}});
  const Route*& known = main.route_by_labels[labels];
  if (known != nullptr) return known;
  core::MetricRegistry& registry = core::metrics_of(cf);
  const core::MetricBlock& counts = registry.block("route{" + labels + "}", RouteCounts::kWords);
  const core::MetricBlock& times =
      registry.block("times{" + labels + "} " + main.times->fingerprint(), main.times->words());
  main.routes.push_back(std::make_unique<Route>(Route{std::move(labels), &counts, &times}));
  known = main.routes.back().get();
  return known;
}

void merge(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (!core::metrics_wanted(cf)) return;
  const bool within = core::is_block_within(cf);
  if (within) child = parent;
  if (child.is_endpoint && !child.endpoint.open) core::exempt_location(cf, {core::Feature::rate});
  if (within) return;
  const auto& server = *static_cast<const ngx_http_core_srv_conf_t*>(
      ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module));
  const std::string_view server_name = ngx::to_view(server.server_name);
  const std::string_view given = core::route_of(cf);
  if (!given.empty()) {
    child.route = add_route(cf, server_name, given);
    return;
  }
  child.route = add_route(cf, server_name, core::location_name(cf));
  for (const std::string_view operation : core::operations_of(cf)) {
    child.operations.emplace_back(operation.data(), add_route(cf, server_name, operation));
  }
  std::ranges::sort(child.operations);
}

void format(std::span<std::byte> memory, void* context) noexcept {
  auto& main = *static_cast<MainConf*>(context);
  // postconfigure() has seen to it that there is room.
  main.node.memory().format(memory);
  main.registry->resolve(main.node.memory());
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  auto& main = *static_cast<MainConf*>(context);
  if (!main.node.memory().adopt(memory)) return false;
  if (!main.registry->resolve(main.node.memory())) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "zone \"guard_metrics\" has no room beside what old configurations count, "
                  "a part is not counted until nginx is restarted; enlarge guard_metrics_zone");
  }
  return true;
}

core::ZoneUse use_of(void* context) noexcept {
  const core::MetricMemory& memory = static_cast<MainConf*>(context)->node.memory();
  core::ZoneUse use;
  memory.read_use(use.used, use.places);
  use.evictions = memory.refused();
  return use;
}

// Behind all other modules of Guard: what they count is known now.
void postconfigure(ngx_conf_t* cf) {
  MainConf& main = main_of(cf);
  main.used = core::metrics_wanted(cf);
  if (!main.used) return;
  core::start_censuses(cf);
  main.registry = &core::metrics_of(cf);
  add_families(main);
  main.node.add_to(cf, *main.registry);
  const std::size_t needed =
      core::MetricMemory::bytes_for(main.registry->words(), main.registry->entries());
  if (needed > main.zone_size - main.zone_size / kZoneOverhead) {
    const std::size_t megabytes = (needed + needed / kZoneOverhead) / (1U << 20) + 1;
    core::fail("zone \"", kZone, "\" is too small for all that is counted, say \"",
               "guard_metrics_zone ", std::to_string(megabytes), "m\" or more");
  }
  const ngx::Zone* zone = ngx::Zone::add(cf, kZone, main.zone_size, 1, format, adopt, &main);
  core::add_zone_metrics(cf, *zone, use_of, &main);
  ngx::add_handler(cf, NGX_HTTP_LOG_PHASE, count_request);
  core::install_error_page_notes(cf);
  core::add_listener(cf, count_event);
}

// Processes

ngx::IntervalTimer refresh_timer;

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  MainConf* main = main_of(cycle);
  if (main == nullptr || !main->used || !ngx::is_worker()) return NGX_OK;
  main->node.enter(*main->registry);
  refresh_timer.start(
      kRefreshInterval,
      [](void* context) noexcept { static_cast<MainConf*>(context)->node.refresh(); }, main);
  return NGX_OK;
}

void exit_process(ngx_cycle_t* cycle) noexcept {
  MainConf* main = main_of(cycle);
  if (main == nullptr || !main->used || !ngx::is_worker()) return;
  refresh_timer.stop();
  main->node.leave(*main->registry);
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_metrics"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_metrics>),
    ngx::command(ngx_string("guard_metrics_buckets"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_buckets>),
    ngx::command(ngx_string("guard_metrics_zone"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_zone>),
    ngx_null_command,
};

ngx_http_module_t context = {
    nullptr,
    ngx::configuration<postconfigure>,
    ngx::create_conf<MainConf>,
    ngx::init_conf<MainConf, init_main>,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge>,
};

}  // namespace

}  // namespace guard::metrics

constinit ngx_module_t ngx_http_guard_metrics_module =
    guard::ngx::http_module(&guard::metrics::context, guard::metrics::commands,
                            {guard::metrics::init_process, guard::metrics::exit_process});
