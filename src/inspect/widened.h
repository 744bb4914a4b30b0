// What is searched for in place of a pattern with a gap (".*") in it: what stands before its first
// gap, or behind its last one, whichever is rarer in ordinary text. That is found wherever the
// pattern matches, and a search for it is over sooner: behind the beginning of a pattern like
// "if .*(geq|leq)" Vectorscan looks at every byte to the end of the row for its end.
#pragma once

#include <string>
#include <string_view>

namespace guard::inspect {

// The expression itself where there is no gap, where neither part says enough by itself, or where
// something is not understood. Throws std::bad_alloc.
std::string widened(std::string_view expression);

}  // namespace guard::inspect
