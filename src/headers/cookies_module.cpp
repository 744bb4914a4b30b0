// The nginx face of guard_cookies: the directive and its header stage.

#include "core/check.h"
#include "core/request.h"
#include "headers/cookies.h"
#include "headers/policy.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_cookies_module;
}

namespace guard::headers {

namespace {

struct LocationConf {
  const CookiePolicy* policy = nullptr;
};

void set_cookies(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.policy != nullptr) {
    core::fail("\"", words.directive(), "\" directive is duplicate");
  }
  conf.policy = ngx::pool_new<CookiePolicy>(cf->pool, parse_cookies(words));
}

void flag_cookies(ngx_http_request_t* r, core::Request* request) noexcept {
  const CookiePolicy& policy =
      *static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_cookies_module))
           ->policy;
  std::string_view scheme;
  for (ngx_table_elt_t& header : ngx::response_fields(r)) {
    if (header.hash == 0 || !ngx::is_named(header, "Set-Cookie")) continue;
    if (scheme.empty()) scheme = request != nullptr ? request->scheme() : core::scheme_of(r);
    const std::string_view field = ngx::to_view(header.value);
    const CookieAdditions missing = what_is_missing(field, policy, scheme == "https");
    if (!missing.any()) continue;
    const std::size_t room = field.size() + kCookieAdditionsMax;
    auto* text = static_cast<char*>(ngx_pnalloc(r->pool, room));
    if (text == nullptr) {
      // Rather no cookie than one that everybody can read.
      header.hash = 0;
      continue;
    }
    header.value = ngx::borrow({text, write_cookie(field, missing, {text, room})});
  }
}

// Behind the security fields, with which it has nothing to do.
constexpr core::HeaderStage kCookieStage = {core::kStageHeaders + 1, flag_cookies};

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (child.policy == nullptr) child.policy = parent.policy;
  if (child.policy != nullptr && !child.policy->off) core::activate(cf, kCookieStage);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_header_stage(cf, kCookieStage);
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_cookies"),
                 NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_ANY,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_cookies>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

}  // namespace guard::headers

constinit ngx_module_t ngx_http_guard_cookies_module =
    guard::ngx::http_module(&guard::headers::context, guard::headers::commands);
