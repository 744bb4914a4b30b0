#include "headers/cookies.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/http_grammar.h"
#include "headers/policy.h"

namespace guard::headers {

namespace {

using core::fail;
using core::trim_blanks;

constexpr std::size_t kExceptMax = 64;
constexpr std::array<std::string_view, 3> kSameSiteNames = {"lax", "strict", "none"};
constexpr std::array<std::string_view, 3> kSameSiteTexts = {"; SameSite=Lax", "; SameSite=Strict",
                                                            "; SameSite=None"};
constexpr std::string_view kPathText = "; Path=/";
constexpr std::string_view kSecureText = "; Secure";
constexpr std::string_view kHttpOnlyText = "; HttpOnly";
static_assert(kPathText.size() + kSecureText.size() + kHttpOnlyText.size() +
                  kSameSiteTexts[1].size() <=
              kCookieAdditionsMax);

// RFC 6265bis, 4.1.3: browsers compare the prefixes without case.
bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
  return core::equal_without_case(name.substr(0, prefix.size()), prefix);
}

bool is_cookie_name(std::string_view name) noexcept {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return c > ' ' && c != 0x7f && c != '=' && c != ';' && c != ',';
  });
}

}  // namespace

CookiePolicy parse_cookies(core::Words& words) {
  CookiePolicy policy;
  if (words.is_off()) {
    policy.off = true;
    return policy;
  }
  words.read(0, {"samesite", "except"}, {"secure", "httponly"});
  policy.secure = words.flag("secure");
  policy.http_only = words.flag("httponly");
  if (const auto value = words.named("samesite")) {
    policy.same_site =
        static_cast<SameSite>(core::parse_choice("samesite=", *value, kSameSiteNames));
  }
  if (!policy.secure && !policy.http_only && !policy.same_site) {
    policy.secure = policy.http_only = true;
    policy.same_site = SameSite::lax;
  }
  if (policy.same_site == SameSite::none && !policy.secure) {
    fail("\"samesite=none\" requires \"secure\", browsers refuse such cookies without it");
  }
  if (const auto value = words.named("except")) {
    for (std::string_view name : core::split(*value, ',')) {
      if (!is_cookie_name(name)) fail("invalid cookie name \"", name, "\" of \"except=\"");
      if (std::ranges::find(policy.except, name) != policy.except.end()) {
        fail("duplicate value \"", name, "\" of \"except=\"");
      }
      if (policy.except.size() == kExceptMax) {
        fail("more than ", std::to_string(kExceptMax), " values of \"except=\"");
      }
      policy.except.emplace_back(name);
    }
  }
  return policy;
}

CookieAdditions what_is_missing(std::string_view field, const CookiePolicy& policy,
                                bool https) noexcept {
  const std::string_view pair = field.substr(0, field.find(';'));
  const std::size_t equals = pair.find('=');
  // Without "=" all of it is the value of a cookie without a name.
  const std::string_view name =
      equals == std::string_view::npos ? std::string_view{} : trim_blanks(pair.substr(0, equals));
  if (std::ranges::find(policy.except, name) != policy.except.end()) return {};

  bool path = false;
  bool secure = false;
  bool http_only = false;
  bool same_site = false;
  field.remove_prefix(pair.size());
  while (!field.empty()) {
    field.remove_prefix(1);
    const std::string_view attribute = field.substr(0, field.find(';'));
    field.remove_prefix(attribute.size());
    const std::size_t at = attribute.find('=');
    const std::string_view key = trim_blanks(attribute.substr(0, at));
    const std::string_view value =
        at == std::string_view::npos ? std::string_view{} : trim_blanks(attribute.substr(at + 1));
    if (core::equal_without_case(key, "Path")) path = true;
    if (core::equal_without_case(key, "Secure")) secure = true;
    if (core::equal_without_case(key, "HttpOnly")) http_only = true;
    // Browsers take any other value for none at all; of several attributes the last counts.
    if (core::equal_without_case(key, "SameSite")) {
      same_site = std::ranges::any_of(kSameSiteNames, [value](std::string_view known) {
        return core::equal_without_case(value, known);
      });
    }
  }

  CookieAdditions missing;
  const bool host = has_prefix(name, "__Host-");
  // Without these a browser refuses a cookie with such a name.
  const bool needs_secure = host || has_prefix(name, "__Secure-");
  missing.path = host && !path;
  missing.secure = !secure && https && (policy.secure || needs_secure);
  missing.http_only = policy.http_only && !http_only;
  const bool is_secure = secure || missing.secure;
  if (policy.same_site && !same_site && (*policy.same_site != SameSite::none || is_secure)) {
    missing.same_site = policy.same_site;
  }
  return missing;
}

std::size_t write_cookie(std::string_view field, const CookieAdditions& additions,
                         std::span<char> out) noexcept {
  if (out.size() < field.size() + kCookieAdditionsMax) return 0;
  char* at = std::ranges::copy(field, out.data()).out;
  const auto put = [&](std::string_view text) { at = std::ranges::copy(text, at).out; };
  if (additions.path) put(kPathText);
  if (additions.secure) put(kSecureText);
  if (additions.http_only) put(kHttpOnlyText);
  if (additions.same_site) put(kSameSiteTexts[static_cast<std::size_t>(*additions.same_site)]);
  return static_cast<std::size_t>(at - out.data());
}

}  // namespace guard::headers
