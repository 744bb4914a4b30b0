// Redis, the nginx face: guard_redis, and the clients of each worker.

#include <string>
#include <vector>

#include "core/check.h"
#include "core/metrics.h"
#include "core/zone_metrics.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/secret.h"
#include "ngx/zone.h"
#include "redis/client.h"

extern "C" ngx_module_t ngx_http_guard_redis_module;

namespace guard::redis {

namespace {

constexpr std::size_t kZoneSize = 64 << 10;

struct MainConf {
  std::vector<Client*> clients;
};

// Of all workers one says it. One that quits knows the Redis of its own configuration, which may
// not be that of the others; and nobody would take back what it has said.
void tell(Client& client, bool whole, std::string_view why) noexcept {
  if (ngx_exiting != 0) return;
  std::uint32_t before = whole ? 1 : 0;
  if (!client.settings().shared->down.compare_exchange_strong(before, whole ? 0 : 1)) return;
  ngx_str_t name = ngx::borrow(client.name());
  ngx_str_t reason = ngx::borrow(why);
  core::Event event;
  event.policy = client.name();
  event.detail = why;
  if (whole) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "guard_redis \"%V\" is available again%s%V",
                  &name, why.empty() ? "" : ": ", &reason);
    event.kind = core::EventKind::redis_recovered;
  } else {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "guard_redis \"%V\" is unavailable: %V", &name,
                  &reason);
    event.kind = core::EventKind::redis_unavailable;
  }
  core::publish(event);
}

void format(std::span<std::byte> memory, void* context) noexcept {
  auto* shared = new (memory.data()) Shared{};
  shared->magic = Shared::kMagic;
  static_cast<Client*>(context)->settings().shared = shared;
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  auto* shared = reinterpret_cast<Shared*>(memory.data());
  if (memory.size() < sizeof(Shared) || shared->magic != Shared::kMagic) return false;
  static_cast<Client*>(context)->settings().shared = shared;
  return true;
}

// What is known of it

using core::MetricFamily;
using core::MetricType;

constexpr MetricFamily kUp = {"guard_redis_up", MetricType::gauge, "",
                              "1 while all servers are there that commands need"};
constexpr MetricFamily kCommands = {"guard_redis_commands", MetricType::counter, "",
                                    "Commands that were sent"};
constexpr MetricFamily kErrors = {"guard_redis_errors", MetricType::counter, "",
                                  "Replies that were errors"};
constexpr MetricFamily kTimeouts = {"guard_redis_timeouts", MetricType::counter, "",
                                    "Commands without a reply in time"};
constexpr MetricFamily kConnects = {"guard_redis_connects", MetricType::counter, "",
                                    "Connections that were opened"};
constexpr MetricFamily kWaiting = {"guard_redis_waiting_commands", MetricType::gauge, "",
                                   "Commands that wait for their replies"};
constexpr MetricFamily kBreakers = {"guard_redis_breakers_open", MetricType::gauge, "",
                                    "Workers whose breaker lets no commands pass"};

std::string labels_of(Client& client) {
  return core::metric_labels({{"redis", client.name()}});
}

template <std::atomic<std::uint64_t> Shared::*total>
bool write_total(void* context, std::size_t index, core::MetricText& out) {
  if (index != 0) return false;
  Client& client = *static_cast<Client*>(context);
  out.sample(labels_of(client), (client.settings().shared->*total).load());
  return true;
}

bool write_up(void* context, std::size_t index, core::MetricText& out) {
  if (index != 0) return false;
  Client& client = *static_cast<Client*>(context);
  out.sample(labels_of(client),
             std::uint64_t{client.settings().shared->down.load() == 0 ? 1U : 0U});
  return true;
}

struct Watched {
  Client* client;
  const core::WorkerGauge* waiting;
  const core::WorkerGauge* breakers;
};

void add_metrics(ngx_conf_t* cf, Client& client) {
  core::MetricRegistry& registry = core::metrics_of(cf);
  registry.add(kUp, write_up, &client);
  registry.add(kCommands, write_total<&Shared::commands>, &client);
  registry.add(kErrors, write_total<&Shared::errors>, &client);
  registry.add(kTimeouts, write_total<&Shared::timeouts>, &client);
  registry.add(kConnects, write_total<&Shared::connects>, &client);
  client.settings().round_trips.add_to(registry, labels_of(client));
  auto* watched = ngx::pool_new<Watched>(cf->pool);
  *watched = {&client, &registry.worker_gauge(kWaiting, labels_of(client)),
              &registry.worker_gauge(kBreakers, labels_of(client))};
  registry.add_sampler(
      [](void* context) noexcept {
        const auto& one = *static_cast<const Watched*>(context);
        one.waiting->set(one.client->waiting());
        // As tell() has it.
        one.breakers->set(ngx_exiting != 0 || one.client->available() ? 0 : 1);
      },
      watched);
}

