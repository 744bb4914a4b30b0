// What rules make of a value before they look at it, as ModSecurity v3 does it byte for byte: the
// rules are written for that, and for its oddities. None of them fails.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "inspect/byte_traits.h"
#include "inspect/vocabulary.h"

namespace guard::inspect {

// Room that the result of any transformation of a value of that size needs.
constexpr std::size_t transformed_size(std::size_t size) {
  return 6 * size + 64;
}

// The value as the transformation leaves it: in itself where there is nothing to do (changed is
// false), or a part of it, or what was written to out, which has room for transformed_size bytes
// and does not overlap it.
std::string_view transform(Transformation transformation, std::string_view in, char* out,
                           bool& changed) noexcept;

// By transformation: for the two below.
extern const std::array<Traits, kTransformationCount> kTriggers;
extern const std::array<Traits, kTransformationCount> kChanges;

// The traits of which a value must have one for the transformation to change more than its case.
// kAny: it may change any value.
inline Traits triggers(Transformation transformation) noexcept {
  return kTriggers[static_cast<std::size_t>(transformation)];
}

// The same, but for the result to differ in anything.
inline Traits changes(Transformation transformation) noexcept {
  return kChanges[static_cast<std::size_t>(transformation)];
}

// What bytes may be in the result that are not in the value, but for the case of letters, if the
// value has a trigger. 0: it only takes away.
Traits creates(Transformation transformation) noexcept;

// How many bytes a value must have at least for the result to have so many.
std::size_t least_before(Transformation transformation, std::size_t size) noexcept;

}  // namespace guard::inspect
