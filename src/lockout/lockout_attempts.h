// What one request has to do with lockout policies: for each a place that is reserved before the
// application is asked, and what becomes of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/refusal.h"
#include "lockout/lockout_policy.h"
#include "lockout/lockout_table.h"

namespace guard::lockout {

struct ReserveCall;
struct SharedLocks;

// A policy in force.
struct Guarded : Policy {
  std::string refusal_code;        // "lockout.login"
  std::optional<LockTable> table;  // there once the configuration is in force
  SharedLocks* shared = nullptr;   // of a policy that counts in Redis

  Guarded() = default;
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  LockRule rule() const;
  // True if what was counted before goes on.
  bool attach(std::span<std::byte> memory);
};

// In the request's memory, trivially destructible.
struct Attempt {
  enum class State : std::uint8_t {
    asked,     // nothing is reserved
    reserved,  // a place is taken, and the outcome not known yet
    refused,   // nothing is, but what fails all the same (guard_mode observe) counts
    settled,   // it is known
  };

  Attempt* next = nullptr;
  Guarded* policy = nullptr;
  LockKey key;
  Decision decision;
  State state = State::asked;
  ReserveCall* call = nullptr;  // to Redis
  bool at_redis = false;        // which has a place of it, or may have
  bool counted = false;         // among those that the policy has allowed

  void reserve(std::uint64_t now) noexcept;
  void give_back() noexcept;
  void leave() noexcept;
};

class Attempts {
 public:
  void add(Attempt& attempt) noexcept;
  Attempt* find(const Guarded& policy) const noexcept;
  bool empty() const { return first_ == nullptr; }

  // Reserves a place of each policy that was asked; the one that has none if there is one, and then
  // nothing is reserved.
  Attempt* reserve(std::uint64_t now) noexcept;
  // The outcome is that nothing was tried (give_back), or that nobody knows (leave); here.
  void give_back() noexcept;
  void leave() noexcept;

  template <class Each>
  void each(Each&& each) const noexcept {
    for (Attempt* attempt = first_; attempt != nullptr; attempt = attempt->next) each(*attempt);
  }

 private:
  Attempt* first_ = nullptr;
};

// Whether a refusal by `a` says more than one by `b`: it lasts longer.
bool stricter(const Decision& a, const Decision& b) noexcept;

inline constexpr std::size_t kHashDigits = 32;
inline constexpr std::size_t kLockDetailMax = 96;
inline constexpr std::string_view kUnlockDetail = "A success lifted the lock";

// What the event of a lock says of it; its text is in memory. wall_now: milliseconds since 1970.
void describe_lock(const Failure& failure, std::uint64_t wall_now,
                   std::span<char, kLockDetailMax> memory, core::Event& event) noexcept;

// A refusal is the same whether or not there is such an account. digits: of the key's hash, or
// empty.
void describe(const Guarded& policy, const Decision& decision, std::string_view digits,
              core::Refusal& refusal) noexcept;
void describe_unavailable(core::Refusal& refusal) noexcept;
void describe_missing(const Guarded& policy, core::Refusal& refusal) noexcept;

}  // namespace guard::lockout
