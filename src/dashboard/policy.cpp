#include "dashboard/policy.h"

#include <algorithm>
#include <charconv>

namespace guard::dashboard {

EndpointPolicy parse_endpoint(core::Words& words) {
  words.read(0, {}, {"public"});
  return {words.flag("public")};
}

std::uint64_t parse_after(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && at == end ? number : 0;
}

std::uint64_t first_event(std::uint64_t after, std::uint64_t last) noexcept {
  // A page that knows of more has seen another nginx.
  if (after > last) after = 0;
  return std::max(after, last - std::min(last, kEvents)) + 1;
}

}  // namespace guard::dashboard
