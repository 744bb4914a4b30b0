// Sessions of many nginx, counted together in Redis. One worker of each nginx merges what has
// changed in its own sketches into those in Redis (PFMERGE), and asks how many there are in all of
// them (PFCOUNT): never on the way of a request, and however many requests there are. What is
// there are registers: no key, nor a hash of one.
//
// A sketch that is merged again changes nothing. So what could not be told is told later, and what
// Redis has lost is told again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/remote_store.h"
#include "core/script_call.h"
#include "metrics/session_policy.h"
#include "metrics/session_windows.h"

namespace guard::metrics {

class SessionExchange {
 public:
  // Milliseconds between two calls.
  static std::uint64_t interval(const SessionWindows& windows) noexcept;

  // All must outlive it. Throws ConfigError.
  SessionExchange(const SessionPolicy& policy, SessionWindows& windows, core::RemoteStore& store);

  // In the worker that does it for all; fresh: it is new to that.
  void run(bool fresh) noexcept;
  bool busy() const noexcept { return call_.waiting(); }

  // In any worker: whether what Redis has said last still holds.
  bool is_shared() const noexcept;

 private:
  // Sketches that one call carries at most: 48 kilobytes.
  static constexpr std::size_t kMost = 4;

  struct Call : core::ScriptCall {
    explicit Call(SessionExchange& of) noexcept;
    SessionExchange& exchange;
  };

  void write(redis::Output& out, bool in_full) noexcept;
  void hear(const redis::Reply& reply) noexcept;
  void tell_all() noexcept;

  SessionWindows& windows_;
  core::RemoteStore& store_;
  std::string key_;      // of a sketch, up to the number of its slice
  std::string scratch_;  // where a sketch is put to be merged
  std::string memory_;   // says whether Redis has lost what it was told
  std::uint64_t life_;   // of a sketch, milliseconds
  Call call_;
  // Of the call that is under way.
  std::uint64_t now_ms_ = 0;
  std::uint64_t told_[kMost] = {};
  std::size_t told_count_ = 0;
  std::uint64_t known_memory_ = 0;
  std::uint64_t runs_ = 0;
};

}  // namespace guard::metrics
