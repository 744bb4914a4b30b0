// Whether a request that changes something comes from another site: the algorithm of Go 1.25's
// http.CrossOriginProtection (https://go.dev/pkg/net/http/#CrossOriginProtection), which asks
// Sec-Fetch-Site, and where that is missing compares Origin with Host. Two differences: opening a
// WebSocket counts as a change, and where the request came over HTTPS an http: origin is another
// site.
#pragma once

#include <cstdint>
#include <string_view>

#include "origin/cors.h"
#include "origin/policy.h"

namespace guard::origin {

enum class CsrfVerdict : std::uint8_t {
  pass,
  // Passes for want of evidence: neither Sec-Fetch-Site nor Origin. No browser of today, or none
  // at all.
  unknown,
  cross_site,    // Sec-Fetch-Site says so
  other_origin,  // Origin is not Host
};

// GET, HEAD and OPTIONS that open no WebSocket change nothing.
bool is_unsafe(const BrowserFields& fields, std::string_view method) noexcept;

// Of an unsafe request.
CsrfVerdict judge_csrf(const CsrfPolicy& policy, const BrowserFields& fields,
                       const Target& target) noexcept;

}  // namespace guard::origin
