// Whether a request may have been caused by a page of another site, in the browser of a visitor who
// knows nothing of it.
#pragma once

#include <optional>
#include <string_view>

namespace guard::lockout {

// Fields of a request as they came; nothing: it has none.
struct SiteFields {
  std::optional<std::string_view> fetch_site;  // Sec-Fetch-Site
  std::optional<std::string_view> origin;
  std::optional<std::string_view> referer;
  std::string_view host;
};

// Sec-Fetch-Site (W3C Fetch Metadata), which browsers send over HTTPS and no page can change, says
// it: cross-site and same-site (another host of the same domain) do. Without it, an Origin or a
// Referer of another host does.
bool comes_from_elsewhere(const SiteFields& fields) noexcept;

}  // namespace guard::lockout
