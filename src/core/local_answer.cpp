#include "core/local_answer.h"

#include <algorithm>
#include <array>

#include "core/address.h"
#include "core/ascii.h"
#include "core/core_config.h"
#include "core/host_name.h"
#include "core/request.h"
#include "core/server_names.h"
#include "core/words.h"
#include "ngx/fields.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

std::vector<LocalAnswer>& local_answers(ngx_conf_t* cf) {
  return static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module))
      ->local_answers;
}

LocationConf& location_of(ngx_conf_t* cf) {
  return *static_cast<LocationConf*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_guard_module));
}

constexpr std::string_view kBeside = "\" beside another directive that answers here";

// Whether a proxy says by the PROXY protocol that it speaks for somebody on another machine, where
// what it says of itself is without an address; or, by whatever field realip listens to, that it
// speaks for anybody.
bool is_passed_on(ngx_http_request_t* r) noexcept {
  const ngx_proxy_protocol_t* proxy = r->connection->proxy_protocol;
  if (proxy == nullptr) return replaced_peer(r).has_value();
  const auto source = parse_address(ngx::to_view(proxy->src_addr));
  return !source || !source->is_loopback();
}

// Whether the Host is a name that somebody else may own.
bool has_foreign_host(ngx_http_request_t* r) noexcept {
  const ngx_str_t host = r->headers_in.server;
  if (host.len == 0 || is_own_host(ngx::to_view(host)) || server_names(r).name(host)) return false;
  ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                "the host \"%V\" is no \"server_name\" here, so its request is taken for a "
                "stranger's: ask by address or as \"localhost\", or add the name",
                &host);
  return true;
}

// Whether the page of another site has sent it, to which guard_cors may open the answer: browsers
// say so of whatever a page could read, or change by more than a GET.
bool has_foreign_origin(ngx_http_request_t* r) noexcept {
  const ngx_table_elt_t* field = ngx::find_request_field(r, "origin");
  if (field == nullptr) return false;
  constexpr std::string_view kMark = "://";
  const std::string_view origin = ngx::to_view(field->value);
  const std::size_t mark = origin.find(kMark);
  const bool own = mark != std::string_view::npos && r->headers_in.host != nullptr &&
                   equal_without_case(origin.substr(mark + kMark.size()),
                                      ngx::to_view(r->headers_in.host->value));
  if (own) return false;
  ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                "the origin \"%V\" is another site's, so its request is taken for a stranger's",
                &field->value);
  return true;
}

}  // namespace

void answer_here(ngx_conf_t* cf, std::string_view directive, ngx_http_handler_pt handler) {
  auto* location = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  if (location->handler != nullptr) fail("\"", directive, kBeside);
  location->handler = handler;
  location_of(cf).answers = true;
  local_answers(cf).push_back({directive, handler, location, ngx::place_of(cf)});
}

bool answers_here(ngx_conf_t* cf) {
  return location_of(cf).answers;
}

bool is_block_within(ngx_conf_t* cf) {
  const auto* location = static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  return location->noname != 0;
}

void check_answers(ngx_conf_t* cf) {
  for (const LocalAnswer& answer : local_answers(cf)) {
    if (answer.location->handler == answer.handler) continue;
    ngx::fail(cf, answer.place, std::string("\"").append(answer.directive).append(kBeside));
  }
}

bool is_stranger(ngx_http_request_t* r) noexcept {
  if (is_passed_on(r)) return true;
  const std::optional<Address> address = address_of(r->connection->sockaddr);
  if (address && !address->is_loopback()) return true;
  constexpr std::array<std::string_view, 4> kForwarded = {"via", "forwarded", "x-forwarded-for",
                                                          "x-real-ip"};
  const bool forwarded = std::ranges::any_of(kForwarded, [r](std::string_view name) {
    return ngx::find_request_field(r, name) != nullptr;
  });
  // No browser asks a Unix socket.
  return forwarded || (address && (has_foreign_host(r) || has_foreign_origin(r)));
}

ngx_int_t begin_answer(ngx_http_request_t* r) noexcept {
  if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0) return NGX_HTTP_NOT_ALLOWED;
  return ngx_http_discard_request_body(r);
}

bool describe_answer(ngx_http_request_t* r, ngx_uint_t status, std::string_view type) noexcept {
  r->headers_out.status = status;
  r->headers_out.content_type = ngx::borrow(type);
  r->headers_out.content_type_len = type.substr(0, type.find(';')).size();
  r->headers_out.content_type_lowcase = nullptr;
  return ngx::add_response_field(r, "Cache-Control", "no-store") != nullptr;
}

ngx_int_t send_answer(ngx_http_request_t* r, ngx_uint_t status, std::string_view type,
                      std::string_view body) noexcept {
  if (!describe_answer(r, status, type)) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  r->headers_out.content_length_n = static_cast<off_t>(body.size());
  const ngx_str_t text = ngx::copy(r->pool, body);
  auto* buffer = static_cast<ngx_buf_t*>(ngx_calloc_buf(r->pool));
  if (text.data == nullptr || buffer == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  const ngx_int_t rc = ngx_http_send_header(r);
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) return rc;
  buffer->pos = buffer->start = text.data;
  buffer->last = buffer->end = text.data + text.len;
  buffer->memory = text.len != 0;
  buffer->last_buf = r == r->main;
  buffer->last_in_chain = 1;
  ngx_chain_t out{buffer, nullptr};
  return ngx_http_output_filter(r, &out);
}

}  // namespace guard::core
