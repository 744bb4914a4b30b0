// What requests ask of lockouts in Redis, and what they tell it afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/remote_store.h"
#include "core/script_call.h"
#include "lockout/lockout_attempts.h"
#include "lockout/lockout_script.h"

namespace guard::lockout {

// Where a policy counts for many nginx.
struct SharedLocks {
  core::RemoteStore& store;
  RemoteLocks locks;
  void (*publish)(const core::Event& event) noexcept;
};

// Asks for a place. In the request's memory, which is freed without a destructor: whoever ends the
// request forgets it before.
struct ReserveCall : core::ScriptCall {
  using Ended = void (*)(void* context) noexcept;

  ReserveCall(SharedLocks& own_shared, const LockKey& key, Ended own_ended,
              void* own_context) noexcept;
  void send() noexcept;

  SharedLocks& shared;
  RemoteAttempt attempt;
  Ended ended;
  void* context;
  std::optional<RemoteVerdict> verdict;  // nothing: Redis has not answered
  bool uncertain = false;                // but it may have reserved
};

// What Redis has said of an attempt, or what on_error= makes of its silence; the attempt has its
// decision, state and whereabouts then. False: it refuses.
bool take_answer(Attempt& attempt, std::uint64_t now) noexcept;

// Of whom the event of a lock speaks, in the words of the request that it follows from.
struct Whom {
  std::string_view user;
  std::string_view client;
  std::string_view request_id;
};

// The outcome of an attempt, to be told some time later and if it can be done. False: the policy is
// not in Redis, or Redis will not hear of it. A lock that begins or ends by it becomes an event of
// the worker, since the request may be gone by then. here: what the failure has done in shared
// memory; it holds if Redis does not answer.
bool fail_at_redis(Attempt& attempt, const Whom& whom, const Failure& here) noexcept;
bool clear_at_redis(const Attempt& attempt, const Whom& whom) noexcept;
void give_back_at_redis(Attempt& attempt) noexcept;
// An operator has lifted the lock here. False: Redis, where it is as well, cannot be told.
bool lift_at_redis(Guarded& policy, const Lock& lock) noexcept;

// In a worker, once: no attempt has the name of another worker's.
void draw_attempt_names() noexcept;

}  // namespace guard::lockout
