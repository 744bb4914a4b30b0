#include "lockout/ban_weights.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/feature.h"
#include "core/words.h"

namespace guard::lockout {

namespace {

using core::EventKind;
using core::fail;

constexpr std::string_view kForeignFamilies[] = {"cors", "csrf"};

// What no request causes, and a ban itself.
bool weighs_nothing(EventKind kind) {
  switch (kind) {
    case EventKind::client_banned:
    case EventKind::redis_unavailable:
    case EventKind::redis_recovered:
    case EventKind::scanner_unavailable:
    case EventKind::scanner_recovered:
    case EventKind::health_changed:
    case EventKind::table_pressure:
    case EventKind::break_glass:
    case EventKind::config_loaded:
    case EventKind::events_lost:
      return true;
    default:
      return false;
  }
}

[[noreturn]] void fail_foreign(std::string_view what, std::string_view word) {
  fail("\"", what, "\" in \"", word,
       "=\" can be caused by a page of another site, in the browser of a visitor who knows nothing "
       "of it: weigh it in \"cross_site_weights=\" if it is to count all the same");
}

bool is_code_letter(char c) {
  return core::is_letter(c) || core::is_digit(c) || c == '_' || c == '.' || c == '-';
}

std::vector<std::string_view> families() {
  std::vector<std::string_view> names(core::kFeatureNames.begin(), core::kFeatureNames.end());
  names.emplace_back("key");
  return names;
}

}  // namespace

bool is_from_elsewhere(EventKind kind) noexcept {
  return kind == EventKind::csp_violated || kind == EventKind::origin_refused ||
         kind == EventKind::csrf_refused;
}

void BanWeights::read(std::string_view word, std::string_view text, Cause cause) {
  for (std::string_view entry : core::split(text, ',')) {
    std::size_t colon = entry.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
      fail("invalid \"", entry, "\" in \"", word,
           "=\", a kind of event, a code or a status with a weight is expected, as in "
           "\"login_failed:5\", \"inspect.sqli:50\", \"rate.*:2\" or \"404:1\"");
    }
    std::string_view what = entry.substr(0, colon);
    auto weight = static_cast<std::uint32_t>(
        core::parse_number(what, entry.substr(colon + 1), 0, kMaxWeight));
    if (++entries_ > kMaxEntries) {
      fail("more than ", std::to_string(kMaxEntries), " weights in \"", word, "=\"");
    }
    if (core::is_digit(what.front())) {
      add_status(what, weight);
    } else if (what.find_first_of(".*") != std::string_view::npos) {
      add_code(what, weight, word, cause);
    } else {
      add_kind(what, weight, word, cause);
    }
  }
}

void BanWeights::add_status(std::string_view what, std::uint32_t weight) {
  Status status{0, 0, weight};
  if (what == "4xx" || what == "5xx") {
    status.first = what[0] == '4' ? 400 : 500;
    status.last = static_cast<std::uint16_t>(status.first + 99);
  } else if (what.size() == 3 && (what[0] == '4' || what[0] == '5') && core::is_digit(what[1]) &&
             core::is_digit(what[2])) {
    status.first = status.last =
        static_cast<std::uint16_t>(core::parse_number("status", what, 400, 599));
  } else {
    fail("invalid status \"", what, "\", 400 to 599, \"4xx\" or \"5xx\" is expected");
  }
  for (const Status& other : statuses_) {
    if (other.first == status.first && other.last == status.last) {
      fail("two weights for \"", what, "\"");
    }
  }
  bool single = status.first == status.last;
  statuses_.insert(single ? statuses_.begin() : statuses_.end(), status);
}

void BanWeights::add_code(std::string_view what, std::uint32_t weight, std::string_view word,
                          Cause cause) {
  std::string_view code = what;
  bool prefix = code.ends_with('*');
  if (prefix) code.remove_suffix(1);
  std::size_t dot = code.find('.');
  if (dot == std::string_view::npos || dot == 0 || (!prefix && dot + 1 == code.size()) ||
      !std::ranges::all_of(code, is_code_letter)) {
    fail("invalid code \"", what, "\", one like \"inspect.sqli\" or \"rate.*\" is expected");
  }
  std::string_view family = code.substr(0, dot);
  std::vector<std::string_view> known = families();
  if (std::ranges::find(known, family) == known.end()) {
    fail("unknown code \"", what, "\"", core::suggestion(family, known));
  }
  if (family == "ban") fail("\"", what, "\": that a client is banned weighs nothing");
  if (cause == Cause::client &&
      std::ranges::find(kForeignFamilies, family) != std::end(kForeignFamilies)) {
    fail_foreign(what, word);
  }
  for (const Code& other : codes_) {
    if (other.text == code && other.prefix == prefix) fail("two weights for \"", what, "\"");
  }
  // An exact one is longer than any prefix of it.
  Code added{std::string(code), prefix, weight};
  auto length = [](const Code& one) { return 2 * one.text.size() + (one.prefix ? 0 : 1); };
  auto place = std::ranges::find_if(
      codes_, [&](const Code& other) { return length(other) < length(added); });
  codes_.insert(place, std::move(added));
}

void BanWeights::add_kind(std::string_view what, std::uint32_t weight, std::string_view word,
                          Cause cause) {
  core::NamedKind kind = core::parse_event_kind(what);
  if (weighs_nothing(kind.kind)) fail("\"", what, "\" is no event of a client");
  if (cause == Cause::client && is_from_elsewhere(kind.kind)) fail_foreign(what, word);
  for (const Kind& other : kinds_) {
    if (other.kind == kind) fail("two weights for \"", what, "\"");
  }
  kinds_.push_back({std::move(kind), weight});
}

void BanWeights::check_codes(std::span<const std::string_view> known) const {
  for (const Code& code : codes_) {
    const auto fits = [&](std::string_view one) {
      return code.prefix ? one.starts_with(code.text) : one == code.text;
    };
    if (std::ranges::any_of(known, fits)) continue;
    fail("unknown code \"", code.text, code.prefix ? "*\"" : "\"",
         core::suggestion(code.text, known));
  }
}

bool BanWeights::has(EventKind kind) const noexcept {
  return std::ranges::any_of(kinds_, [kind](const Kind& one) { return one.kind.kind == kind; });
}

std::vector<core::NamedKind> BanWeights::kinds() const {
  std::vector<core::NamedKind> kinds;
  for (const Kind& one : kinds_) {
    if (one.weight != 0) kinds.push_back(one.kind);
  }
  return kinds;
}

std::uint32_t BanWeights::of_event(const core::Event& event) const noexcept {
  if (!event.code.empty()) {
    for (const Code& one : codes_) {
      if (one.prefix ? event.code.starts_with(one.text) : event.code == one.text) return one.weight;
    }
  }
  for (const Kind& one : kinds_) {
    if (one.kind.is(event)) return one.weight;
  }
  return 0;
}

std::uint32_t BanWeights::of_status(std::uint16_t status) const noexcept {
  for (const Status& one : statuses_) {
    if (status >= one.first && status <= one.last) return one.weight;
  }
  return 0;
}

}  // namespace guard::lockout
