#include "rate/fields.h"

#include <charconv>
#include <cstring>

namespace guard::rate {

bool stricter(const Decision& a, const Decision& b) noexcept {
  if (a.admitted != b.admitted) return !a.admitted;
  if (!a.admitted && a.retry != b.retry) return a.retry > b.retry;
  if (a.remaining != b.remaining) return a.remaining < b.remaining;
  return a.reset > b.reset;
}

std::string policy_item(std::string_view name, const Quota& quota) {
  return "\"" + std::string(name) + "\";q=" + std::to_string(quota.burst) +
         ";w=" + std::to_string(ceil_seconds(quota.window()));
}

std::size_t write_rate_limit(std::string_view name, const Decision& decision, char* out) noexcept {
  char* at = out;
  auto text = [&](std::string_view s) {
    std::memcpy(at, s.data(), s.size());
    at += s.size();
  };
  auto number = [&](std::uint64_t n) { at = std::to_chars(at, at + 20, n).ptr; };
  text("\"");
  text(name);
  text("\";r=");
  number(decision.remaining);
  if (decision.reset != 0) {
    text(";t=");
    number(ceil_seconds(decision.reset));
  }
  return static_cast<std::size_t>(at - out);
}

}  // namespace guard::rate
