// JSON values as JSON Schema compares them (2020-12 core, section 4.2.2): numbers by what they are
// worth, objects whatever the order of their members.
#pragma once

#include <cstdint>

#include "core/json_document.h"
#include "core/siphash.h"

namespace guard::json {

// b has no object with a name twice. Costs time linear in the smaller value, but for objects: their
// members are looked up one by one.
bool equal_values(const core::JsonDocument& a, std::uint32_t at_a, const core::JsonDocument& b,
                  std::uint32_t at_b) noexcept;

// The same for equal values. Keyed, and wide enough to take equal hashes for equal values.
core::Hash128 hash_value(const core::JsonDocument& document, std::uint32_t at,
                         const core::SipKey& key) noexcept;

// Of a string or number: the same for equal ones. Anyone can make others the same on purpose.
std::uint32_t hash_scalar(const core::JsonDocument& document, const core::JsonNode& node) noexcept;

}  // namespace guard::json
