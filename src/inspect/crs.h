// Which rules there are: the user's files, or the Core Rule Set from where Debian puts it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inspect/rule_set.h"

namespace guard::inspect {

inline constexpr std::string_view kCrsSetup = "/etc/modsecurity/crs/crs-setup.conf";
inline constexpr std::string_view kCrsBefore =
    "/etc/modsecurity/crs/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf";
inline constexpr std::string_view kCrsRules = "/usr/share/modsecurity-crs/rules/*.conf";
inline constexpr std::string_view kCrsAfter =
    "/etc/modsecurity/crs/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf";

// Guard's own rules, before all others: how bodies are read, and that one that cannot be read is
// refused. With the ids that ModSecurity's recommended configuration gives them.
std::string_view own_rules() noexcept;

// files: paths and patterns, in order; empty: the Core Rule Set's. before and after: more SecLang
// text of the user's, around them (guard_inspect_exclude). Throws core::ConfigError.
RuleSet load_rules(const std::vector<std::string>& files, std::string_view before = {},
                   std::string_view after = {});

}  // namespace guard::inspect
