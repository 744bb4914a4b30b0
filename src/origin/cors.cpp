#include "origin/cors.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/http_grammar.h"
#include "origin/origin.h"

namespace guard::origin {

namespace {

// Which methods and header fields need no leave (Fetch, 2.2.1, 2.2.2), whatever their values: a
// preflight names them only beside others.
bool is_safelisted_method(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "POST";
}

bool is_same_origin(const BrowserFields& fields, const Target& target) noexcept {
  // The browser's own word, which no script can forge. It also knows what Origin does not say
  // where the page's Referrer-Policy makes it "null".
  if (fields.fetch_site == "same-origin" && !fields.is_repeated(BrowserFields::site_field)) {
    return true;
  }
  const auto origin = parse_origin(fields.origin);
  const auto authority = parse_authority(target.host);
  return origin && authority && core::equal_without_case(origin->scheme, target.scheme) &&
         same_host(*origin, *authority);
}

}  // namespace

Caller caller_of(const CorsPolicy& policy, const BrowserFields& fields,
                 const Target& target) noexcept {
  if (!fields.has_origin) return Caller::unknown;
  if (fields.is_repeated(BrowserFields::origin_field)) return Caller::foreign;
  if (policy.origins.contains(fields.origin)) return Caller::allowed;
  return is_same_origin(fields, target) ? Caller::same : Caller::foreign;
}

bool is_preflight(const BrowserFields& fields, std::string_view method) noexcept {
  return fields.has_origin && fields.has_request_method && method == "OPTIONS";
}

PreflightFlaw preflight_flaw(const CorsPolicy& policy, const BrowserFields& fields) noexcept {
  if (fields.is_repeated(BrowserFields::preflight_field) ||
      !core::is_token(fields.request_method)) {
    return PreflightFlaw::syntax;
  }
  if (!policy.any_method && !is_safelisted_method(fields.request_method) &&
      std::ranges::find(policy.methods, fields.request_method) == policy.methods.end()) {
    return PreflightFlaw::method;
  }
  std::string_view rest = fields.request_headers;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view name = core::trim_blanks(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (name.empty()) continue;
    if (!core::is_token(name)) return PreflightFlaw::syntax;
    const auto is_it = [&](const std::string& header) {
      return core::equal_without_case(header, name);
    };
    // "*" leaves out this one (Fetch, 4.8): it has to be named.
    const bool by_any = policy.any_header && !core::equal_without_case(name, "authorization");
    if (!by_any && std::ranges::none_of(policy.headers, is_it)) return PreflightFlaw::header;
  }
  if (fields.private_network == "true" && !policy.private_network) {
    return PreflightFlaw::private_network;
  }
  return PreflightFlaw::none;
}

std::string_view text_of(PreflightFlaw flaw) noexcept {
  switch (flaw) {
    case PreflightFlaw::none:
      return {};
    case PreflightFlaw::syntax:
      return "the preflight request is malformed";
    case PreflightFlaw::method:
      return "the method is not open to other origins";
    case PreflightFlaw::header:
      return "a header field is not open to other origins";
    case PreflightFlaw::private_network:
      return "the private network is not open to other origins";
  }
  return {};
}

bool is_cors_field(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = "access-control-";
  constexpr std::array<std::string_view, 7> kRest = {
      "allow-origin",   "allow-credentials", "allow-methods",        "allow-headers",
      "expose-headers", "max-age",           "allow-private-network"};
  if (name.size() <= kPrefix.size() ||
      !core::equal_without_case(name.substr(0, kPrefix.size()), kPrefix)) {
    return false;
  }
  name.remove_prefix(kPrefix.size());
  return std::ranges::any_of(
      kRest, [&](std::string_view rest) { return core::equal_without_case(name, rest); });
}

bool is_vary_field(std::string_view name) noexcept {
  return core::equal_without_case(name, "vary");
}

bool varies_by_origin(std::string_view vary) noexcept {
  while (!vary.empty()) {
    const std::size_t comma = std::min(vary.find(','), vary.size());
    const std::string_view name = core::trim_blanks(vary.substr(0, comma));
    vary.remove_prefix(std::min(comma + 1, vary.size()));
    if (name == "*" || core::equal_without_case(name, "origin")) return true;
  }
  return false;
}

}  // namespace guard::origin
