// What requests ask of counters in Redis. What one turn of the event loop asks with the same script
// goes into one call of it (core/counter_batch.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/counter_script.h"

namespace guard::redis {
class Client;
}

namespace guard::core {

class CounterBatch;
class CounterQueue;

// One key. In its request's memory, like all that follows; trivially destructible.
struct CounterEntry {
  const RemoteCounter* counter = nullptr;
  const CounterTag* tag = nullptr;
  RemoteCounter::Entry how;
  CounterEntry* next = nullptr;
  std::size_t position = 0;  // among the keys of the call; the batch's own
};

// The reply of a call, good within CounterItem::answered.
class CounterAnswers {
 public:
  CounterAnswers(const redis::Reply& reply, bool group) noexcept : reply_(reply), group_(group) {}

  redis::Fault fault() const noexcept { return reply_.fault(); }
  // Nothing also where Redis did answer, but not what the script answers.
  std::optional<RemoteAnswer> operator[](const CounterEntry& entry) const noexcept {
    if (!reply_.ok()) return std::nullopt;
    return group_ ? read_group_answer(entry.counter->kind(), reply_, entry.position)
                  : read_gcra_answer(reply_, entry.position);
  }

 private:
  const redis::Reply& reply_;
  bool group_;
};

// What one request asks at once: one group of the script. It must stay where it is until answered()
// was called or CounterQueue::forget() returns.
struct CounterItem {
  // Called exactly once for each ask() that was true and not forgotten; never from within ask().
  using Answered = void (*)(CounterItem& item, const CounterAnswers& answers) noexcept;

  CounterEntry* first = nullptr;
  std::size_t count = 0;  // of entries, 1 to CounterQueue::kMaxKeys
  Answered answered = nullptr;

  bool waiting() const noexcept { return batch != nullptr; }

  // The batch's own.
  CounterBatch* batch = nullptr;
  CounterItem* next = nullptr;
  CounterItem* previous = nullptr;
};

// Who wants to know what there is of a key once something was given back to it.
struct CounterRefunded {
  using Call = void (*)(void* context, const CounterKey& key, const RemoteAnswer& answer) noexcept;

  Call call = nullptr;
  void* context = nullptr;  // as long as the queue
  CounterKey key;
};

// Where requests queue for one script of one Redis. Of a worker; it must outlive what waits in it.
class CounterQueue {
 public:
  static constexpr std::size_t kMaxKeys = 64;   // of one call
  static constexpr std::size_t kOwnSize = 192;  // aligned as pools do it

  // For items of a single entry of this GCRA counter.
  CounterQueue(redis::Client& client, const RemoteCounter& counter) noexcept
      : client_(client), counter_(&counter) {}
  // For any.
  explicit CounterQueue(redis::Client& client) noexcept : client_(client) {}
  CounterQueue(const CounterQueue&) = delete;
  CounterQueue& operator=(const CounterQueue&) = delete;

  // Whether there is any sense in asking.
  bool available() const noexcept;

  // False: out of memory, answered() will not be called. own: kOwnSize bytes of the request for a
  // call of its own, as a cluster needs, where one call has one slot; null: together with others.
  bool ask(CounterItem& item, void* own = nullptr) noexcept;
  // answered() will not be called. Redis may take what was asked for all the same.
  void forget(CounterItem& item) noexcept;

  // Gives back, some time later and if it can be done, what was taken: how.refund says when. then
  // is called if Redis answers.
  void refund(const RemoteCounter& counter, const CounterTag& tag, const RemoteCounter::Entry& how,
              const CounterRefunded& then = {}) noexcept;

  // Frees what the worker keeps for later calls, of all queues.
  static void release_spares() noexcept;

 private:
  friend class CounterBatch;

  bool has_room(const CounterItem& item) const noexcept;
  CounterBatch* take_spare() noexcept;
  void recycle(CounterBatch& batch) noexcept;

  redis::Client& client_;
  const RemoteCounter* counter_ = nullptr;
  CounterBatch* open_ = nullptr;  // takes more items as long as it is not written
};

}  // namespace guard::core
