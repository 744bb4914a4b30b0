// The account within the key of a lockout policy: what must not be missing, and by what an operator
// finds a lock without knowing the address that it is for.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/normalize.h"
#include "core/siphash.h"

namespace guard::lockout {

// Whether any of the texts says nothing: it is empty or, normalized, white space.
bool is_missing(std::span<const std::string_view> texts,
                core::Normalization normalization) noexcept;

// The same for every policy, so that one question finds the locks of all.
std::uint64_t account_hash(const core::SipKey& secret, std::span<const std::string_view> texts,
                           core::Normalization normalization) noexcept;

}  // namespace guard::lockout
