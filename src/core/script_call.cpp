#include "core/script_call.h"

#include <new>
#include <type_traits>

#include "redis/client.h"
#include "redis/failures.h"

namespace guard::core {

struct ScriptCall::Own : redis::Command {
  explicit Own(ScriptCall& of) noexcept : Command(write, done), call(of) {}

  static void write(redis::Command& command, redis::Output& out) noexcept {
    ScriptCall& call = static_cast<Own&>(command).call;
    call.write_(call, out, call.in_full_);
  }

  static void done(redis::Command& command, const redis::Reply& reply) noexcept {
    auto& self = static_cast<Own&>(command);
    ScriptCall& call = self.call;
    if (is_unknown_script(reply) && !call.in_full_) {
      call.in_full_ = true;
      return call.store_.client.send_again(self);
    }
    call.answered_(call, reply);
  }

  ScriptCall& call;
};

ScriptCall::ScriptCall(RemoteStore& store, Write write, Answered answered) noexcept
    : store_(store), write_(write), answered_(answered) {
  static_assert(sizeof(Own) <= kOwnSize);
  static_assert(std::is_trivially_destructible_v<Own>);
  new (static_cast<void*>(own_)) Own(*this);
}

ScriptCall::Own& ScriptCall::own() noexcept {
  return *std::launder(reinterpret_cast<Own*>(own_));
}

const ScriptCall::Own& ScriptCall::own() const noexcept {
  return *std::launder(reinterpret_cast<const Own*>(own_));
}

void ScriptCall::send(std::string_view route) noexcept {
  in_full_ = false;
  own().route = route;
  store_.client.send(own());
}

void ScriptCall::forget() noexcept {
  if (waiting()) store_.client.forget(own());
}

bool ScriptCall::waiting() const noexcept {
  return own().waiting();
}

}  // namespace guard::core
