// What a client is told that a policy refuses, and the events of one whose memory is too small.
#pragma once

#include <cstdint>

#include "core/event.h"
#include "core/refusal.h"
#include "rate/ledger.h"
#include "rate/space.h"

namespace guard::rate {

// One window does not admit the request. told: what the RateLimit field tells of.
void describe(const Asked& asked, const Decision& told, Space space,
              core::Refusal& refusal) noexcept;

// The strictest of the gate's windows that refuse, in the name of all of them: there must be one.
void describe_all(const Ledger& ledger, bool inner, Space space, core::Refusal& refusal) noexcept;

// The key has nothing in it. hash: of the client's address, by which these are told apart in
// events; now: microseconds.
void describe_empty(MeteredPolicy& policy, std::uint64_t hash, std::uint64_t now,
                    core::Refusal& refusal) noexcept;

// Nobody knows whether the request may pass, and the policy says that then it must not.
void describe_unknown(const Asked& asked, Space space, core::Refusal& refusal) noexcept;

// So many counts of clients that are still limited were given up.
core::Event pressure_event(const MeteredPolicy& policy, std::uint64_t evictions) noexcept;
// So many changes of counts found no room until Redis was told.
core::Event dropped_event(const MeteredPolicy& policy, std::uint64_t dropped) noexcept;

}  // namespace guard::rate
