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
    std::string_view problem;        // empty: it answers
    std::string_view facts;          // the text of INFO; empty: this user may not have it
    std::uint64_t microseconds = 0;  // that PING took
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
  // PING, which Redis refuses while it refuses writes since it cannot save, and then INFO. done()
  // follows, each within the timeout of its guard_redis.
  void ask() noexcept;

 private:
  void finish(const redis::Reply& reply) noexcept;

  redis::Client& client_;
  Done done_;
  void* context_;
  std::uint64_t asked_at_ = 0;
  Answer answer_;
  bool answered_ = false;  // PING was, now for INFO
};

}  // namespace guard::core
