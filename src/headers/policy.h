// What the user said with guard_headers, guard_header, guard_hsts, guard_https and
// guard_hide_headers. Every parse function throws core::ConfigError.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/path_prefixes.h"
#include "core/words.h"

namespace guard::headers {

enum class Profile : std::uint8_t { off, web, api };

struct ProfileChoice {
  Profile profile = Profile::off;
  bool overrides = false;  // the profile's fields replace those of add_header and the upstream

  bool operator==(const ProfileChoice&) const = default;
};

ProfileChoice parse_headers(core::Words& words);

// A status or all of a hundred: on=204, on=4xx.
struct StatusRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  bool operator==(const StatusRange&) const = default;
};

// guard_header Name value [on=STATUS,...] [if=VALUE] | off
struct FieldRule {
  std::string name;
  std::string value;                       // may hold variables
  bool off = false;                        // Guard sends no such field, not even one of the profile
  std::vector<StatusRange> statuses = {};  // empty: with every one
  std::string condition = {};  // may hold variables; sent unless it comes to nothing or "0"

  bool is_conditional() const { return !statuses.empty() || !condition.empty(); }
};

FieldRule parse_header(core::Words& words);

// Adds what one level says; the same name twice throws.
void add_rule(std::vector<FieldRule>& rules, FieldRule rule);
// The rules of an inner level and those of the outer one whose names it does not mention.
std::vector<FieldRule> merge_rules(const std::vector<FieldRule>& outer,
                                   const std::vector<FieldRule>& inner);

struct Hsts {
  // Two years: what OWASP and the preload list ask for.
  static constexpr std::uint64_t kDefaultMaxAge = 63072000;
  // The preload list's own minimum (hstspreload.org): one year.
  static constexpr std::uint64_t kPreloadMinAge = 31536000;

  bool off = false;
  std::uint64_t max_age = kDefaultMaxAge;  // seconds; 0 makes browsers forget
  bool include_subdomains = false;
  bool preload = false;

  std::string field_value() const;  // RFC 6797, 6.1
};

Hsts parse_hsts(core::Words& words);

struct HttpsPolicy {
  enum class Action : std::uint8_t { off, redirect, require };

  Action action = Action::off;
  std::uint16_t port = 443;
  core::PathPrefixes except;
};

HttpsPolicy parse_https(const core::Words& words);

// One level's guard_hide_headers directives together.
struct HideChoice {
  bool off = false;
  bool known = false;  // all of kTellingFields, and nginx's version
  bool adds = false;   // every name was written +NAME: the inherited list stays
  std::vector<std::string> names;

  bool operator==(const HideChoice&) const = default;
};

void parse_hide_headers(const core::Words& words, HideChoice& choice, bool first);
HideChoice merge_hide(const HideChoice& outer, const HideChoice& inner);

// Visible bytes, spaces and tabs: what cannot end a field line or forge another (RFC 9110, 5.5).
bool is_field_value(std::string_view value) noexcept;

}  // namespace guard::headers
