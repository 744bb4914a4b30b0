#include "json/bound.h"

#include <charconv>
#include <optional>

#include "core/ascii.h"

namespace guard::json {

namespace {

// What fits an int64_t whatever its digits are.
constexpr std::size_t kMaxDigits = 18;

constexpr int order(std::int64_t a, std::int64_t b) {
  return a < b ? -1 : a > b;
}

// Most bounds are whole, and most numbers short and without an exponent: nothing else needs to be
// compared digit by digit. Nothing if this is not such a number.
std::optional<int> compare_whole(std::string_view number, std::int64_t bound) noexcept {
  const char* at = number.data();
  const char* const end = at + number.size();
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  const char* const digits = at;
  std::int64_t whole = 0;
  for (; at != end && core::is_digit(*at); ++at) {
    if (static_cast<std::size_t>(at - digits) == kMaxDigits) return std::nullopt;
    whole = whole * 10 + (*at - '0');
  }
  if (negative) whole = -whole;
  bool fraction = false;
  if (at != end && *at == '.') {
    for (++at; at != end && core::is_digit(*at); ++at) fraction |= *at != '0';
  }
  if (at != end) return std::nullopt;
  if (!fraction) return order(whole, bound);
  // It lies between whole and its neighbour away from 0.
  if (negative) return whole <= bound ? -1 : 1;
  return whole >= bound ? 1 : -1;
}

}  // namespace

Bound::Bound(std::string_view number) noexcept : value_(number) {
  const char* end = number.data() + number.size();
  const auto [rest, error] = std::from_chars(number.data(), end, whole_);
  is_whole_ = error == std::errc{} && rest == end;
}

int Bound::compare(std::string_view number) const noexcept {
  if (is_whole_) {
    if (const auto result = compare_whole(number, whole_)) return *result;
  }
  return json::compare(Decimal(number), value_);
}

}  // namespace guard::json
