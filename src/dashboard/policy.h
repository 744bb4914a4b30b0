// What guard_dashboard says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/words.h"

namespace guard::dashboard {

// The most events of one answer, and so on the page.
inline constexpr std::uint64_t kEvents = 100;

struct EndpointPolicy {
  bool open = false;  // "public"
};

// guard_dashboard [public]. Throws ConfigError.
EndpointPolicy parse_endpoint(core::Words& words);

// The number of the newest event that the page has, as it says it; anything else: none, 0.
std::uint64_t parse_after(std::string_view text) noexcept;

// The first event of an answer to a page that has all up to `after`, where the newest is `last`.
std::uint64_t first_event(std::uint64_t after, std::uint64_t last) noexcept;

}  // namespace guard::dashboard
