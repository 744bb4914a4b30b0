// The token of guard_csrf token: a signed double-submit cookie (OWASP, Cross-Site Request Forgery
// Prevention Cheat Sheet). It is 16 random bytes and the first 16 of an HMAC-SHA-256 over them and
// the session that it is for, all in hexadecimal, so that neither another site, which cannot read
// it, nor who can plant cookies, whose token is for another session, has one that fits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace guard::origin {

inline constexpr std::size_t kTokenBytes = 16;                  // each of the two halves
inline constexpr std::size_t kTokenSize = 2 * 2 * kTokenBytes;  // as text

using TokenKey = std::span<const std::uint8_t, 16>;

// False if OpenSSL has no entropy, or no memory.
bool make_token(TokenKey key, std::string_view session, std::span<char, kTokenSize> out) noexcept;

// Whether token is one that make_token has made for this session; in a time that does not depend
// on how far it is right.
bool is_token_of(TokenKey key, std::string_view session, std::string_view token) noexcept;
// Compares what the client sent twice, in a time that depends on the sizes only.
bool same_token(std::string_view a, std::string_view b) noexcept;

// The cookies of one name in Cookie fields.
struct FoundCookie {
  std::string_view value;  // of the first
  std::size_t count = 0;
};
// Adds those of one field (RFC 6265, 4.2.1). Quotes are part of a value.
void find_cookie(std::string_view field, std::string_view name, FoundCookie& found) noexcept;

// The value that a Set-Cookie field gives to the cookie; nothing if it is about another one.
std::optional<std::string_view> set_cookie_value(std::string_view field,
                                                 std::string_view name) noexcept;

}  // namespace guard::origin
