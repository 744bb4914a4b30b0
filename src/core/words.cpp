#include "core/words.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/ascii.h"

namespace guard::core {

namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
// Longer words than this are no typing mistake of one of ours.
constexpr std::size_t kSuggestionMax = 40;

[[noreturn]] void fail_value(std::string_view name, std::string_view value,
                             std::string_view expected) {
  fail("invalid value \"", value, "\" of \"", name, "\", ", expected);
}

// Decimal digits only; nothing if there are none, another byte, or an overflow.
std::optional<std::uint64_t> digits(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    if (__builtin_mul_overflow(number, std::uint64_t{10}, &number) ||
        __builtin_add_overflow(number, static_cast<std::uint64_t>(c - '0'), &number)) {
      return std::nullopt;
    }
  }
  return number;
}

struct Unit {
  std::string_view letters;
  std::uint64_t factor;
};

// The notation of value in the largest unit that divides it.
std::string in_units(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) {
      return std::to_string(value / unit.factor).append(unit.letters);
    }
  }
  return std::to_string(value);
}

std::string size_text(std::uint64_t bytes) {
  static constexpr std::array<Unit, 3> kUnits = {
      {{"g", 1024ULL * 1024 * 1024}, {"m", 1024ULL * 1024}, {"k", 1024}}};
  return in_units(bytes, kUnits);
}

// Milliseconds per unit, in the order in which they may follow each other. A month has 30 days and
// a year 365, as nginx counts them.
constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kDay = 24 * 60 * 60 * kSecond;
constexpr std::array<Unit, 8> kTimeUnits = {{{"y", 365 * kDay},
                                             {"M", 30 * kDay},
                                             {"w", 7 * kDay},
                                             {"d", kDay},
                                             {"h", 60 * 60 * kSecond},
                                             {"m", 60 * kSecond},
                                             {"s", kSecond},
                                             {"ms", 1}}};

std::string time_text(std::uint64_t milliseconds) {
  if (milliseconds == 0) return "0";
  // Nobody thinks in years of 365 days or months of 30.
  return in_units(milliseconds, std::span(kTimeUnits).subspan(2));
}

std::string range_text(std::string_view kind, std::uint64_t min, std::uint64_t max,
                       std::uint64_t no_limit, std::string (*text)(std::uint64_t)) {
  std::string range(kind);
  if (max >= no_limit) {
    if (min > 0) range.append(" of at least ").append(text(min));
  } else {
    range.append(" from ").append(text(min)).append(" to ").append(text(max));
  }
  return range.append(" is expected");
}

// Optimal string alignment: insertions, deletions, substitutions, and swaps of two neighbours.
// Letters of another case are the same.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, kSuggestionMax + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = to_lower(a[i - 1]) == to_lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
      }
    }
  }
  return rows[a.size() % 3][b.size()];
}

std::optional<std::uint64_t> milliseconds_in(std::string_view text) {
  std::uint64_t total = 0;
  std::size_t next_unit = 0;
  std::size_t at = 0;
  bool bare = false;
  while (at < text.size()) {
    const std::size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    const auto number = digits(text.substr(start, at - start));
    if (!number || bare) return std::nullopt;

    std::uint64_t factor = kSecond;
    if (at == text.size() || text[at] == ' ') {
      if (next_unit > 6) return std::nullopt;  // seconds have been said already
      bare = true;
    } else {
      const std::size_t width = text.substr(at).starts_with("ms") ? 2 : 1;
      std::size_t unit = next_unit;
      while (unit < kTimeUnits.size() && kTimeUnits[unit].letters != text.substr(at, width)) ++unit;
      if (unit == kTimeUnits.size()) return std::nullopt;
      factor = kTimeUnits[unit].factor;
      next_unit = unit + 1;
      at += width;
    }
    while (at < text.size() && text[at] == ' ') ++at;

    std::uint64_t part = 0;
    if (__builtin_mul_overflow(*number, factor, &part) ||
        __builtin_add_overflow(total, part, &total)) {
      return std::nullopt;
    }
  }
  if (text.empty()) return std::nullopt;
  return total;
}

// A word as messages quote it: of a URL only the scheme, since a key or a password may follow.
std::string quotable(std::string_view word) {
  const std::size_t scheme = word.find("://");
  if (scheme == std::string_view::npos) return std::string(word);
  return std::string(word.substr(0, scheme)).append("://...");
}

// "a", "b" or "c"
std::string list_of(std::span<const std::string_view> choices) {
  std::string list;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) list.append(i + 1 == choices.size() ? " or " : ", ");
    list.append("\"").append(choices[i]).append("\"");
  }
  return list;
}

}  // namespace

