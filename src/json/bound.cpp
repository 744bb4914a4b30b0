#include "json/bound.h"

#include <charconv>
#include <limits>

#include "core/ascii.h"

namespace guard::json {

namespace {

// What fits an int64_t whatever its digits are.
constexpr std::size_t kMaxDigits = 18;

double rounded(std::string_view number) noexcept {
  double value = 0;
  const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
  if (result.ec == std::errc{}) return value;
  const bool large = Decimal(number).magnitude() > 0;
  value = large ? std::numeric_limits<double>::infinity() : 0;
  return number.starts_with('-') ? -value : value;
}

}  // namespace

WrittenNumber::WrittenNumber(std::string_view text) noexcept : text_(text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  negative_ = at != end && *at == '-';
  if (negative_) ++at;
  const char* const digits = at;
  for (; at != end && core::is_digit(*at); ++at) {
    if (static_cast<std::size_t>(at - digits) == kMaxDigits) return;
    whole_ = whole_ * 10 + (*at - '0');
  }
  if (negative_) whole_ = -whole_;
  if (at != end && *at == '.') {
    for (++at; at != end && core::is_digit(*at); ++at) fraction_ |= *at != '0';
  }
  simple_ = at == end;
}

Bound::Bound(std::string_view number) noexcept : value_(number), rounded_(rounded(number)) {
  const char* end = number.data() + number.size();
  const auto [rest, error] = std::from_chars(number.data(), end, whole_);
  is_whole_ = error == std::errc{} && rest == end;
}

int Bound::compare_digits(std::string_view number) const noexcept {
  return json::compare(Decimal(number), value_);
}

bool Bound::rounds_to_digits(std::string_view number) const noexcept {
  return number.find_first_of(".eE") != std::string_view::npos && rounded(number) == rounded_;
}

}  // namespace guard::json
