// What is wrong with a Content-Security-Policy: mistakes that browsers skip without a word, and
// holes that take away what the policy is for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headers/csp.h"

namespace guard::headers {

enum class CspDisposition : std::uint8_t { enforce, report };

// Sentences in nginx's tone: lower case, no full stop, the offender quoted. Empty: nothing.
std::vector<std::string> check_csp(const CspPolicy& policy, CspDisposition disposition);

// Whether a word is a source expression of CSP3, 2.3.1, or kNonceSource.
bool is_csp_source(std::string_view source);

}  // namespace guard::headers
