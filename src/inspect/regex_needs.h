// What a value must have for a regex to match in it at all: seen from the regex alone, so that most
// values need not be searched. It may say less than is true, never more.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/byte_traits.h"

namespace guard::inspect {

// Of each of these sets a value must have a kind of bytes. Those that fewer values have come first.
// None: any value will do. Upper and lower case count as the same.
using Needs = std::vector<Traits>;

// Whether a value of these traits cannot match.
inline bool lacks(Traits traits, const Needs& needs) {
  for (const Traits need : needs) {
    if ((need & traits) == 0) return true;
  }
  return false;
}

// One way to match: with one of each of these sets, and at least so many bytes.
struct Way {
  Needs needs;
  std::size_t bytes = 0;
};

// A value that matches goes one of these, whose number is bounded.
using Ways = std::vector<Way>;

// Never throws but for memory: of what it does not understand any value may be.
Ways ways_of_regex(std::string_view expression);
// Of one of several phrases, ignoring case.
Ways ways_of_phrases(const std::vector<std::string>& phrases);

// What a value has whichever way it goes.
Needs needs_of(const Ways& ways);

// How common values with one of these are among what honest clients send, in no unit.
int commonness(Traits traits) noexcept;

}  // namespace guard::inspect
