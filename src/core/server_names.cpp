#include "core/server_names.h"

#include <algorithm>
#include <span>

#include "core/core_config.h"
#include "core/host_name.h"
#include "ngx/strings.h"

namespace guard::core {

void ServerNames::read(ngx_conf_t* cf) {
  const auto* server = static_cast<const ngx_http_core_srv_conf_t*>(
      ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module));
  const std::span listed{static_cast<const ngx_http_server_name_t*>(server->server_names.elts),
                         server->server_names.nelts};
  for (const ngx_http_server_name_t& name : listed) {
    const std::string_view text = ngx::to_view(name.name);
    if (text.empty() || text == "_") continue;
#if (NGX_PCRE)
    names_.push_back({text, name.regex});
#else
    names_.push_back({text, nullptr});
#endif
  }
}

bool ServerNames::name(ngx_str_t host) const noexcept {
  return std::ranges::any_of(names_, [&host](const Name& name) {
#if (NGX_PCRE)
    if (name.regex != nullptr) return ngx_regex_exec(name.regex->regex, &host, nullptr, 0) >= 0;
#endif
    return names_host(name.text, ngx::to_view(host));
  });
}

std::string_view ServerNames::plain() const noexcept {
  const auto found = std::ranges::find_if(
      names_, [](const Name& name) { return name.regex == nullptr && is_plain_host(name.text); });
  return found == names_.end() ? std::string_view{} : found->text;
}

const ServerNames& server_names(ngx_http_request_t* r) noexcept {
  return static_cast<const ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_guard_module))
      ->names;
}

const ServerNames& server_names(ngx_conf_t* cf) noexcept {
  return static_cast<const ServerConf*>(
             ngx_http_conf_get_module_srv_conf(cf, ngx_http_guard_module))
      ->names;
}

}  // namespace guard::core
