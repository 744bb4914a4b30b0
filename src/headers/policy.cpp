#include "headers/policy.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/http_grammar.h"

namespace guard::headers {

namespace {

using core::fail;

// The limit is also that of HTTP/2 stacks in common use, and lets a name's length index a table.
constexpr std::size_t kNameMax = 64;
constexpr std::uint64_t kMaxAgeMax = 10ULL * 365 * 24 * 60 * 60;

constexpr std::string_view kMade = "nginx makes it";

struct Reserved {
  std::string_view name;
  std::string_view why;
};

// Fields that nginx makes from the response itself: a second one would break the message or
// contradict it.
constexpr std::array<Reserved, 16> kReserved = {{
    {"Accept-Ranges", kMade},
    {"Connection", kMade},
    {"Content-Encoding", kMade},
    {"Content-Length", kMade},
    {"Content-Range", kMade},
    {"Content-Type", kMade},
    {"Date", kMade},
    {"ETag", kMade},
    {"Keep-Alive", kMade},
    {"Last-Modified", kMade},
    {"Location", kMade},
    {"Set-Cookie", "it would replace the application's cookies"},
    {"Strict-Transport-Security", "use \"guard_hsts\""},
    {"Trailer", kMade},
    {"Transfer-Encoding", kMade},
    {"Upgrade", kMade},
}};

void check_name(std::string_view name) {
  if (!core::is_token(name)) fail("invalid header field name \"", name, "\"");
  if (name.size() > kNameMax) {
    fail("header field name \"", name, "\" is longer than ", std::to_string(kNameMax), " bytes");
  }
}

// "204", or "2xx" for a whole hundred.
StatusRange parse_status(std::string_view text) {
  const bool hundred = text.size() == 3 && text.ends_with("xx");
  const bool valid = text.size() == 3 && text[0] >= '1' && text[0] <= '5' &&
                     (hundred || (core::is_digit(text[1]) && core::is_digit(text[2])));
  if (!valid)
    fail("invalid value \"", text, "\" of \"on=\", a status such as 204 or 4xx is expected");
  const auto first = static_cast<std::uint16_t>((text[0] - '0') * 100);
  if (hundred) return {first, static_cast<std::uint16_t>(first + 99)};
  const auto exact = static_cast<std::uint16_t>(first + (text[1] - '0') * 10 + (text[2] - '0'));
  return {exact, exact};
}

}  // namespace

bool is_field_value(std::string_view value) noexcept {
  return std::ranges::all_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

ProfileChoice parse_headers(core::Words& words) {
  static constexpr std::array<std::string_view, 3> kProfiles = {"off", "web", "api"};
  if (words.is_off()) return {};
  words.read(1, {}, {"override"});
  const std::size_t index = core::parse_choice(words.directive(), words[0], kProfiles);
  return {static_cast<Profile>(index), words.flag("override")};
}

FieldRule parse_header(core::Words& words) {
  if (words.size() < 2) {
    fail("invalid number of arguments in \"", words.directive(), "\" directive");
  }
  words.read(2, {"on", "if"});
  const std::string_view name = words[0];
  const std::string_view value = words[1];
  check_name(name);
  for (const Reserved& reserved : kReserved) {
    if (core::equal_without_case(name, reserved.name)) {
      fail("header field \"", name, "\" cannot be set, ", reserved.why);
    }
  }
  if (value == "off") {
    if (words.size() > 2) fail("unexpected word \"", words[2], "\" after \"off\"");
    return {std::string(name), {}, true};
  }
  if (value.empty()) fail("empty value of header field \"", name, "\", use \"off\" to send none");
  // A condition that would be sent as the value.
  for (const std::string_view word : {"on=", "if="}) {
    if (value.starts_with(word)) {
      fail("no value of header field \"", name, "\" before \"", word, "\"");
    }
  }
  if (!is_field_value(value)) fail("control character in the value of header field \"", name, "\"");
  if (value.front() == ' ' || value.front() == '\t' || value.back() == ' ' ||
      value.back() == '\t') {
    fail("space around the value of header field \"", name, "\"");
  }
  FieldRule rule{std::string(name), std::string(value), false};
  if (const auto statuses = words.named("on")) {
    for (std::string_view status : core::split(*statuses, ',')) {
      rule.statuses.push_back(parse_status(status));
    }
  }
  if (const auto condition = words.named("if")) rule.condition = *condition;
  return rule;
}

void add_rule(std::vector<FieldRule>& rules, FieldRule rule) {
  for (const FieldRule& known : rules) {
    if (core::equal_without_case(known.name, rule.name))
      fail("duplicate header field \"", rule.name, "\"");
  }
  rules.push_back(std::move(rule));
}

std::vector<FieldRule> merge_rules(const std::vector<FieldRule>& outer,
                                   const std::vector<FieldRule>& inner) {
  std::vector<FieldRule> merged = inner;
  for (const FieldRule& rule : outer) {
    const bool said = std::ranges::any_of(inner, [&](const FieldRule& other) {
      return core::equal_without_case(other.name, rule.name);
    });
    if (!said) merged.push_back(rule);
  }
  return merged;
}

std::string Hsts::field_value() const {
  std::string value = "max-age=" + std::to_string(max_age);
  if (include_subdomains) value += "; includeSubDomains";
  if (preload) value += "; preload";
  return value;
}

Hsts parse_hsts(core::Words& words) {
  Hsts hsts;
  if (words.is_off()) {
    hsts.off = true;
    return hsts;
  }
  words.read(0, {"max-age"}, {"includeSubDomains", "preload"});
  if (const auto value = words.named("max-age")) {
    const auto limit = std::chrono::seconds(kMaxAgeMax);
    const auto age = core::parse_time("max-age=", *value, std::chrono::seconds(0), limit);
    if (age.count() % 1000 != 0) {
      fail("invalid value \"", *value, "\" of \"max-age=\", whole seconds are expected");
    }
    hsts.max_age = static_cast<std::uint64_t>(age.count() / 1000);
  }
  hsts.include_subdomains = words.flag("includeSubDomains");
  hsts.preload = words.flag("preload");
  if (hsts.preload && (!hsts.include_subdomains || hsts.max_age < Hsts::kPreloadMinAge)) {
    fail("\"preload\" requires \"includeSubDomains\" and a \"max-age=\" of at least ",
         std::to_string(Hsts::kPreloadMinAge));
  }
  return hsts;
}

HttpsPolicy parse_https(const core::Words& words) {
  static constexpr std::array<std::string_view, 3> kActions = {"off", "redirect", "require"};
  if (words.is_off()) return {};
  if (words.size() == 0) {
    fail("invalid number of arguments in \"", words.directive(), "\" directive");
  }
  HttpsPolicy policy;
  policy.action =
      static_cast<HttpsPolicy::Action>(core::parse_choice(words.directive(), words[0], kActions));

  // except= may stand several times, and further prefixes may follow it as words of their own.
  std::vector<std::string_view> others = {words.directive()};
  bool listing = false;
  for (std::string_view word : words.all().subspan(1)) {
    constexpr std::string_view kExcept = "except=";
    if (word.starts_with(kExcept)) {
      word.remove_prefix(kExcept.size());
      if (word.empty()) fail("\"except=\" needs a value");
      listing = true;
    } else if (!listing || !word.starts_with("/")) {
      others.push_back(word);
      listing = false;
      continue;
    }
    policy.except.add("except=", word);
  }
  core::Words rest(std::move(others));
  rest.read(0, {"port"});
  if (const auto port = rest.named("port")) {
    if (policy.action == HttpsPolicy::Action::require) {
      fail("\"port=\" has no meaning with \"require\"");
    }
    policy.port = static_cast<std::uint16_t>(core::parse_number("port=", *port, 1, 65535));
  }
  return policy;
}

void parse_hide_headers(const core::Words& words, HideChoice& choice, bool first) {
  if (words.size() == 0) {
    fail("invalid number of arguments in \"", words.directive(), "\" directive");
  }
  if (choice.off) fail("\"", words.directive(), "\" after \"", words.directive(), " off\"");
  if (words.is_off()) {
    if (!first) fail("\"", words.directive(), " off\" after \"", words.directive(), "\"");
    choice.off = true;
    return;
  }
  if (first) choice.adds = true;
  for (std::string_view word : words.all()) {
    if (word == "on") {
      if (choice.known) fail("duplicate parameter \"on\"");
      choice.known = true;
      choice.adds = false;
      continue;
    }
    if (word == "off") fail("unexpected word \"off\"");
    // No field has such a name, which is what it would be taken for.
    if (core::equal_without_case(word, "on") || core::equal_without_case(word, "off")) {
      constexpr std::array<std::string_view, 2> kSwitches = {"on", "off"};
      fail("unexpected word \"", word, "\"", core::suggestion(word, kSwitches));
    }
    if (word.starts_with("+")) {
      word.remove_prefix(1);
    } else {
      choice.adds = false;
    }
    check_name(word);
    for (const Reserved& reserved : kReserved) {
      if (reserved.why == kMade && core::equal_without_case(word, reserved.name)) {
        fail("header field \"", word, "\" cannot be hidden, ", kMade);
      }
    }
    for (const std::string& known : choice.names) {
      if (core::equal_without_case(known, word)) fail("duplicate header field \"", word, "\"");
    }
    choice.names.emplace_back(word);
  }
}

HideChoice merge_hide(const HideChoice& outer, const HideChoice& inner) {
  if (!inner.adds || outer.off) return inner;
  HideChoice merged = outer;
  for (const std::string& name : inner.names) {
    const bool known = std::ranges::any_of(merged.names, [&](const std::string& other) {
      return core::equal_without_case(other, name);
    });
    if (!known) merged.names.push_back(name);
  }
  return merged;
}

}  // namespace guard::headers
