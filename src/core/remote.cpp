#include "core/remote.h"

#include "core/core_config.h"
#include "redis/client.h"

namespace guard::core {

namespace {

MainConf& main_of(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
}

}  // namespace

RemoteStore& remote_store(ngx_conf_t* cf, std::string_view name) {
  redis::Client* client = redis::Client::find(cf, name);
  if (client == nullptr) {
    fail("unknown Redis \"", name, "\", a \"guard_redis\" must define it before it is used");
  }
  auto& stores = main_of(cf).stores;
  for (const auto& store : stores) {
    if (&store->client == client) return *store;
  }
  return *stores.emplace_back(
      std::make_unique<RemoteStore>(*client, client->prefix(), client->is_cluster()));
}

void check_remote(ngx_conf_t* cf, std::string_view who) {
  if (main_of(cf).key) return;
  fail(who, " counts in Redis, which needs \"guard_key_secret\", the same on every nginx");
}

}  // namespace guard::core
