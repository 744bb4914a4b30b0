// What the user said with guard_csp and guard_csp_add, and the fields that it comes to. Every parse
// function throws core::ConfigError.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/words.h"
#include "headers/csp.h"

namespace guard::headers {

inline constexpr std::string_view kCspName = "Content-Security-Policy";
inline constexpr std::string_view kCspReportOnlyName = "Content-Security-Policy-Report-Only";
inline constexpr std::string_view kReportingEndpointsName = "Reporting-Endpoints";
// The field that hands the nonce to the application, as the docs have it.
inline constexpr std::string_view kNonceFieldName = "X-CSP-Nonce";

// guard_csp "policy" [report=/PATH] [report_only] [replace]
struct CspRule {
  CspPolicy policy;
  bool report_only = false;
  bool replace = false;  // the application's field of that name is removed
  std::string report;    // where browsers report to; empty: where the policy itself says

  std::string_view field_name() const { return report_only ? kCspReportOnlyName : kCspName; }
};

// guard_csp_add DIRECTIVE SOURCE ...
struct CspAddition {
  std::string directive;
  std::vector<std::string> sources;
};

// One level's guard_csp and guard_csp_add together, or those of several levels after merging.
struct CspChoice {
  bool off = false;
  std::vector<CspRule> rules;  // at most one of each kind
  std::vector<CspAddition> additions;

  bool says_nothing() const { return !off && rules.empty() && additions.empty(); }
};

void parse_csp_directive(core::Words& words, CspChoice& choice);
void parse_csp_add(const core::Words& words, CspChoice& choice);
// A level's policies replace those of the outer one and what was added to them; its additions go on
// top of what it inherits.
CspChoice merge_csp(const CspChoice& outer, const CspChoice& inner);

// A field that is sent; of nonces it holds kNonceVariable.
struct CspField {
  std::string name;
  std::string value;
  bool nonce = false;
  bool replace = false;
};
inline constexpr std::string_view kNonceVariable = "$guard_csp_nonce";

struct CspFields {
  std::vector<CspField> policies;
  std::string endpoints;              // value of Reporting-Endpoints; empty: none
  std::optional<CspField> profile;    // the profile's policy with what was added to it
  std::vector<std::string> warnings;  // of what was added, as those of check_csp
};

// profile: the policy that a guard_headers profile would send, or empty.
CspFields make_csp(const CspChoice& choice, std::string_view profile);

// The mistakes and holes of one rule by itself, see check_csp.
std::vector<std::string> warnings_of(const CspRule& rule);

}  // namespace guard::headers
