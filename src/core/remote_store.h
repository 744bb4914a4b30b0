// A Redis in which counters are kept, as a worker sees it: one for each guard_redis that is used.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/counter_queue.h"
#include "core/remote_clock.h"

namespace guard::core {

struct RemoteStore {
  RemoteStore(redis::Client& to, std::string_view key_prefix, bool has_slots)
      : client(to), prefix(key_prefix), cluster(has_slots), queue(to) {
    clock.assume(microseconds(), wall_microseconds());
  }

  redis::Client& client;
  std::string prefix;  // of all keys
  bool cluster;        // keys of different hashes may live on different servers
  CounterQueue queue;  // for any counter
  RemoteClock clock;
};

}  // namespace guard::core
