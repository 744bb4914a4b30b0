// What the policies said about one request, and what was taken for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/remote_store.h"
#include "rate/fields.h"
#include "rate/limiter.h"
#include "rate/policy.h"
#include "rate/space.h"

namespace guard::rate {

struct MeteredPolicy;
struct SharedAsk;
struct SharedEntry;

// One window of a policy with its counters and the texts that are the same in every answer.
struct Meter {
  const MeteredPolicy* owner = nullptr;
  Quota quota;
  std::string name;                // "api", "api.minute"
  std::string detail;              // of a refusal
  std::string item;                // of RateLimit-Policy
  std::optional<Limiter> limiter;  // there once the configuration is in force
  std::optional<core::RemoteCounter> remote;
};

// How a policy counts in Redis.
struct SharedPolicy {
  core::RemoteStore* store = nullptr;
  // For requests that ask nothing else there, if the policy is a GCRA of one window: many of one
  // call then share what is said of the policy.
  std::unique_ptr<core::CounterQueue> alone;
};

struct MeteredPolicy {
  Policy policy;
  std::string code;           // "rate.api"
  std::vector<Meter> meters;  // of policy.windows
  std::optional<SharedPolicy> shared;

  MeteredPolicy() = default;
  MeteredPolicy(const MeteredPolicy&) = delete;
  MeteredPolicy& operator=(const MeteredPolicy&) = delete;

  void define(Policy defined);
  // Counts in a Redis from now on. Throws ConfigError if Redis cannot count so.
  void share(core::RemoteStore& store);
  // Shares the memory of the zone out among the windows, so that each has room for as many keys.
  // True if the counts of all of them go on.
  bool attach(std::span<std::byte> memory);
};

// One window that was asked. Trivially destructible: it lives in the request's memory.
struct Asked {
  Asked* next = nullptr;
  Meter* meter = nullptr;
  core::CounterKey key;
  std::uint64_t cost = 1;
  std::uint64_t now = 0;    // microseconds
  std::uint64_t ahead = 0;  // of that is the clock by which the window counts
  Decision decision;
  bool inner = false;  // by which gate
  bool dry_run = false;
  bool charged = false;
  bool withheld = false;  // another window of its policy does not admit: nothing is taken
  bool final = false;  // decided by an earlier pass of the gate: neither charged nor given back now
  bool unknown = false;           // there is nothing to tell the client
  SharedEntry* shared = nullptr;  // of a policy that counts in Redis

  std::uint64_t time() const { return now + ahead; }
  const MeteredPolicy& owner() const { return *meter->owner; }
  bool refuses() const { return !decision.admitted && !dry_run; }
  bool is_due() const { return !final && decision.admitted && !withheld; }
};

// The windows of a policy, each with the question; none: out of memory.
std::span<Asked> ask_all(MeteredPolicy& policy, const Asked& question, Space space) noexcept;

// One window of a policy, asked in Redis (rate/shared.h). In the request's memory as well.
struct SharedEntry : core::CounterEntry {
  enum class State : std::uint8_t {
    unasked,
    taken,   // Redis has counted the request
    left,    // Redis has answered, and not counted it
    local,   // Redis cannot be asked: the mirror counts
    open,    // nobody counts
    closed,  // nobody knows, and so the request must not pass
  };

  Asked* window = nullptr;
  SharedAsk* ask = nullptr;
  std::uint64_t asked_at = 0;  // microseconds
  std::uint64_t taken_at = 0;  // by Redis's clock, if the answer told
  State state = State::unasked;

  void settle(const core::RemoteAnswer& answer, bool taken) noexcept;
  void give_up() noexcept;  // as on_error= says; what takes nothing is never refused for it
  void refund() noexcept;
  bool decided() const { return state != State::unasked && state != State::local; }
};

class Ledger {
 public:
  Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  bool empty() const { return first_ == nullptr; }

  // A gate begins to ask (anew, after an internal redirect): what it asked before is settled.
  void begin(bool inner) noexcept;
  // What a dry run of an earlier pass has granted counts for the client: the policy applies here,
  // and is not asked again.
  void mean(const MeteredPolicy& policy) noexcept;
  // Asks the windows of one policy and remembers the answers. Answers the strictest that does not
  // admit, null if all do. alone: nothing else is asked by this gate, so that taking is asking
  // enough and the answer comes with charge().
  const Asked* ask(std::span<Asked> windows, bool alone) noexcept;
  // Takes what was admitted, for each of the gate's current policies, and calls taken(asked) after
  // each window. False if somebody else took it meanwhile: then nothing is taken. Of a policy whose
  // refusal is only recorded (dry_run) either all windows are taken from or none.
  template <class Taken>
  bool charge(bool inner, std::uint64_t network, Taken&& taken) noexcept;
  void give_back(bool inner) noexcept;

  // The window that says the least is to come, of all that count for the client; null: none does.
  const Asked* strictest() const noexcept;
  // Of the gate's current windows that refuse, the strictest; null: none does.
  const Asked* strictest_refusal(bool inner) const noexcept;

  // The gate's current windows that would be taken from.
  template <class Each>
  void each_due(bool inner, Each&& each) const noexcept {
    for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
      if (asked->inner == inner && asked->is_due()) each(*asked);
    }
  }
  // Of those, the first about which nobody knows anything; null: there is none. dry_run: of the
  // policies that refuse nothing.
  const Asked* closed(bool inner, bool dry_run) const noexcept;

  template <class Each>
  void each_refusal(bool inner, Each&& each) const noexcept {
    for (const Asked* asked = first_; asked != nullptr; asked = asked->next) {
      if (asked->inner == inner && !asked->final && asked->refuses()) each(*asked);
    }
  }
  // Those that count for the client, in the order in which they were asked.
  template <class Each>
  void each_told(Each&& each) const noexcept {
    for (const Asked* asked = first_; asked != nullptr; asked = asked->next) {
      if (!asked->dry_run && !asked->unknown) each(*asked);
    }
  }

 private:
  static bool decided_elsewhere(const Asked& asked) {
    return asked.shared != nullptr && asked.shared->decided();
  }
  static void give_back(Asked& asked) noexcept;
  // Takes nothing more for the policy of asked, and gives back what was taken for it.
  void withhold(const Asked& asked) noexcept;

  Asked* first_ = nullptr;
  Asked** end_ = &first_;
};

template <class Taken>
bool Ledger::charge(bool inner, std::uint64_t network, Taken&& taken) noexcept {
  // What Redis has said comes first: who is refused by it takes nothing here.
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->inner != inner || asked->final || !decided_elsewhere(*asked)) continue;
    taken(*asked);
  }
  if (strictest_refusal(inner) != nullptr) {
    give_back(inner);
    return false;
  }
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->inner != inner || !asked->is_due() || decided_elsewhere(*asked)) continue;
    asked->key.network = network;
    asked->decision = asked->meter->limiter->take(asked->key, asked->time(), asked->cost);
    asked->charged = asked->decision.admitted;
    asked->unknown = false;
    taken(*asked);
    if (asked->charged) continue;
    if (!asked->dry_run) {
      give_back(inner);
      return false;
    }
    withhold(*asked);
  }
  return true;
}

}  // namespace guard::rate
