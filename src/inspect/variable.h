// A variable that rules set.
#pragma once

#include <cstdint>
#include <string_view>

#include "inspect/vocabulary.h"

namespace guard::inspect {

// ModSecurity's atoll: what it begins with as a number, 0 if with none.
std::int64_t leading_number(std::string_view text) noexcept;

// The sum, or the largest or least number there is, whichever it would be beyond.
std::int64_t add_up(std::int64_t number, std::int64_t by) noexcept;

// One of the comparisons, no other operator.
bool compare_numbers(Operator op, std::int64_t value, std::int64_t with) noexcept;

struct Variable {
  enum class State : std::uint8_t { unset, text, number } state = State::unset;
  std::string_view text;    // of a number, once it has been asked for as a text
  std::int64_t number = 0;  // of a text, what it begins with: leading_number()
};

// Numbers are compared more often than they are set.
inline Variable text_variable(std::string_view text) {
  return {Variable::State::text, text, leading_number(text)};
}

}  // namespace guard::inspect
