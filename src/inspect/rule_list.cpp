#include "inspect/rule_list.h"

#include <algorithm>
#include <charconv>

namespace guard::inspect {

namespace {

constexpr std::size_t kMaxPlace = 128;
constexpr std::size_t kMaxExcerpt = 64;
constexpr std::size_t kBefore = 16;  // bytes of an excerpt before what was found
// A comma and an id.
constexpr std::ptrdiff_t kMaxEntry = 11;
// Those of notices do not weigh, nor do rules without a severity, which sum up.
constexpr std::uint8_t kLeastSeverity = 4;

const Match* first_weighing(const std::vector<Match>& matches) noexcept {
  const auto match = std::find_if(matches.begin(), matches.end(), [](const Match& one) {
    return one.rule->severity <= kLeastSeverity && !one.variable.empty();
  });
  return match == matches.end() ? nullptr : &*match;
}

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
  const Match* match = first_weighing(matches);
  return match == nullptr ? std::string_view{} : match->variable.substr(0, kMaxPlace);
}

std::string_view first_excerpt(const std::vector<Match>& matches) noexcept {
  const Match* match = first_weighing(matches);
  if (match == nullptr) return {};
  const std::string_view value = match->value;
  if (value.size() <= kMaxExcerpt) return value;
  return value.substr(match->found - std::min(match->found, kBefore), kMaxExcerpt);
}

}  // namespace guard::inspect
