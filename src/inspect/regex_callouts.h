// A regex with a callout behind each of its repetitions, so that PCRE2 says how often it goes on
// from there: what lies between is bounded by the pattern.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace guard::inspect {

// Nothing: there is something in it that is read nowhere here.
std::optional<std::string> with_callouts(std::string_view pattern);

}  // namespace guard::inspect
