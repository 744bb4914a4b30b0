// Which rules there are: the user's files, the Core Rule Set from where Debian puts it, and Guard's
// own around it.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/rule_set.h"

namespace guard::inspect {

// What stands in a list of rule files for rules that are nobody's file.
inline constexpr std::string_view kBeforeCrs = "before-crs";  // before_crs()
inline constexpr std::string_view kCrs = "crs";               // Debian's, with its setup
inline constexpr std::string_view kBehindCrs = "behind-crs";  // behind_crs()
inline constexpr std::array<std::string_view, 3> kRuleWords = {kBeforeCrs, kCrs, kBehindCrs};

// Guard's own rules, before all others: how bodies are read, and that one that cannot be read is
// refused. With the ids that ModSecurity's recommended configuration gives them.
std::string_view own_rules() noexcept;
// What the Core Rule Set 3.3.4 lets pass at paranoia level 1, and with which an application can be
// broken into. Before it, since it adds up the scores at its end.
std::string_view before_crs() noexcept;
// Where its rules look besides: changes to them, so behind it.
std::string_view behind_crs() noexcept;

// files: paths, patterns and kRuleWords, in order; empty: those words. excludes: SecLang text of
// guard_inspect_exclude, behind them. Throws core::ConfigError.
RuleSet load_rules(const std::vector<std::string>& files, std::string_view excludes = {});

}  // namespace guard::inspect
