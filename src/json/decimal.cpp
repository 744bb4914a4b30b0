#include "json/decimal.h"

#include <algorithm>
#include <charconv>

#include "core/json_number.h"
#include "core/words.h"

namespace guard::json {

namespace {

void trim_front(std::string_view& digits) noexcept {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
}

void trim_back(std::string_view& digits) noexcept {
  digits = digits.substr(0, digits.find_last_not_of('0') + 1);
}

}  // namespace

Decimal::Decimal(std::string_view text) noexcept {
  core::JsonNumber number;
  if (!core::parse_json_number(text, number)) return;
  std::int64_t exponent = 0;
  const std::string_view written = number.exponent;
  std::from_chars(written.data(), written.data() + written.size(), exponent);
  if (number.exponent_negative) exponent = -exponent;
  first_ = number.integer;
  second_ = number.fraction;
  trim_front(first_);
  trim_back(second_);
  magnitude_ = static_cast<std::int64_t>(first_.size()) + exponent;
  if (first_.empty()) {
    const std::size_t size = second_.size();
    trim_front(second_);
    magnitude_ -= static_cast<std::int64_t>(size - second_.size());
  }
  if (second_.empty()) trim_back(first_);
  negative_ = number.negative && !is_zero();
  if (is_zero()) magnitude_ = 0;
}

int compare(const Decimal& a, const Decimal& b) noexcept {
  if (a.negative_ != b.negative_) return a.negative_ ? -1 : 1;
  const int more = a.negative_ ? -1 : 1;
  if (a.is_zero() || b.is_zero()) return a.is_zero() ? (b.is_zero() ? 0 : -1) : more;
  if (a.magnitude_ != b.magnitude_) return a.magnitude_ < b.magnitude_ ? -more : more;
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (a.digit(i) != b.digit(i)) return a.digit(i) < b.digit(i) ? -more : more;
  }
  if (a.size() == b.size()) return 0;
  return a.size() < b.size() ? -more : more;
}

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/).
std::uint64_t Decimal::hash() const noexcept {
  std::uint64_t h = 0xcbf29ce484222325;
  const auto add = [&h](std::uint64_t value) { h = (h ^ value) * 0x100000001b3; };
  add(negative_ ? 1 : 0);
  add(static_cast<std::uint64_t>(magnitude_));
  for (char c : first_) add(static_cast<unsigned char>(c));
  for (char c : second_) add(static_cast<unsigned char>(c));
  return h;
}

Divisor::Divisor(std::string_view text) {
  const Decimal number(text);
  if (number.is_zero() || number.is_negative())
    core::fail("a \"multipleOf\" that is not greater than 0");
  if (number.size() > kMaxDigits) {
    core::fail("a \"multipleOf\" of more than ", std::to_string(kMaxDigits), " digits");
  }
  digits_ = 0;
  for (std::size_t i = 0; i < number.size(); ++i) {
    digits_ = digits_ * 10 + static_cast<std::uint64_t>(number.digit(i) - '0');
  }
  exponent_ = number.magnitude() - static_cast<std::int64_t>(number.size());
}

// n · 10^e = m · d · 10^f, where neither n nor d ends with a 0: if e < f, the right side of
// n = m · d · 10^(f-e) does. Otherwise d divides n · 10^(e-f).
bool Divisor::divides(const Decimal& number) const noexcept {
  if (number.is_zero()) return true;
  std::int64_t power = number.magnitude() - static_cast<std::int64_t>(number.size()) - exponent_;
  if (power < 0) return false;
  using Wide = unsigned __int128;
  const auto times = [this](std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint64_t>(Wide{a} * b % digits_);
  };
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < number.size(); ++i) {
    rest = static_cast<std::uint64_t>(
        (Wide{rest} * 10 + static_cast<std::uint64_t>(number.digit(i) - '0')) % digits_);
  }
  for (std::uint64_t base = 10 % digits_; power > 0; power >>= 1) {
    if ((power & 1) != 0) rest = times(rest, base);
    base = times(base, base);
  }
  return rest == 0;
}

}  // namespace guard::json
