#include "inspect/rule_words.h"

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/ascii.h"
#include "inspect/regex.h"

namespace guard::inspect {

namespace {

// The XPaths that are read: the text of the document, and each of its attributes.
void check_target(const Target& target, const SourceLine& at) {
  if (target.collection == Collection::xml && target.selector != Selector::all &&
      target.text != "/*" && target.text != "//@*") {
    fail_at(at, "XML:" + target.text + ": only XML:/* and XML://@* are known");
  }
  if (target.selector == Selector::regex) {
    try {
      const Regex regex(target.text, true);
    } catch (const std::runtime_error& error) {
      fail_at(at, "the regex of a target: " + std::string(error.what()));
    }
  }
}

}  // namespace

std::optional<std::uint32_t> parse_id(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::uint32_t id = 0;
  for (const char c : text) {
    if (!core::is_digit(c)) return std::nullopt;
    id = id * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return id;
}

IdRange parse_range(std::string_view text, const SourceLine& at) {
  const std::size_t dash = text.find('-');
  const auto first = parse_id(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_id(text.substr(dash + 1));
  if (!first || !last || *first > *last) {
    fail_at(at, "\"" + std::string(text) + "\" is no rule id and no range of them");
  }
  return {*first, *last};
}

std::uint8_t parse_phase(std::string_view text, const SourceLine& at) {
  static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 3> kNames = {
      {{"request", 2}, {"response", 4}, {"logging", 5}}};
  for (const auto& [name, phase] : kNames) {
    if (core::equal_without_case(text, name)) return phase;
  }
  if (text.size() == 1 && text[0] >= '1' && text[0] <= '5') {
    return static_cast<std::uint8_t>(text[0] - '0');
  }
  fail_at(at, "unknown phase \"" + std::string(text) + "\"");
}

std::uint8_t parse_severity(std::string_view text, const SourceLine& at) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (core::equal_without_case(text, kNames[i])) return static_cast<std::uint8_t>(i);
  }
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '7') {
    return static_cast<std::uint8_t>(text[0] - '0');
  }
  fail_at(at, "unknown severity \"" + std::string(text) + "\"");
}

std::vector<Target> checked_targets(std::string_view text, const SourceLine& at) {
  std::vector<Target> targets = parse_targets(text, at);
  for (const Target& target : targets) check_target(target, at);
  return targets;
}

}  // namespace guard::inspect
