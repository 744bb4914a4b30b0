// The nginx face of nonces: the variable, and what a nonce demands of request and response.

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/random_bytes.h"
#include "core/request.h"
#include "headers/csp_policy.h"
#include "headers/nonce_module.h"
#include "headers/policy.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_nonce_module;
}

namespace guard::headers {

namespace {

// 128 bits as base64url (RFC 4648, 5) without padding.
constexpr std::size_t kNonceSize = 22;

struct Nonce {
  bool drawn = false;
  std::array<char, kNonceSize> text;
};

struct MainConf {
  bool nonces = false;  // some location has one
};

struct LocationConf {
  bool nonce = false;
};

bool has_nonce(ngx_http_request_t* r) noexcept {
  return static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_nonce_module))
      ->nonce;
}

// Takes element i of part out of the list without moving any other: nginx has pointers to them.
// False: out of memory.
bool take_out(ngx_http_request_t* r, ngx_list_t& list, ngx_list_part_t* before,
              ngx_list_part_t* part, ngx_uint_t i) noexcept {
  auto* elements = static_cast<ngx_table_elt_t*>(part->elts);
  const bool last = list.last == part;
  if (i + 1 == part->nelts) {
    --part->nelts;
  } else if (i == 0) {
    part->elts = elements + 1;
    --part->nelts;
    if (last) --list.nalloc;
  } else {
    auto* rest = static_cast<ngx_list_part_t*>(ngx_palloc(r->pool, sizeof(ngx_list_part_t)));
    if (rest == nullptr) return false;
    *rest = {elements + i + 1, part->nelts - i - 1, part->next};
    part->nelts = i;
    part->next = rest;
    if (last) {
      list.last = rest;
      list.nalloc -= i + 1;
    }
  }
  // nginx's loops take it that only the first part can be empty.
  if (part->nelts == 0 && before != nullptr) {
    before->next = part->next;
    if (list.last == part) {
      list.last = before;
      list.nalloc = before->nelts;
    }
  }
  return true;
}

// Those as well of which CGI makes the same variable.
void remove_request_field(ngx_http_request_t* r, std::string_view name) noexcept {
  ngx_list_t& list = r->headers_in.headers;
  ngx_list_part_t* before = nullptr;
  for (ngx_list_part_t* part = &list.part; part != nullptr;) {
    auto* headers = static_cast<ngx_table_elt_t*>(part->elts);
    const auto end = headers + part->nelts;
    const auto found = std::find_if(headers, end, [&](const ngx_table_elt_t& h) {
      return core::equal_in_cgi(ngx::to_view(h.key), name);
    });
    if (found == end) {
      before = part;
      part = part->next;
      continue;
    }
    if (!take_out(r, list, before, part, static_cast<ngx_uint_t>(found - headers))) return;
    // An empty part is no longer in the list, but still knows its successor.
    if (part->nelts == 0 && before != nullptr) part = part->next;
  }
}

// What a browser says it wants it for. What is none of these may become a document.
bool is_for_part_of_page(ngx_http_request_t* r) noexcept {
  static constexpr std::array<std::string_view, 8> kParts = {"audio",  "font",  "image", "manifest",
                                                             "script", "style", "track", "video"};
  return std::ranges::find(kParts, ngx::request_field(r, "Sec-Fetch-Dest")) != kParts.end();
}

const ngx_http_upstream_conf_t* upstream_conf(ngx_conf_t* cf, std::string_view module) {
  for (ngx_uint_t i = 0; cf->cycle->modules[i] != nullptr; ++i) {
    if (module != cf->cycle->modules[i]->name) continue;
    auto** confs = static_cast<ngx_http_conf_ctx_t*>(cf->ctx)->loc_conf;
    // It is the first member of each of these modules' location configuration.
    return static_cast<const ngx_http_upstream_conf_t*>(confs[cf->cycle->modules[i]->ctx_index]);
  }
  return nullptr;
}

// The nonce of this main request, drawn when it is first asked for; empty if OpenSSL has no random
// bytes or nginx no memory: then no script has the right one.
std::string_view nonce_of(core::Request& request) noexcept {
  // guard_https has no state of its own.
  auto* nonce = request.state<Nonce>(core::Feature::https);
  if (nonce == nullptr) return {};
  if (!nonce->drawn) {
    std::array<unsigned char, 16> bytes;
    if (!core::random_bytes(bytes)) {
      ngx_log_error(NGX_LOG_CRIT, request.native()->connection->log, 0,
                    "RAND_bytes() failed, the response has no nonce");
      return {};
    }
    std::array<unsigned char, 25> text;  // with "==" and a NUL
    EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
    std::ranges::transform(text.begin(), text.begin() + kNonceSize, nonce->text.begin(),
                           [](unsigned char c) {
                             return c == '+' ? '-' : c == '/' ? '_' : static_cast<char>(c);
                           });
    nonce->drawn = true;
  }
  return {nonce->text.data(), nonce->text.size()};
}

