// The value of a variable of guard_json_set.
#pragma once

#include <string_view>

#include "core/json_document.h"
#include "json/policy.h"

namespace guard::json {

// The scalar that the pointer finds: a string unescaped, a number or boolean as it is written,
// empty for null, for a container and for nothing. Of a string that holds a control character
// what stands between blanks and such characters at its ends; empty, if there is one in that, too:
// variables go into header fields and logs, which a line break would forge.
// A view of the document. rival, if there is one: the value of a member that some applications take
// instead, since its name differs in case alone.
std::string_view variable_value(const core::JsonDocument& document, const Extraction& extraction,
                                const core::JsonNode*& rival) noexcept;

// Copies value to out, in ASCII lower case if lower says so.
void write_variable(std::string_view value, bool lower, char* out) noexcept;

}  // namespace guard::json
