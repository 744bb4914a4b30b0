// Counting in Redis while the request waits (sync=strict). What is in shared memory is then a
// mirror: the counts as Redis has last told them. What it refuses, Redis would refuse as well, so a
// flood of requests over their limit costs Redis nothing; and it is what counts on when Redis is
// away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/counter_queue.h"
#include "core/siphash.h"
#include "rate/ledger.h"
#include "rate/space.h"

namespace guard::rate {

class Exchange;

// All windows of a policy that one request asks. In its memory, trivially destructible.
struct SharedAsk : core::CounterItem {
  Exchange* exchange = nullptr;
  core::CounterTag tag{};
  std::span<SharedEntry> entries;
  void* own = nullptr;  // CounterQueue::kOwnSize bytes where the Redis is a cluster

  // Links the policy's windows, which must have their keys, with as many entries.
  void begin(std::span<Asked> windows, SharedEntry* memory, const core::Hash128& hash) noexcept;

  // The exchange's own.
  core::CounterQueue* queue = nullptr;
  SharedAsk* sent = nullptr;
};

// What is needed to ask Redis about the windows of a policy. False: out of memory.
bool prepare(const SharedPolicy& policy, std::span<Asked> windows, const core::Hash128& hash,
             Space space) noexcept;
// Redis hears nothing of what is counted now: on_error= of the windows' policy says what that
// means. False: out of memory.
bool give_up(std::span<Asked> windows, Space space) noexcept;

// What one gate of a request asks of Redis. Trivially destructible.
class Exchange {
 public:
  using Resume = void (*)(void* context) noexcept;

  // Asks for what the gate's current windows would take. True: resume(context) is called when all
  // has been answered. False: there is nothing to wait for.
  bool start(const Ledger& ledger, bool inner, std::uint64_t network, Resume resume,
             void* context) noexcept;
  // Between start() that was true and resume().
  bool waiting() const { return open_ != 0; }
  // Whether start() was true and finish() has not been called since.
  bool started() const { return started_; }
  void finish() { started_ = false; }
  // Nobody wants the answers any more.
  void abandon() noexcept;

 private:
  void send(SharedAsk& ask, core::CounterQueue& queue) noexcept;
  void answer(SharedAsk& ask, const core::CounterAnswers& answers) noexcept;
  static void fail(core::CounterItem& item) noexcept;

  Resume resume_ = nullptr;
  void* context_ = nullptr;
  SharedAsk* sent_ = nullptr;
  std::size_t open_ = 0;
  bool started_ = false;
};

}  // namespace guard::rate
