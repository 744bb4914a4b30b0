// One call of a script, for all who asked with it in one turn of the event loop.
#pragma once

#include <cstdint>

#include "core/counter_queue.h"
#include "redis/client.h"

namespace guard::core {

class CounterBatch : public redis::Command {
 public:
  CounterBatch() noexcept : Command(write, done) {}

 private:
  friend class CounterQueue;

  static void write(redis::Command& command, redis::Output& out) noexcept;
  static void done(redis::Command& command, const redis::Reply& reply) noexcept;

  void write_gcra(redis::Output& out) noexcept;
  void write_group(redis::Output& out) noexcept;
  void append(CounterItem& item) noexcept;
  void remove(CounterItem& item) noexcept;

  CounterQueue* queue_ = nullptr;
  CounterItem* first_ = nullptr;
  CounterItem* last_ = nullptr;
  CounterBatch* next_spare_ = nullptr;
  ngx_msec_t begun_ = 0;
  std::uint16_t keys_ = 0;
  std::uint16_t items_ = 0;
  bool in_full_ = false;
  bool borrowed_ = false;  // of a request's memory
};

}  // namespace guard::core
