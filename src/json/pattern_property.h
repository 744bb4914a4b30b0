// \p{...} of ECMA-262 (tables 69 to 71 and PropertyValueAliases.txt of Unicode).
#pragma once

#include <string>
#include <string_view>

namespace guard::json {

// What stands between the braces of \p{}, as PCRE2 calls it; empty if there is no such property.
// Whether PCRE2 knows a script or a binary property, it says itself.
std::string property_of(std::string_view expression);

}  // namespace guard::json
