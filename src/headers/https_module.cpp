// The nginx face of guard_https: the directive and its check.

#include <algorithm>
#include <optional>
#include <vector>

#include "core/address.h"
#include "core/check.h"
#include "core/host_name.h"
#include "core/path_check.h"
#include "core/request.h"
#include "core/server_names.h"
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

struct MainConf {
  std::vector<const core::ServerNames*> nameless;  // of servers of which that has been said
};

struct LocationConf {
  const HttpsPolicy* policy = nullptr;
};

LocationConf* location_conf(ngx_http_request_t* r) noexcept {
  return static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_https_module));
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
// the request's. Empty if there is none. What is no host is never taken: a wildcard name fits it.
std::string_view redirect_host(ngx_http_request_t* r) noexcept {
  const core::ServerNames& names = core::server_names(r);
  const std::string_view host = ngx::to_view(r->headers_in.server);
  const bool own = core::is_host(host) && (names.empty() || names.name(r->headers_in.server) ||
                                           is_local_address(r->connection, host));
  return own ? host : names.plain();
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

void warn_of_nameless(ngx_conf_t* cf) {
  const core::ServerNames& names = core::server_names(cf);
  auto& said =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_https_module))
          ->nameless;
  if (!names.empty() || std::ranges::find(said, &names) != said.end()) return;
  said.push_back(&names);
  const auto* server = static_cast<const ngx_http_core_srv_conf_t*>(
      ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module));
  ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                "\"guard_https redirect\" in the server in %s:%ui that has no \"server_name\": any "
                "Host is taken for the redirect",
                server->file_name, server->line);
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (child.policy == nullptr) child.policy = parent.policy;
  if (child.policy == nullptr || child.policy->action == HttpsPolicy::Action::off) return;
  core::activate(cf, kCheck);
  if (child.policy->action == HttpsPolicy::Action::redirect) warn_of_nameless(cf);
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
