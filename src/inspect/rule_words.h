// Words that rules have in several places. Throws core::ConfigError, as rule_set.h says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "inspect/rule_set.h"

namespace guard::inspect {

std::optional<std::uint32_t> parse_id(std::string_view text);
// "942100-942199", or an id.
IdRange parse_range(std::string_view text, const SourceLine& at);
std::uint8_t parse_phase(std::string_view text, const SourceLine& at);
std::uint8_t parse_severity(std::string_view text, const SourceLine& at);
// Those whose regexes and XPaths are understood.
std::vector<Target> checked_targets(std::string_view text, const SourceLine& at);

}  // namespace guard::inspect
