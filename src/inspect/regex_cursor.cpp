#include "inspect/regex_cursor.h"

#include <algorithm>

#include "core/ascii.h"

namespace guard::inspect {

namespace {

constexpr std::size_t kMostTimes = 10'000;

}  // namespace

char RegexCursor::peek() const {
  if (ended()) throw Unknown();
  return text_[at_];
}

char RegexCursor::take() {
  const char c = peek();
  ++at_;
  return c;
}

bool RegexCursor::take_if(std::string_view what) {
  if (!rest().starts_with(what)) return false;
  at_ += what.size();
  return true;
}

RegexCursor::Times RegexCursor::quantifier() {
  Times times;
  if (take_if("*")) {
    times = {0, true};
  } else if (take_if("+")) {
    times = {1, true};
  } else if (take_if("?")) {
    times = {0, false};
  } else if (const std::optional<Times> some = braces()) {
    times = *some;
  } else {
    return times;
  }
  if (!take_if("?")) times.possessive = take_if("+");
  // Quantifiers of what is quantified: PCRE2 takes some of them, Vectorscan none.
  if (rest().starts_with('*') || rest().starts_with('+') || rest().starts_with('?') || braces()) {
    throw Unknown();
  }
  return times;
}

// {2,3}. What is no such thing stands for itself, and is left. {,3} and { 3 } are read in one way
// or the other by versions of PCRE2.
std::optional<RegexCursor::Times> RegexCursor::braces() {
  if (!rest().starts_with('{')) return std::nullopt;
  std::size_t i = at_ + 1;
  const auto here = [&] { return i < text_.size() ? text_[i] : '\0'; };
  const auto number = [&] {
    std::size_t value = 0;
    for (; core::is_digit(here()); ++i) {
      value = std::min(value * 10 + static_cast<std::size_t>(here() - '0'), kMostTimes);
    }
    if (here() == ' ' || here() == '\t') throw Unknown();
    return value;
  };
  const bool known = core::is_digit(here());
  Times times{number()};
  if (!known && here() == ',') throw Unknown();
  if (!known) return std::nullopt;
  if (here() == ',') {
    ++i;
    times.unbounded = !core::is_digit(here());
    number();
  }
  if (here() != '}') return std::nullopt;
  at_ = i + 1;
  return times;
}

unsigned char RegexCursor::hex() {
  unsigned value = 0;
  const bool braced = take_if("{");
  for (int digits = 0; !ended() && core::is_hex(peek()) && (braced || digits < 2); ++digits) {
    value = value * 16 + static_cast<unsigned>(core::hex_value(take()));
    if (value > 0xff) throw Unknown();
  }
  if (braced && take() != '}') throw Unknown();
  return static_cast<unsigned char>(value);
}

bool RegexCursor::at_named_class() const {
  return rest().starts_with("[:") || rest().starts_with("[.") || rest().starts_with("[=");
}

}  // namespace guard::inspect
