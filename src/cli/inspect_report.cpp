#include "cli/inspect_report.h"

#include <string_view>

#include "cli/printable.h"
#include "inspect/policy.h"

namespace guard::cli {

namespace {

constexpr std::size_t kNameLength = 128;
constexpr std::size_t kExcerptLength = 200;
constexpr std::string_view kScore = "_score";

}  // namespace

std::string matches_text(const inspect::Inspection& inspection, bool excerpt) {
  std::string text;
  for (const inspect::Match& match : inspection.matches()) {
    text += std::to_string(match.rule->id);
    if (!match.variable.empty()) text += ' ' + printable(match.variable, kNameLength);
    if (!match.message.empty()) text += ": " + printable(match.message);
    text += '\n';
    if (excerpt && !match.value.empty()) {
      text += "    in: " + printable(match.value, kExcerptLength) + '\n';
    }
    if (excerpt && !match.logdata.empty()) {
      text += "    found: " + printable(match.logdata, kExcerptLength) + '\n';
    }
  }
  return text;
}

std::string scores_text(const inspect::Inspection& inspection,
                        const inspect::InspectionResult& result) {
  std::string text = "score " + std::to_string(result.score);
  std::string_view before = ": ";
  inspection.each_number([&](std::string_view name, std::int64_t number) {
    // The whole score, per level and in sum, has been said; thresholds are none.
    if (number == 0 || !name.ends_with(kScore) || name.find("anomaly") != std::string_view::npos) {
      return;
    }
    name.remove_suffix(kScore.size());
    text.append(before).append(name).append(" ").append(std::to_string(number));
    before = ", ";
  });
  return text + '\n';
}

std::string verdict_text(const inspect::Inspection& inspection,
                         const inspect::InspectionResult& result) {
  std::string text = "refused: ";
  switch (result.outcome) {
    case inspect::Outcome::passed:
      return "passes\n";
    case inspect::Outcome::failed:
      return text.append(inspect::code_unavailable().code) + '\n';
    case inspect::Outcome::over_budget:
      return text.append(inspect::code_budget().code) + '\n';
    case inspect::Outcome::denied:
      break;
  }
  text += std::to_string(result.status) + ' ';
  text += inspect::code_of(inspection.category()).code;
  if (result.by != nullptr) text += ", by rule " + std::to_string(result.by->id);
  return text + '\n';
}

}  // namespace guard::cli
