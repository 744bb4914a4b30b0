#include "core/accept.h"

#include <algorithm>
#include <optional>

#include "core/ascii.h"
#include "core/http_grammar.h"

namespace guard::core {

namespace {

// The text before the next separator that stands in no quoted string; text is what follows it.
std::string_view take_until(std::string_view& text, char separator) noexcept {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (quoted && text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      quoted = !quoted;
    } else if (text[at] == separator && !quoted) {
      break;
    }
  }
  at = std::min(at, text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

// qvalue in thousandths: "0" or "1" and up to three decimals, not above 1.
std::optional<int> weight_of(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int place = 100;
  for (std::size_t i = 2; i < text.size(); ++i, place /= 10) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    weight += (text[i] - '0') * place;
  }
  if (weight > 1000) return std::nullopt;
  return weight;
}

// The weight of one media type: that of the most specific range seen so far.
struct Preference {
  int specificity = -1;
  int weight = 0;

  void consider(int new_specificity, int new_weight) noexcept {
    if (new_specificity < specificity) return;
    weight = new_specificity > specificity ? new_weight : std::max(weight, new_weight);
    specificity = new_specificity;
  }
};

struct Range {
  std::string_view media;
  bool parameters = false;  // any but the weight
  int weight = 1000;
};

std::optional<Range> range_of(std::string_view element) noexcept {
  Range range;
  range.media = trim_blanks(take_until(element, ';'));
  while (!element.empty()) {
    std::string_view parameter = trim_blanks(take_until(element, ';'));
    if (parameter.size() >= 2 && to_lower(parameter[0]) == 'q' && parameter[1] == '=') {
      const auto weight = weight_of(parameter.substr(2));
      if (!weight) return std::nullopt;
      range.weight = *weight;
    } else if (!parameter.empty()) {
      range.parameters = true;
    }
  }
  return range;
}

}  // namespace

bool prefers_html(std::string_view accept) noexcept {
  accept = accept.substr(0, kAcceptMax);
  Preference html;
  Preference problem;
  Preference json;
  while (!accept.empty()) {
    const auto range = range_of(take_until(accept, ','));
    if (!range) continue;
    const int exact = range->parameters ? 2 : 3;
    if (equal_without_case(range->media, "text/html")) {
      html.consider(exact, range->weight);
    } else if (equal_without_case(range->media, "application/problem+json")) {
      problem.consider(exact, range->weight);
    } else if (equal_without_case(range->media, "application/json")) {
      json.consider(exact, range->weight);
    } else if (equal_without_case(range->media, "text/*")) {
      html.consider(1, range->weight);
    } else if (equal_without_case(range->media, "application/*")) {
      problem.consider(1, range->weight);
      json.consider(1, range->weight);
    } else if (equal_without_case(range->media, "*/*")) {
      html.consider(0, range->weight);
      problem.consider(0, range->weight);
      json.consider(0, range->weight);
    }
  }
  return html.weight > std::max(problem.weight, json.weight);
}

bool prefers_openmetrics(std::string_view accept) noexcept {
  accept = accept.substr(0, kAcceptMax);
  int open = 0;
  Preference plain;
  while (!accept.empty()) {
    const auto range = range_of(take_until(accept, ','));
    if (!range) continue;
    if (equal_without_case(range->media, "application/openmetrics-text")) {
      // Clients list the versions that they know, each with a weight of its own.
      open = std::max(open, range->weight);
    } else if (equal_without_case(range->media, "text/plain")) {
      plain.consider(2, range->weight);
    } else if (equal_without_case(range->media, "text/*")) {
      plain.consider(1, range->weight);
    } else if (equal_without_case(range->media, "*/*")) {
      plain.consider(0, range->weight);
    }
  }
  return open > 0 && open >= plain.weight;
}

}  // namespace guard::core
