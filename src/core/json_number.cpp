#include "core/json_number.h"

#include <algorithm>

namespace guard::core {
namespace {

// Half way between the largest binary64 and 2^1024, that is 2^1024 - 2^970 (IEEE 754, 4.3.1:
// round-to-nearest takes this and everything above to infinity). 309 digits.
constexpr std::string_view kDoubleOverflow =
    "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017"
    "977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273"
    "854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704"
    "342711559699508093042880177904174497792";

const char* skip_digits(const char* p, const char* end) noexcept {
  while (p != end && static_cast<unsigned char>(*p - '0') < 10) ++p;
  return p;
}

std::string_view between(const char* from, const char* to) noexcept {
  return {from, static_cast<std::size_t>(to - from)};
}

bool fits_int64(const JsonNumber& number) noexcept {
  const std::string_view digits = number.integer;
  const std::string_view bound = number.negative ? "9223372036854775808" : "9223372036854775807";
  return digits.size() < bound.size() || (digits.size() == bound.size() && digits <= bound);
}

// The exponent's value, clamped just beyond kMaxExponent.
std::int64_t exponent_of(const JsonNumber& number) noexcept {
  std::int64_t value = 0;
  for (char c : number.exponent) {
    value = std::min(value * 10 + (c - '0'), kMaxExponent + 1);
  }
  return number.exponent_negative ? -value : value;
}

bool fits_double(const JsonNumber& number, std::int64_t exponent) noexcept {
  // With the first significant digit at 10^magnitude, |x| lies in [10^magnitude, 10^(magnitude+1)).
  const std::size_t leading = number.integer.find_first_not_of('0');
  std::int64_t magnitude = exponent;
  std::string_view head;
  std::string_view tail = number.fraction;
  if (leading != std::string_view::npos) {
    head = number.integer.substr(leading);
    magnitude += static_cast<std::int64_t>(head.size()) - 1;
  } else {
    const std::size_t zeros = tail.find_first_not_of('0');
    if (zeros == std::string_view::npos) return true;
    tail = tail.substr(zeros);
    magnitude -= static_cast<std::int64_t>(zeros) + 1;
  }
  if (magnitude != 308) return magnitude < 308;
  const auto digit = [&](std::size_t i) noexcept {
    if (i < head.size()) return head[i];
    i -= head.size();
    return i < tail.size() ? tail[i] : '0';
  };
  for (std::size_t i = 0; i < kDoubleOverflow.size(); ++i) {
    if (digit(i) != kDoubleOverflow[i]) return digit(i) < kDoubleOverflow[i];
  }
  return false;
}

}  // namespace

bool parse_json_number(std::string_view text, JsonNumber& number) noexcept {
  number = {};
  const char* p = text.data();
  const char* const end = p + text.size();
  if (p != end && *p == '-') {
    number.negative = true;
    ++p;
  }
  const char* from = p;
  p = skip_digits(p, end);
  if (p == from || (*from == '0' && p - from > 1)) return false;
  number.integer = between(from, p);
  if (p != end && *p == '.') {
    from = ++p;
    p = skip_digits(p, end);
    if (p == from) return false;
    number.fraction = between(from, p);
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) {
      number.exponent_negative = *p == '-';
      ++p;
    }
    from = p;
    p = skip_digits(p, end);
    if (p == from) return false;
    number.exponent = between(from, p);
  }
  return p == end;
}

bool in_range(const JsonNumber& number, JsonNumberMode mode) noexcept {
  // Below 1e18: within every mode's range.
  if (number.exponent.empty() && number.integer.size() <= 18) return true;
  const std::int64_t exponent = exponent_of(number);
  if (exponent > kMaxExponent || exponent < -kMaxExponent) return false;
  switch (mode) {
    case JsonNumberMode::double_:
      return fits_double(number, exponent);
    case JsonNumberMode::int64:
      return number.is_integer() ? fits_int64(number) : fits_double(number, exponent);
    case JsonNumberMode::any:
      return true;
  }
  return false;
}

}  // namespace guard::core
