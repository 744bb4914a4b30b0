// Asks a Redis how it is, for features, which know nothing of its client.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "ngx/compat.h"
#include "redis/client.h"

namespace guard::core {

class RedisProbe : private redis::Command {
 public:
  struct Answer {
    bool ok = false;
    std::string_view text;  // of INFO; else why there is none
    std::uint64_t microseconds = 0;
  };
  using Done = void (*)(void* context, const Answer& answer) noexcept;

  // Configuration time: throws ConfigError if no guard_redis of that name stands before.
  static void check_name(ngx_conf_t* cf, std::string_view name);
  // In a worker. Throws std::bad_alloc.
  static std::unique_ptr<RedisProbe> make(ngx_cycle_t* cycle, std::string_view name, Done done,
                                          void* context);

  RedisProbe(redis::Client& client, Done done, void* context) noexcept;
  ~RedisProbe();

  bool waiting() const noexcept { return Command::waiting(); }
  // done() follows, within the timeout of its guard_redis.
  void ask() noexcept;

 private:
  void finish(const redis::Reply& reply) noexcept;

  redis::Client& client_;
  Done done_;
  void* context_;
  std::uint64_t asked_at_ = 0;
};

}  // namespace guard::core
