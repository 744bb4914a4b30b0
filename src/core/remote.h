// How features come to a Redis for their counters, at configuration time.
#pragma once

#include <string_view>

#include "core/remote_store.h"
#include "ngx/compat.h"

namespace guard::core {

// The Redis of guard_redis NAME. Throws ConfigError if it is not defined (yet).
RemoteStore& remote_store(ngx_conf_t* cf, std::string_view name);

// To be asked once all directives are read: whether counters in Redis can be had, which takes a
// guard_key_secret. Throws ConfigError, naming who asks.
void check_remote(ngx_conf_t* cf, std::string_view who);

}  // namespace guard::core
