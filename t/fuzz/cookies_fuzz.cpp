// Set-Cookie: what the application sent stays in front, whole, and what is behind it is complete: a
// second look finds nothing missing.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "headers/cookies.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace headers = guard::headers;
  if (size == 0) return 0;
  const std::string_view field(reinterpret_cast<const char*>(data) + 1, size - 1);
  headers::CookiePolicy policy;
  policy.secure = (data[0] & 1U) != 0;
  policy.http_only = (data[0] & 2U) != 0;
  if ((data[0] & 4U) != 0) policy.same_site = static_cast<headers::SameSite>((data[0] >> 4U) % 3);
  policy.except = {"a"};
  const bool https = (data[0] & 8U) != 0;

  const headers::CookieAdditions missing = headers::what_is_missing(field, policy, https);
  if (missing.secure && !https) std::abort();
  std::string out(field.size() + headers::kCookieAdditionsMax, '\0');
  out.resize(headers::write_cookie(field, missing, out));
  if (!out.starts_with(field)) std::abort();
  if (headers::what_is_missing(out, policy, https).any()) std::abort();
  return 0;
}
