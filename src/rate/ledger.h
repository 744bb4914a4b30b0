// What the policies said about one request, and what was taken for it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rate/fields.h"
#include "rate/limiter.h"
#include "rate/policy.h"

namespace guard::rate {

struct MeteredPolicy;

// One window of a policy with its counters and the texts that are the same in every answer.
struct Meter {
  const MeteredPolicy* owner = nullptr;
  Quota quota;
  std::string name;                // "api", "api.minute"
  std::string detail;              // of a refusal
  std::string item;                // of RateLimit-Policy
  std::optional<Limiter> limiter;  // there once the configuration is in force
};

struct MeteredPolicy {
  Policy policy;
  std::string code;           // "rate.api"
  std::vector<Meter> meters;  // of policy.windows

  MeteredPolicy() = default;
  MeteredPolicy(const MeteredPolicy&) = delete;
  MeteredPolicy& operator=(const MeteredPolicy&) = delete;

  void define(Policy defined);
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
  std::uint64_t now = 0;  // microseconds
  Decision decision;
  bool inner = false;  // by which gate
  bool dry_run = false;
  bool charged = false;
  bool withheld = false;  // another window of its policy does not admit: nothing is taken
  bool final = false;  // decided by an earlier pass of the gate: neither charged nor given back now

  const MeteredPolicy& owner() const { return *meter->owner; }
  bool refuses() const { return !decision.admitted && !dry_run; }
};

class Ledger {
 public:
  Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  bool empty() const { return first_ == nullptr; }

  // A gate begins to ask (anew, after an internal redirect): what it asked before is settled.
  void begin(bool inner) noexcept;
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
      if (!asked->dry_run) each(*asked);
    }
  }

 private:
  static void give_back(Asked& asked) noexcept;
  // Takes nothing more for the policy of asked, and gives back what was taken for it.
  void withhold(const Asked& asked) noexcept;

  Asked* first_ = nullptr;
  Asked** end_ = &first_;
};

template <class Taken>
bool Ledger::charge(bool inner, std::uint64_t network, Taken&& taken) noexcept {
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->inner != inner || asked->final || !asked->decision.admitted || asked->withheld) {
      continue;
    }
    asked->key.network = network;
    asked->decision = asked->meter->limiter->take(asked->key, asked->now, asked->cost);
    asked->charged = asked->decision.admitted;
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
