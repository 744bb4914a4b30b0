// What the policies said about one request, and what was taken for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rate/fields.h"
#include "rate/limiter.h"
#include "rate/policy.h"

namespace guard::rate {

// A policy with its counters and the texts that are the same in every answer.
struct Meter {
  Policy policy;
  std::string code;                // "rate.api"
  std::string detail;              // of a refusal
  std::string item;                // of RateLimit-Policy
  std::optional<Limiter> limiter;  // there once the configuration is in force

  void define(Policy defined);
};

// One policy that was asked. Trivially destructible: it lives in the request's memory.
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
  bool final = false;  // decided by an earlier pass of the gate: neither charged nor given back now

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
  // Asks asked.meter and remembers the answer. alone: no other policy is asked by this gate, so
  // that taking is asking enough and the answer comes with charge().
  void ask(Asked& asked, bool alone) noexcept;
  // Takes what was admitted, for each of the gate's current policies, and calls taken(asked) after
  // each. False if somebody else took it meanwhile: then nothing is taken.
  template <class Taken>
  bool charge(bool inner, std::uint64_t network, Taken&& taken) noexcept;
  void give_back(bool inner) noexcept;

  // The policy that says the least is to come, of all that count for the client; null: none does.
  const Asked* strictest() const noexcept;
  // Of the gate's current policies that refuse, the strictest; null: none does.
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
  Asked* first_ = nullptr;
  Asked** end_ = &first_;
};

template <class Taken>
bool Ledger::charge(bool inner, std::uint64_t network, Taken&& taken) noexcept {
  for (Asked* asked = first_; asked != nullptr; asked = asked->next) {
    if (asked->inner != inner || asked->final || !asked->decision.admitted) continue;
    asked->key.network = network;
    asked->decision = asked->meter->limiter->take(asked->key, asked->now, asked->cost);
    asked->charged = asked->decision.admitted;
    taken(*asked);
    if (!asked->refuses()) continue;
    give_back(inner);
    return false;
  }
  return true;
}

}  // namespace guard::rate