// Takes from a GET or HEAD what could be answered with 304 or a part, and from any request the
// client's own X-CSP-Nonce, before the application sees it.
void forget_validators(ngx_http_request_t* r) noexcept {
  remove_request_field(r, kNonceFieldName);
  if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0 || is_for_part_of_page(r)) return;
  ngx_http_headers_in_t& in = r->headers_in;
  if (in.if_none_match != nullptr) remove_request_field(r, "If-None-Match");
  if (in.if_modified_since != nullptr) remove_request_field(r, "If-Modified-Since");
  in.if_none_match = in.if_modified_since = nullptr;
  // A part of one response does not fit into another.
  if (in.range != nullptr && in.if_range != nullptr) {
    remove_request_field(r, "Range");
    in.range = nullptr;
  }
  if (in.if_range != nullptr) remove_request_field(r, "If-Range");
  in.if_range = nullptr;
}

// Whether what this location's upstream answers is kept in a cache or store of nginx.
bool is_kept(ngx_conf_t* cf) {
  const auto* clcf = static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  if (clcf->handler == nullptr) return false;
  static constexpr std::array<std::string_view, 4> kModules = {
      "ngx_http_proxy_module", "ngx_http_fastcgi_module", "ngx_http_uwsgi_module",
      "ngx_http_scgi_module"};
  return std::ranges::any_of(kModules, [cf](std::string_view module) {
    const ngx_http_upstream_conf_t* conf = upstream_conf(cf, module);
    if (conf == nullptr) return false;
#if (NGX_HTTP_CACHE)
    if (conf->cache > 0) return true;
#endif
    return conf->store > 0;
  });
}

ngx_int_t get_nonce(ngx_http_request_t* r, ngx_variable_value_t* v, uintptr_t /*data*/) noexcept {
  v->not_found = 1;
  // A page and what it is made of have one nonce.
  if (!has_nonce(r) && !has_nonce(r->main)) return NGX_OK;
  core::Request* request = core::Request::get(r);
  if (request == nullptr) return NGX_OK;
  if (const std::string_view nonce = nonce_of(*request); !nonce.empty()) {
    ngx::set_variable(v, nonce);
  }
  return NGX_OK;
}

// Not a check: no mode holds it back.
ngx_int_t before_content(ngx_http_request_t* r) noexcept {
  if (r == r->main && has_nonce(r)) forget_validators(r);
  return NGX_DECLINED;
}

// A field for some caches alone, to which it says more than Cache-Control (RFC 9213).
bool is_targeted(const ngx_table_elt_t& field) noexcept {
  constexpr std::string_view kEnd = "-Cache-Control";
  const std::string_view name = ngx::to_view(field.key);
  return name.size() > kEnd.size() &&
         core::equal_without_case(name.substr(name.size() - kEnd.size()), kEnd);
}

MainConf& main_conf(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_nonce_module));
}

void preconfigure(ngx_conf_t* cf) {
  ngx::add_variable(cf, "guard_csp_nonce", get_nonce);
}

void postconfigure(ngx_conf_t* cf) {
  if (!main_conf(cf).nonces) return;
  ngx::add_handler(cf, NGX_HTTP_PREACCESS_PHASE, before_content);
}

ngx_command_t commands[] = {ngx_null_command};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    ngx::configuration<postconfigure>,
    ngx::create_conf<MainConf>,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    nullptr,
};

}  // namespace

void expect_nonce(ngx_conf_t* cf, const ngx::Place& place) {
  static_cast<LocationConf*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_guard_nonce_module))
      ->nonce = true;
  main_conf(cf).nonces = true;
  if (!is_kept(cf)) return;
  ngx::fail(cf, place,
            "a nonce under a cache or store: a page that is kept would be sent with the nonce of "
            "another response, use hashes, or turn the cache off here");
}

void make_private(ngx_http_request_t* r) noexcept {
  static constexpr std::array<std::string_view, 6> kGone = {
      "Accept-Ranges", "Cache-Control", "ETag", "Expires", "Last-Modified", "Surrogate-Control"};
  for (ngx_table_elt_t& field : ngx::response_fields(r)) {
    const bool goes = std::ranges::any_of(
        kGone, [&](std::string_view name) { return ngx::is_named(field, name); });
    if (goes || is_targeted(field)) field.hash = 0;
  }
  r->headers_out.etag = nullptr;
  r->headers_out.last_modified = nullptr;
  r->headers_out.last_modified_time = -1;
  r->headers_out.expires = nullptr;
  r->headers_out.accept_ranges = nullptr;
  r->allow_ranges = 0;
  ngx::add_stage_field(r, "Cache-Control", "private, no-store");
}

}  // namespace guard::headers

constinit ngx_module_t ngx_http_guard_nonce_module =
    guard::ngx::http_module(&guard::headers::context, guard::headers::commands);
