// The reports that browsers send of what a Content-Security-Policy forbids: the older kind, one to
// a request (CSP2, 4.4), and that of the Reporting API (CSP3, 5.3). All of it is what anybody may
// say.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/json_parser.h"

namespace guard::headers {

enum class ReportFormat : std::uint8_t { none, single, list };

// application/csp-report or application/reports+json, whatever parameters follow.
ReportFormat report_format_of(std::string_view content_type) noexcept;

// Views are into the document it was read from. URLs are as report_url() leaves them; of what is no
// URL only the words of CSP are kept: "inline", "eval", "wasm-eval", "trusted-types-sink" and so
// on.
struct CspReport {
  std::string_view document;   // URL of the page
  std::string_view blocked;    // what was to be loaded or done
  std::string_view source;     // the script or style that did it
  std::string_view line;       // in source: decimal digits, or nothing
  std::string_view directive;  // a lower-case token of up to kReportDirectiveMax bytes
  bool enforced = true;        // false: the policy only reports
};

inline constexpr std::size_t kReportDirectiveMax = 40;
// How many reports of one request are read; the rest is left.
inline constexpr std::size_t kReportsMax = 20;

struct ReadReports {
  bool valid = false;  // it is JSON of the expected kind
  std::span<const CspReport> reports;
};

// Reads what is a violation of CSP. Left out are reports of other kinds, those without a directive
// or a page, and those of what a browser's own extension has done to a page. The document must
// outlive what is returned.
ReadReports read_reports(const core::JsonDocument& document, ReportFormat format,
                         std::span<CspReport, kReportsMax> out) noexcept;

// What a body of up to size bytes may hold at all.
core::JsonLimits report_limits(std::size_t size) noexcept;

// The URL without its fragment; of a URL that holds data the scheme alone, of one that names a user
// nothing.
std::string_view report_url(std::string_view url) noexcept;
// And without its query.
std::string_view without_query(std::string_view url) noexcept;

}  // namespace guard::headers
