#include "rate/answer_fields.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace guard::rate {

namespace {

// The items of all windows that were asked; only: one of them.
std::string_view join_items(const Ledger& ledger, const Asked& only, Space space) noexcept {
  std::size_t size = 0;
  ledger.each_told([&](const Asked& asked) { size += asked.meter->item.size() + 2; });
  const std::string& item = only.meter->item;
  if (size == item.size() + 2) return item;
  char* text = space.take<char>(size);
  if (text == nullptr) return item;
  char* at = text;
  ledger.each_told([&](const Asked& asked) {
    if (at != text) at = std::copy_n(", ", 2, at);
    at = std::copy(asked.meter->item.begin(), asked.meter->item.end(), at);
  });
  return {text, static_cast<std::size_t>(at - text)};
}

}  // namespace

std::string_view decimal(std::uint64_t number, Space space) noexcept {
  constexpr std::size_t kDigits = 20;
  char* text = space.take<char>(kDigits);
  if (text == nullptr) return "0";
  const char* end = std::to_chars(text, text + kDigits, number).ptr;
  return {text, static_cast<std::size_t>(end - text)};
}

std::span<const Field> tell(const Ledger& ledger, bool refused, FieldStyle style, Space space,
                            Fields& out) noexcept {
  const Asked* strictest = ledger.strictest();
  // Who is only observed is not told that he has to wait.
  if (strictest == nullptr || (!strictest->decision.admitted && !refused)) return {};

  std::size_t count = 0;
  const Decision& decision = strictest->decision;
  if (style != FieldStyle::legacy) {
    out[count++] = {"RateLimit-Policy", join_items(ledger, *strictest, space)};
    char* text = space.take<char>(kRateLimitMax);
    if (text == nullptr) return {out.data(), count};
    out[count++] = {"RateLimit", {text, write_rate_limit(strictest->meter->name, decision, text)}};
  }
  if (style != FieldStyle::draft) {
    out[count++] = {"X-RateLimit-Limit", decimal(strictest->meter->quota.burst, space)};
    out[count++] = {"X-RateLimit-Remaining", decimal(decision.remaining, space)};
    out[count++] = {"X-RateLimit-Reset", decimal(ceil_seconds(decision.reset), space)};
  }
  return {out.data(), count};
}

}  // namespace guard::rate
