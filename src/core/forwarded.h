// What a trusted proxy says of the connection in front of it.
#pragma once

#include <optional>
#include <string_view>

#include "core/ascii.h"
#include "core/http_grammar.h"

namespace guard::core {

// "http" or "https" as an X-Forwarded-Proto value of a trusted proxy says, or nothing if it
// says anything else. Of several values the last counts: each proxy appends its own, so that it is
// the one of the proxy that is trusted, while those before it are what a client may have sent.
constexpr std::optional<std::string_view> parse_forwarded_proto(std::string_view value) noexcept {
  const std::size_t comma = value.rfind(',');
  if (comma != std::string_view::npos) value.remove_prefix(comma + 1);
  value = trim_blanks(value);
  for (std::string_view scheme : {std::string_view("http"), std::string_view("https")}) {
    if (value == scheme || equal_without_case(value, scheme)) return scheme;
  }
  return std::nullopt;
}

}  // namespace guard::core
