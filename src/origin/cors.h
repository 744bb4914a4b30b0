// Whether another origin may call, by a policy of guard_cors (the CORS protocol of the Fetch
// standard).
#pragma once

#include <cstdint>
#include <string_view>

#include "origin/policy.h"

namespace guard::origin {

// What a request says of where it comes from; views into the request. A field that came more than
// once counts as one that nobody can read: its name's flag in `repeated`.
struct BrowserFields {
  enum Repeated : std::uint8_t { none = 0, origin_field = 1, site_field = 2, preflight_field = 4 };

  std::string_view origin;
  std::string_view fetch_site;       // Sec-Fetch-Site
  std::string_view request_method;   // Access-Control-Request-Method
  std::string_view request_headers;  // Access-Control-Request-Headers
  std::string_view private_network;  // Access-Control-Request-Private-Network
  std::string_view upgrade;
  std::uint8_t repeated = none;
  bool has_origin = false;
  bool has_fetch_site = false;
  bool has_request_method = false;

  bool is_repeated(Repeated field) const noexcept { return (repeated & field) != 0; }
};

// How the request itself was addressed.
struct Target {
  std::string_view method;
  std::string_view scheme;  // "http" or "https", as the client used it
  std::string_view host;    // Host or :authority; empty: none
};

// Of the Origin field: none there; the request's own; one that the policy names; any other.
enum class Caller : std::uint8_t { unknown, same, allowed, foreign };

Caller caller_of(const CorsPolicy& policy, const BrowserFields& fields,
                 const Target& target) noexcept;

// A preflight: OPTIONS with Origin and Access-Control-Request-Method.
bool is_preflight(const BrowserFields& fields, std::string_view method) noexcept;

// Why a preflight of an allowed origin is refused all the same.
enum class PreflightFlaw : std::uint8_t { none, syntax, method, header, private_network };

PreflightFlaw preflight_flaw(const CorsPolicy& policy, const BrowserFields& fields) noexcept;
std::string_view text_of(PreflightFlaw flaw) noexcept;

// Of an answer. The fields of the CORS protocol are one decision, which a part of somebody else's
// would spoil.
bool is_cors_field(std::string_view name) noexcept;
bool is_vary_field(std::string_view name) noexcept;
// Whether a Vary field names Origin, or everything.
bool varies_by_origin(std::string_view vary) noexcept;

}  // namespace guard::origin
