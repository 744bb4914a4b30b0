// What Windows makes of a character in code page 20127 (US-ASCII): the "best fit" by which servers
// and databases behind it read a fullwidth '<' as '<'.
#pragma once

#include <cstdint>

namespace guard::inspect {

// The ASCII character for a code of the basic multilingual plane, or -1 if it has none.
int map_unicode(std::uint16_t code) noexcept;

}  // namespace guard::inspect
