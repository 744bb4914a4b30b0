#include "lockout/ban_site.h"

#include "core/ascii.h"

namespace guard::lockout {

namespace {

std::string_view without_default_port(std::string_view authority) noexcept {
  for (std::string_view port : {":443", ":80"}) {
    if (authority.ends_with(port)) return authority.substr(0, authority.size() - port.size());
  }
  return authority;
}

// "https://a.example:8443/x?y" -> "a.example:8443"; empty: it has none ("null").
std::string_view authority_of(std::string_view url) noexcept {
  std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  std::size_t user = authority.rfind('@');
  if (user != std::string_view::npos) authority.remove_prefix(user + 1);
  return without_default_port(authority);
}

bool is_other(const std::optional<std::string_view>& url, std::string_view host) noexcept {
  return url && !core::equal_without_case(authority_of(*url), without_default_port(host));
}

}  // namespace

bool comes_from_elsewhere(const SiteFields& fields) noexcept {
  if (fields.fetch_site) {
    return *fields.fetch_site == "cross-site" || *fields.fetch_site == "same-site";
  }
  return is_other(fields.origin, fields.host) || is_other(fields.referer, fields.host);
}

}  // namespace guard::lockout
