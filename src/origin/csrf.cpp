#include "origin/csrf.h"

#include <algorithm>

#include "core/ascii.h"
#include "origin/origin.h"

namespace guard::origin {

namespace {

// A list of protocols, each with a version perhaps (RFC 9110, 7.8).
bool names_websocket(std::string_view upgrade) noexcept {
  while (!upgrade.empty()) {
    const std::size_t comma = std::min(upgrade.find(','), upgrade.size());
    std::string_view protocol = upgrade.substr(0, comma);
    upgrade.remove_prefix(std::min(comma + 1, upgrade.size()));
    while (protocol.starts_with(' ') || protocol.starts_with('\t')) protocol.remove_prefix(1);
    protocol = protocol.substr(0, protocol.find_first_of("/ \t"));
    if (core::equal_without_case(protocol, "websocket")) return true;
  }
  return false;
}

bool is_trusted(const CsrfPolicy& policy, const BrowserFields& fields) noexcept {
  return fields.has_origin && !fields.is_repeated(BrowserFields::origin_field) &&
         policy.trusted.contains(fields.origin);
}

bool is_own_origin(const BrowserFields& fields, const Target& target) noexcept {
  if (fields.is_repeated(BrowserFields::origin_field)) return false;
  const auto origin = parse_origin(fields.origin);
  const auto authority = parse_authority(target.host);
  if (!origin || !authority || !same_host(*origin, *authority)) return false;
  // The other way round, https: where we see http, is a proxy in front that ends TLS and that
  // guard_trusted_proxies does not know.
  return target.scheme != "https" || !core::equal_without_case(origin->scheme, "http");
}

}  // namespace

bool is_unsafe(const BrowserFields& fields, std::string_view method) noexcept {
  if (method != "GET" && method != "HEAD" && method != "OPTIONS") return true;
  return !fields.upgrade.empty() && names_websocket(fields.upgrade);
}

CsrfVerdict judge_csrf(const CsrfPolicy& policy, const BrowserFields& fields,
                       const Target& target) noexcept {
  if (!fields.fetch_site.empty() || fields.is_repeated(BrowserFields::site_field)) {
    const bool own = (fields.fetch_site == "same-origin" || fields.fetch_site == "none") &&
                     !fields.is_repeated(BrowserFields::site_field);
    return own || is_trusted(policy, fields) ? CsrfVerdict::pass : CsrfVerdict::cross_site;
  }
  if (fields.origin.empty() && !fields.is_repeated(BrowserFields::origin_field)) {
    return CsrfVerdict::unknown;
  }
  if (is_own_origin(fields, target) || is_trusted(policy, fields)) return CsrfVerdict::pass;
  return CsrfVerdict::other_origin;
}

}  // namespace guard::origin