void resolve_all(ngx_conf_t* cf, Settings& settings) {
  const Url& url = settings.policy.url;
  auto add = [&](std::string_view host, std::uint16_t port) {
    if (ngx::resolve(cf, settings.endpoints->emplace_back(), host, port)) return;
    ngx::warn(cf, "host \"" + std::string(host) + "\" of Redis \"" + settings.policy.name +
                      "\" is not found, it is taken as unavailable");
  };
  if (!url.unix_path.empty()) add("unix:" + url.unix_path, 0);
  for (const HostPort& one : url.hosts) add(one.host, one.port);
}

core::Secret read_password(ngx_conf_t* cf, std::string_view name, std::string_view word,
                           core::Secret&& other) {
  return word.empty() ? std::move(other) : ngx::read_secret(cf, name, word);
}

void set_redis(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  // The URL is what the variable holds; its warning is that of a secret.
  core::Secret from_environment;
  std::string_view url = words[1];
  if (url.starts_with("env:")) {
    from_environment = ngx::read_secret(cf, words.directive(), url);
    url = from_environment.expose();
  }
  Settings settings;
  settings.policy = parse_policy(words, url);
  Policy& policy = settings.policy;
  for (const Client* other : conf.clients) {
    if (other->name() == policy.name) core::fail("Redis \"", policy.name, "\" is defined twice");
  }
  if (!policy.url.password.empty() && from_environment.empty()) {
    ngx::warn(cf,
              "the password in the URL of \"guard_redis\" can be read in the configuration, "
              "use \"password=file:\" or \"password=env:\"");
  }
  settings.password =
      read_password(cf, "password", policy.password_word, std::move(policy.url.password));
  settings.sentinel_password =
      read_password(cf, "sentinel_password", policy.sentinel_password_word, {});
  policy.password_word = policy.sentinel_password_word = {};
  settings.endpoints = std::make_unique<std::vector<ngx::Endpoint>>();
  resolve_all(cf, settings);
  if (policy.url.tls) {
    settings.route.tls = ngx::TlsClient::make(
        cf, {policy.tls_ca, policy.tls_cert, policy.tls_key, policy.tls_name, policy.tls_verify});
  }

  const std::string name = policy.zone_name();
  auto* client = ngx::pool_new<Client>(cf->pool, std::move(settings), tell);
  const ngx::Zone* zone =
      ngx::Zone::add(cf, name, kZoneSize, Shared::kMagic ^ sizeof(Shared), format, adopt, client);
  core::add_zone_metrics(cf, *zone, sizeof(Shared));
  conf.clients.push_back(client);
  add_metrics(cf, *client);
}

MainConf* main_conf(ngx_cycle_t* cycle) noexcept {
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == nullptr) return nullptr;
  return static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_redis_module));
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  if (!ngx::is_worker()) return NGX_OK;
  const MainConf* conf = main_conf(cycle);
  if (conf == nullptr || conf->clients.empty()) return NGX_OK;
  // The master's idea of now is as old as the configuration: timers would be late before they
  // begin.
  ngx_time_update();
  for (Client* client : conf->clients) {
    client->settings().route.resolver = ngx::resolver_of(cycle);
    if (!client->start()) return NGX_ERROR;
  }
  return NGX_OK;
}

void exit_process(ngx_cycle_t* cycle) noexcept {
  const MainConf* conf = main_conf(cycle);
  if (conf == nullptr) return;
  for (Client* client : conf->clients) client->stop();
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_redis"), NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_redis>),
    ngx_null_command,
};

ngx_http_module_t context = {
    nullptr, nullptr, ngx::create_conf<MainConf>, nullptr, nullptr, nullptr, nullptr, nullptr,
};

}  // namespace

namespace {

Client* find_in(const MainConf* conf, std::string_view name) noexcept {
  if (conf == nullptr) return nullptr;
  for (Client* client : conf->clients) {
    if (client->name() == name) return client;
  }
  return nullptr;
}

}  // namespace

Client* Client::find(ngx_conf_t* cf, std::string_view name) noexcept {
  return find_in(
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_redis_module)),
      name);
}

Client* Client::find(ngx_cycle_t* cycle, std::string_view name) noexcept {
  return find_in(main_conf(cycle), name);
}

}  // namespace guard::redis

constinit ngx_module_t ngx_http_guard_redis_module =
    guard::ngx::http_module(&guard::redis::context, guard::redis::commands,
                            {guard::redis::init_process, guard::redis::exit_process});
