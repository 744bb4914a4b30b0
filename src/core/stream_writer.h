// Messages of a queue into a Redis stream, as many at once as there are: XADD KEY MAXLEN ~ N *
// event MESSAGE for each. What Redis has not confirmed stays in the queue and is sent again, so
// after a timeout a message may be there twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/message_queue.h"
#include "core/plain_text.h"
#include "ngx/compat.h"
#include "redis/client.h"

namespace guard::core {

class StreamWriter : private redis::Command {
 public:
  // key is the stream's whole name; maxlen the least number of messages that Redis keeps.
  StreamWriter(redis::Client& client, std::string_view key, std::uint64_t maxlen,
               MessageQueue& queue);
  ~StreamWriter();

  // Sends what there is, unless something is on its way already. To be called again while
  // something is left; true: nothing is.
  bool flush() noexcept;

  // Why nothing can be written; empty while it can.
  std::string_view why() const noexcept { return why_.view(); }

  // The Redis of guard_redis NAME for configuration time; throws ConfigError if it is not defined
  // (yet).
  static redis::Client& client_named(ngx_conf_t* cf, std::string_view name);

 private:
  static constexpr std::size_t kBatch = 256;         // messages
  static constexpr std::size_t kBatchBytes = 65536;  // of them, but for the last

  void put(redis::Output& output) noexcept;
  void done(const redis::Reply& reply) noexcept;

  redis::Client& client_;
  std::string key_;
  std::string maxlen_;
  MessageQueue& queue_;
  std::size_t sent_ = 0;  // the first so many messages are on their way
  PlainText<128> why_;
};

}  // namespace guard::core
