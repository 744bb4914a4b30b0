// Chains that look at the name of each header field through variables of their own, as the Core
// Rule Set looks for forbidden ones:
//   SecRule REQUEST_HEADERS_NAMES "@rx ^.*$"
//   "capture,setvar:'tx.header_name_%{tx.0}=/%{tx.0}/',chain"
//     SecRule TX:/^header_name_/ "@within %{tx.restricted_headers}" "..."
// What such a chain says of a name depends on nothing but the name.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace guard::inspect {

class Program;
struct CompiledRule;
struct Selection;

struct PrivateChain {
  std::string variables;                 // what their names begin with; behind it is the field's
  std::vector<const Selection*> others;  // by which other rules may see one of some names
};

// Of a program whose rules are folded; head: the first rule of a chain. Nothing: it is no such
// chain, or another rule that is asked sees all that it sets, or sets what it looks at.
std::optional<PrivateChain> find_private_chain(const Program& program, const CompiledRule& head);

}  // namespace guard::inspect
