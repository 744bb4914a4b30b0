// The Set-Cookie fields of an application, made safe where it has not done so itself (RFC 6265bis).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/words.h"

namespace guard::headers {

enum class SameSite : std::uint8_t { lax, strict, none };

// guard_cookies [secure] [httponly] [samesite=lax|strict|none] [except=NAME,...] | off
struct CookiePolicy {
  bool off = false;
  bool secure = false;
  bool http_only = false;
  std::optional<SameSite> same_site;  // nothing: none is added
  std::vector<std::string> except;    // names, in their own case
};

// Throws core::ConfigError.
CookiePolicy parse_cookies(core::Words& words);

// What is missing in one cookie.
struct CookieAdditions {
  bool path = false;  // Path=/
  bool secure = false;
  bool http_only = false;
  std::optional<SameSite> same_site;

  bool any() const { return path || secure || http_only || same_site.has_value(); }
};

// field is the value of Set-Cookie. Nothing is ever taken from a cookie or changed in it. Over
// plain HTTP no Secure is added, since browsers would drop the cookie, nor what needs it.
CookieAdditions what_is_missing(std::string_view field, const CookiePolicy& policy,
                                bool https) noexcept;

// The most that write_cookie adds.
inline constexpr std::size_t kCookieAdditionsMax = 64;

// field and behind it what it lacks; answers the number of bytes, or 0 if out is smaller than
// field.size() + kCookieAdditionsMax.
std::size_t write_cookie(std::string_view field, const CookieAdditions& additions,
                         std::span<char> out) noexcept;

}  // namespace guard::headers
