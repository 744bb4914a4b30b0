// Which rules there are: the user's files, the Core Rule Set from where Debian puts it, and Guard's
// own beside it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inspect/rule_set.h"

namespace guard::inspect {

// What stands in a list of rule files for Debian's Core Rule Set with its setup: as it is, and with
// crs_extension().
inline constexpr std::string_view kCrs = "crs";
inline constexpr std::string_view kCrsExtended = "crs-extended";

inline bool is_rule_word(std::string_view file) noexcept {
  return file == kCrs || file == kCrsExtended;
}

// Guard's own rules, before all others: how bodies are read, and that one that cannot be read is
// refused. With the ids that ModSecurity's recommended configuration gives them.
std::string_view own_rules() noexcept;
// Rules for what the Core Rule Set 3.3.4 lets pass at paranoia level 1, and with which an
// application can be broken into; where its rules look besides; and two of its rules, narrower.
std::string_view crs_extension() noexcept;

// files: paths, patterns and words as above, in order; empty: kCrsExtended. excludes: SecLang text
// of guard_inspect_exclude, behind them. Throws core::ConfigError.
RuleSet load_rules(const std::vector<std::string>& files, std::string_view excludes = {});

}  // namespace guard::inspect
