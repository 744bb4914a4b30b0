// What is told of the rules that have matched: to $guard_inspect_rules and to events.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "inspect/inspection.h"

namespace guard::inspect {

// Of one list; two of them are joined.
inline constexpr std::size_t kMaxRuleList = 512;
using RuleListText = std::array<char, 2 * kMaxRuleList + 1>;

// "942100,949110", in order: as many as there is place for. A view of text.
std::string_view list_rules(const std::vector<Match>& matches, RuleListText& text) noexcept;

// One list behind the other, of each as many ids as there is place for. A view of text, or one of
// them.
std::string_view join_rules(std::string_view first, std::string_view second,
                            RuleListText& text) noexcept;

// Where the first rule that weighs has matched, "ARGS:name", cut short: bytes of the client.
std::string_view first_place(const std::vector<Match>& matches) noexcept;
// What it has matched there: of a long value a part. Bytes of the client.
std::string_view first_excerpt(const std::vector<Match>& matches) noexcept;

}  // namespace guard::inspect
