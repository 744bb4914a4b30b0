#include "inspect/variable.h"

#include <limits>

#include "core/ascii.h"

namespace guard::inspect {

std::int64_t leading_number(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size() && (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'))) ++i;
  bool negative = false;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) negative = text[i++] == '-';
  std::int64_t number = 0;
  constexpr std::int64_t kMost = 1'000'000'000'000'000;
  for (; i < text.size() && core::is_digit(text[i]); ++i) {
    if (number < kMost) number = number * 10 + (text[i] - '0');
  }
  return negative ? -number : number;
}

std::int64_t add_up(std::int64_t number, std::int64_t by) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(number, by, &sum)) return sum;
  using Limits = std::numeric_limits<std::int64_t>;
  return by < 0 ? Limits::min() : Limits::max();
}

bool compare_numbers(Operator op, std::int64_t value, std::int64_t with) noexcept {
  switch (op) {
    case Operator::eq:
      return value == with;
    case Operator::ge:
      return value >= with;
    case Operator::gt:
      return value > with;
    case Operator::le:
      return value <= with;
    default:
      return value < with;
  }
}

}  // namespace guard::inspect