std::string suggestion(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view nearest;
  // A word of three letters with two mistakes is another word.
  std::size_t least = std::min<std::size_t>(2, word.size() / 2) + 1;
  for (std::string_view candidate : candidates) {
    if (word.size() > kSuggestionMax || candidate.size() > kSuggestionMax) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  if (nearest.empty()) return {};
  return std::string(", did you mean \"").append(nearest).append("\"?");
}

bool parse_on_off(std::string_view name, std::string_view value) {
  if (equal_without_case(value, "on")) return true;
  if (equal_without_case(value, "off")) return false;
  fail_value(name, value, "it must be \"on\" or \"off\"");
}

std::uint64_t parse_number(std::string_view name, std::string_view value, std::uint64_t min,
                           std::uint64_t max) {
  const auto number = digits(value);
  if (number && *number >= min && *number <= max) return *number;
  fail_value(name, value, range_text("a number", min, max, kNoLimit, [](std::uint64_t n) {
               return std::to_string(n);
             }));
}

std::uint64_t parse_size(std::string_view name, std::string_view value, std::uint64_t min,
                         std::uint64_t max) {
  std::uint64_t factor = 1;
  std::string_view number_text = value;
  if (!value.empty()) {
    switch (to_lower(value.back())) {
      case 'k':
        factor = 1024;
        break;
      case 'm':
        factor = 1024 * 1024;
        break;
      case 'g':
        factor = 1024 * 1024 * 1024;
        break;
      default:
        break;
    }
    if (factor != 1) number_text.remove_suffix(1);
  }
  const auto number = digits(number_text);
  std::uint64_t bytes = 0;
  if (number && !__builtin_mul_overflow(*number, factor, &bytes) && bytes >= min && bytes <= max) {
    return bytes;
  }
  fail_value(name, value, range_text("a size", min, max, kNoLimit, size_text));
}

std::chrono::milliseconds parse_time(std::string_view name, std::string_view value,
                                     std::chrono::milliseconds min, std::chrono::milliseconds max) {
  const auto total = milliseconds_in(value);
  const auto low = static_cast<std::uint64_t>(min.count());
  const auto high = static_cast<std::uint64_t>(max.count());
  if (total && *total >= low && *total <= high) return std::chrono::milliseconds(*total);
  constexpr auto kLongest = static_cast<std::uint64_t>(std::chrono::milliseconds::max().count());
  fail_value(name, value, range_text("a time", low, high, kLongest, time_text));
}

std::size_t parse_choice(std::string_view name, std::string_view value,
                         std::span<const std::string_view> choices) {
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] == value) return i;
  }
  fail_value(name, value, "it must be " + list_of(choices));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Words::Words(std::vector<std::string_view> words) : words_(std::move(words)) {
  if (words_.empty()) fail("a directive without a name");
}

bool Words::is_off() const {
  if (size() == 0 || (*this)[0] != "off") return false;
  if (size() > 1) fail("unexpected word \"", (*this)[1], "\" after \"off\"");
  return true;
}

void Words::read(std::size_t positional, std::initializer_list<std::string_view> named,
                 std::initializer_list<std::string_view> flags) {
  if (size() < positional) {
    fail("invalid number of arguments in \"", directive(), "\" directive");
  }
  named_.clear();
  flags_.clear();

  const auto is_flag = [&](std::string_view word) {
    return std::ranges::find(flags, word) != flags.end();
  };
  const auto is_named = [&](std::string_view word) {
    return std::ranges::find(named, word) != named.end();
  };
  // What could have been meant, as it is written: "burst=", "dry_run".
  const auto suggest = [&](std::string_view word) {
    std::vector<std::string> spelled;
    for (std::string_view name : named) spelled.push_back(std::string(name).append("="));
    for (std::string_view flag : flags) spelled.emplace_back(flag);
    const std::vector<std::string_view> candidates(spelled.begin(), spelled.end());
    return suggestion(word, candidates);
  };

  for (std::string_view word : all().subspan(positional)) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      if (is_flag(word)) {
        if (flag(word)) fail("duplicate parameter \"", word, "\"");
        flags_.push_back(word);
        continue;
      }
      if (is_named(word)) fail("\"", word, "=\" needs a value");
      if (word == "on" && positional == 0) {
        fail("unexpected word \"on\", \"", directive(), "\" is on without it");
      }
      fail("unexpected word \"", quotable(word), "\"", suggest(word));
    }

    const std::string_view name = word.substr(0, equals);
    const std::string_view value = word.substr(equals + 1);
    if (!is_named(name)) {
      if (is_flag(name)) fail("\"", name, "\" takes no value");
      fail("unknown parameter \"", quotable(name), "=\"", suggest(word.substr(0, equals + 1)));
    }
    if (this->named(name)) fail("duplicate parameter \"", name, "=\"");
    if (value.empty()) fail("\"", name, "=\" needs a value");
    named_.emplace_back(name, value);
  }
}

std::optional<std::string_view> Words::named(std::string_view name) const {
  for (const auto& [known, value] : named_) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::string_view Words::required(std::string_view name) const {
  if (const auto value = named(name)) return *value;
  fail("\"", name, "=\" is missing");
}

bool Words::flag(std::string_view name) const {
  return std::ranges::find(flags_, name) != flags_.end();
}

}  // namespace guard::core
