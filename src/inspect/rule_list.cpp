#include "inspect/rule_list.h"

#include <algorithm>
#include <charconv>

namespace guard::inspect {

namespace {

constexpr std::size_t kMaxPlace = 128;
// A comma and an id.
constexpr std::ptrdiff_t kMaxEntry = 11;
// Those of notices do not weigh, nor do rules without a severity, which sum up.
constexpr std::uint8_t kLeastSeverity = 4;

std::string_view whole_ids(std::string_view list) noexcept {
  if (list.size() <= kMaxRuleList) return list;
  const std::size_t comma = list.rfind(',', kMaxRuleList);
  return list.substr(0, comma == std::string_view::npos ? 0 : comma);
}

}  // namespace

std::string_view list_rules(const std::vector<Match>& matches, RuleListText& text) noexcept {
  char* out = text.data();
  char* const end = out + kMaxRuleList;
  for (const Match& match : matches) {
    if (end - out < kMaxEntry) break;
    if (out != text.data()) *out++ = ',';
    out = std::to_chars(out, end, match.rule->id).ptr;
  }
  return {text.data(), static_cast<std::size_t>(out - text.data())};
}

std::string_view join_rules(std::string_view first, std::string_view second,
                            RuleListText& text) noexcept {
  first = whole_ids(first);
  second = whole_ids(second);
  if (second.empty()) return first;
  if (first.empty()) return second;
  char* out = std::copy(first.begin(), first.end(), text.data());
  *out++ = ',';
  out = std::copy(second.begin(), second.end(), out);
  return {text.data(), static_cast<std::size_t>(out - text.data())};
}

std::string_view first_place(const std::vector<Match>& matches) noexcept {
  for (const Match& match : matches) {
    if (match.rule->severity > kLeastSeverity || match.variable.empty()) continue;
    return match.variable.substr(0, kMaxPlace);
  }
  return {};
}

}  // namespace guard::inspect
