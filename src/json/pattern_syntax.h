// Regular expressions of ECMA-262 (2023, section 22.2, with the `u` flag, which is what JSON Schema
// means) as patterns of PCRE2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace guard::json {

inline constexpr std::size_t kMaxPatternBytes = 4096;

// The same language for PCRE2 with PCRE2_UTF, PCRE2_DOLLAR_ENDONLY, PCRE2_ALLOW_EMPTY_CLASS and
// PCRE2_MATCH_UNSET_BACKREF. \d, \w and \b are of ASCII, \s is of Unicode. Throws ConfigError,
// which says at which byte, for what ECMA-262 does not allow. Of what it allows without `u` alone
// (annex B) some is taken that means nothing else elsewhere: signs with a backslash, brackets that
// begin or end nothing, the "-" of [\w-.].
//
// Not the same: a group keeps what it took in an earlier turn of a quantifier around it, and PCRE2
// knows a lookbehind only if each of its alternatives has one length.
//
// counted: with callouts (pcre2callout(3)) in every turn of a group and behind everything else that
// may be repeated more than kFewTurns times, so that between two of them the matcher does no more
// than the pattern is long, but for moving over the text; and with others, where there would be
// more than kFewWays to match what lies between two of them. Each has what it stands for as its
// number, in units of work.
std::string translate_pattern(std::string_view pattern, bool counted = false);

inline constexpr std::uint32_t kFewTurns = 16;
inline constexpr double kFewWays = 8;

}  // namespace guard::json
