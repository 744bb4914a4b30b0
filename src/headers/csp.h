// A Content-Security-Policy as a list of directives (CSP Level 3, 2.2), and what can be done with
// it: reading it as browsers do, adding sources, writing it out again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace guard::headers {

// The source that stands for a fresh nonce of each response.
inline constexpr std::string_view kNonceSource = "'nonce'";

struct CspDirective {
  std::string name;  // lower case
  std::vector<std::string> values;

  bool operator==(const CspDirective&) const = default;
};

struct CspPolicy {
  std::vector<CspDirective> directives;  // each name once
  std::vector<std::string> repeated;     // names that came again: browsers heed only the first

  const CspDirective* find(std::string_view name) const noexcept;
  CspDirective* find(std::string_view name) noexcept;
  // The directive that decides for a fetch directive: itself, or the first of its fallbacks that
  // is there (CSP3, 6.8.3); null if nothing restricts it. For others only itself.
  const CspDirective* effective(std::string_view name) const noexcept;
  // Whether a directive has kNonceSource among its sources.
  bool has_nonce() const noexcept;
  // "name value value; name", without a semicolon behind the last.
  std::string text() const;
};

// CSP3, 2.2.1: never fails, since browsers do not either; what they would skip is left out.
CspPolicy parse_csp(std::string_view text);

// Lets through what the directive's sources name, besides what is let through already: a directive
// that is not there begins with the sources of the one that it falls back to, and 'none' goes.
// False if nothing restricts the directive, so that naming sources would take and not give.
bool add_sources(CspPolicy& policy, std::string_view directive,
                 const std::vector<std::string>& sources);

// What a directive's values are.
enum class CspKind : std::uint8_t {
  sources,    // a list of source expressions, with 'nonce' and hashes where it is for scripts or
              // styles
  ancestors,  // frame-ancestors: hosts and schemes
  flags,      // sandbox
  reporting,  // report-uri, report-to
  types,      // trusted-types, require-trusted-types-for: tokens
  none,       // no value at all
  obsolete,   // once standard, now ignored
};

struct CspDirectiveInfo {
  std::string_view name;
  CspKind kind;
  std::string_view fallback;  // of a fetch directive; empty: none
};

// Null for a name that is none.
const CspDirectiveInfo* csp_directive_named(std::string_view name) noexcept;
// All names that are not obsolete.
std::vector<std::string_view> csp_directive_names();
// Whether its sources decide which scripts run.
bool is_script_directive(std::string_view name) noexcept;

}  // namespace guard::headers
