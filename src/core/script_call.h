// One call of a script in Redis, by name, and in full where Redis does not know it (any more). Free
// of nginx for those who use it.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/counter_script.h"
#include "core/remote_store.h"

namespace guard::core {

// In its sender's memory, which must stay where it is until answered or forget().
class ScriptCall {
 public:
  // Writes the whole command; in_full: what CounterScript::begin wants to know.
  using Write = void (*)(ScriptCall& call, redis::Output& out, bool in_full) noexcept;
  // Called exactly once for each send() that was not forgotten, never from within it; the call may
  // be freed from here.
  using Answered = void (*)(ScriptCall& call, const redis::Reply& reply) noexcept;

  ScriptCall(RemoteStore& store, Write write, Answered answered) noexcept;
  ScriptCall(const ScriptCall&) = delete;
  ScriptCall& operator=(const ScriptCall&) = delete;

  // route: what decides which node of a cluster gets it, as it is sent; it must live as long as the
  // call waits.
  void send(std::string_view route) noexcept;
  // Redis may carry it out all the same.
  void forget() noexcept;
  bool waiting() const noexcept;

 private:
  struct Own;
  static constexpr std::size_t kOwnSize = 128;

  Own& own() noexcept;
  const Own& own() const noexcept;

  RemoteStore& store_;
  Write write_;
  Answered answered_;
  bool in_full_ = false;
  alignas(void*) std::byte own_[kOwnSize];  // pools align no further
};

}  // namespace guard::core
