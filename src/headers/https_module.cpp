// The nginx face of guard_https: the directive and its check.

#include <algorithm>
#include <optional>
#include <vector>

#include "core/address.h"
#include "core/check.h"
#include "core/path_check.h"
#include "core/request.h"
#include "headers/https_redirect.h"
#include "headers/policy.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_https_module;
}

namespace guard::headers {

namespace {

// What a server calls itself. nginx forgets its list of names once the configuration is read.
struct ServerNames {
  struct Name {
    std::string_view text;
    ngx_http_regex_t* regex;  // null: none
  };

  const void* server;
  std::vector<Name> names;  // empty: there is nothing to validate a Host against
};

struct MainConf {
  std::vector<const ServerNames*> servers;  // those that redirect
};

struct LocationConf {
  const HttpsPolicy* policy = nullptr;
  const ServerNames* names = nullptr;  // only with a redirect
};

LocationConf* location_conf(ngx_http_request_t* r) noexcept {
  return static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_https_module));
}

bool names_this_host(const ServerNames::Name& name, [[maybe_unused]] ngx_str_t host) noexcept {
#if (NGX_PCRE)
  if (name.regex != nullptr) return ngx_regex_exec(name.regex->regex, &host, nullptr, 0) >= 0;
#endif
  return names_host(name.text, ngx::to_view(host));
}

// Whether host is the address that the client's connection came to.
bool is_local_address(ngx_connection_t* c, std::string_view host) noexcept {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::optional<core::Address> named = core::parse_address(host);
  return named && ngx_connection_local_sockaddr(c, nullptr, 0) == NGX_OK &&
         core::address_of(c->local_sockaddr) == named;
}

// The host that a redirect may name: the request's own if it is one of this server's, else the
// server's first plain name. A server without any name has nothing to validate against and takes
// the request's. Empty if there is none.
std::string_view redirect_host(ngx_http_request_t* r) noexcept {
  const auto& names = location_conf(r)->names->names;
  const std::string_view host = ngx::to_view(r->headers_in.server);
  if (!host.empty()) {
    const auto known = [&](const ServerNames::Name& name) {
      return names_this_host(name, r->headers_in.server);
    };
    if (names.empty() || std::ranges::any_of(names, known) ||
        is_local_address(r->connection, host)) {
      return host;
    }
  }
  for (const ServerNames::Name& name : names) {
    if (name.regex == nullptr && is_plain_host(name.text)) return name.text;
  }
  return {};
}

core::Answer check_https(core::Request& request, core::Refusal& refusal) noexcept {
  ngx_http_request_t* r = request.native();
  const HttpsPolicy& policy = *location_conf(r)->policy;
  if (request.scheme() == "https") return core::Answer::pass;
  // So what an exception is led to by an internal redirect is one as well.
  if (!request.first_time(&policy)) return core::Answer::pass;
  if (core::is_excepted(policy.except, r)) return core::Answer::pass;
  refusal.feature = core::Feature::https;
  refusal.event = core::EventKind::https_refused;
  refusal.code = "https.required";
  refusal.title = "HTTPS is required";
  refusal.detail = "This resource is only available over HTTPS";
  refusal.status = 403;
  if (policy.action == HttpsPolicy::Action::require) return core::Answer::refuse;

  const std::string_view host = redirect_host(r);
  const std::string_view target = ngx::to_view(r->unparsed_uri);
  if (host.empty()) return core::Answer::refuse;
  const std::size_t size = location_size_max(host, target);
  auto* location = static_cast<char*>(ngx_pnalloc(request.pool(), size));
  if (location == nullptr) return core::Answer::refuse;
  refusal.location = {location, write_location(host, policy.port, target, {location, size})};
  refusal.status = redirect_status(ngx::to_view(r->method_name));
  return core::Answer::refuse;
}

constexpr core::Check kCheck = {core::Feature::https, core::Gate::front, check_https};

// Configuration

void set_https(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.policy != nullptr) core::fail("\"", words.directive(), "\" directive is duplicate");
  conf.policy = ngx::pool_new<HttpsPolicy>(cf->pool, parse_https(words));
}

const ServerNames* server_names(ngx_conf_t* cf) {
  const auto* server = static_cast<const ngx_http_core_srv_conf_t*>(
      ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module));
  auto& servers =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_https_module))
          ->servers;
  for (const ServerNames* known : servers) {
    if (known->server == server) return known;
  }
  auto* names = ngx::pool_new<ServerNames>(cf->pool);
  names->server = server;
  const std::span listed{static_cast<const ngx_http_server_name_t*>(server->server_names.elts),
                         server->server_names.nelts};
  for (const ngx_http_server_name_t& name : listed) {
    const std::string_view text = ngx::to_view(name.name);
    if (text.empty() || text == "_") continue;
#if (NGX_PCRE)
    names->names.push_back({text, name.regex});
#else
    names->names.push_back({text, nullptr});
#endif
  }
  if (names->names.empty()) {
    ngx_log_error(
        NGX_LOG_WARN, cf->log, 0,
        "\"guard_https redirect\" in the server in %s:%ui that has no \"server_name\": any "
        "Host is taken for the redirect",
        server->file_name, server->line);
  }
  servers.push_back(names);
  return names;
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (child.policy == nullptr) child.policy = parent.policy;
  if (child.policy == nullptr || child.policy->action == HttpsPolicy::Action::off) return;
  core::activate(cf, kCheck);
  if (child.policy->action == HttpsPolicy::Action::redirect) child.names = server_names(cf);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCheck);
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_https"),
                 NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_https>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    nullptr,
    ngx::create_conf<MainConf>,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

}  // namespace guard::headers

constinit ngx_module_t ngx_http_guard_https_module =
    guard::ngx::http_module(&guard::headers::context, guard::headers::commands);
