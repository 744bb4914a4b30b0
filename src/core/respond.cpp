#include "core/respond.h"

#include <charconv>
#include <string>

#include "core/accept.h"
#include "core/core_config.h"
#include "ngx/fields.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

bool add_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept {
  const ngx_str_t copy = ngx::copy(r->pool, value);
  return copy.data != nullptr && ngx::add_response_field(r, name, ngx::to_view(copy)) != nullptr;
}

// Fields that belong to the status itself, whoever writes the body.
bool add_refusal_fields(ngx_http_request_t* r, const Refusal& refusal) noexcept {
  if (refusal.retry_after >= 0) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof(digits), refusal.retry_after).ptr;
    std::string_view text(digits, static_cast<std::size_t>(end - digits));
    if (!add_header(r, "Retry-After", text)) return false;
  }
  if (!refusal.authenticate.empty() && !add_header(r, "WWW-Authenticate", refusal.authenticate)) {
    return false;
  }
  return refusal.allow.empty() || add_header(r, "Allow", refusal.allow);
}

bool is_redirect(std::uint16_t status) noexcept {
  return status >= 300 && status < 400;
}

// False: no memory.
bool add_location(ngx_http_request_t* r, std::string_view location) noexcept {
  ngx_http_clear_location(r);
  r->headers_out.location = ngx::add_response_field(r, "Location", location);
  return r->headers_out.location != nullptr;
}

enum class ErrorPage : std::uint8_t { none, uri, named };

// What nginx would make of the status. A page in a named location keeps method and body and would
// hand the refused request to the application.
ErrorPage error_page_of(ngx_http_request_t* r, std::uint16_t status) noexcept {
  const auto* clcf = static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  if (clcf->error_pages == nullptr || r->uri_changes == 0) return ErrorPage::none;
  if (r->error_page) return ErrorPage::none;
  auto* pages = static_cast<ngx_http_err_page_t*>(clcf->error_pages->elts);
  for (ngx_uint_t i = 0; i < clcf->error_pages->nelts; ++i) {
    if (pages[i].status != status) continue;
    ngx_str_t target{};
    if (ngx_http_complex_value(r, &pages[i].value, &target) != NGX_OK) return ErrorPage::named;
    return target.len != 0 && target.data[0] != '@' ? ErrorPage::uri : ErrorPage::named;
  }
  return ErrorPage::none;
}

bool wants_html(ngx_http_request_t* r) noexcept {
  return prefers_html(ngx::request_field(r, "accept"));
}

bool make_body(Request& request, const Refusal& refusal, bool html, ngx_str_t& body) noexcept {
  try {
    std::string_view id = request.request_id();
    std::string text = html ? problem_html(refusal, id) : problem_json(refusal, id);
    body = ngx::copy(request.pool(), text);
    return body.data != nullptr;
  } catch (...) {
    return false;
  }
}

// Sends a whole response from within a gate. r may be gone afterwards.
ngx_int_t send(Request& request, ngx_uint_t status, ngx_str_t* type,
               ngx_http_complex_value_t& body) noexcept {
  ngx_http_request_t* r = request.native();
  // The body may be half read: its timer must not end the response, and no 100 Continue may
  // precede it.
  ngx_connection_t* c = r->connection;
  if (c->read->timer_set) ngx_del_timer(c->read);
  if (c->write->timer_set) ngx_del_timer(c->write);
  r->expect_tested = 1;
  // Where the error page of another status led here, that status would stand, and behind
  // X-Accel-Redirect the charset of the type that was to be sent.
  r->err_status = status;
  r->headers_out.charset = {};
  ngx_http_finalize_request(r, ngx_http_send_response(r, status, type, &body));
  return NGX_DONE;
}

// nginx answers with the error page of the user or, if that is to stay hidden, with its own.
ngx_int_t leave_to_nginx(ngx_http_request_t* r, std::uint16_t status, bool hidden) noexcept {
  r->expect_tested = 1;
  if (hidden) r->error_page = 1;
  return status;
}

ngx_int_t send_problem(Request& request, const Refusal& refusal, ProblemStyle style) noexcept {
  ngx_http_request_t* r = request.native();
  bool html = style == ProblemStyle::automatic && wants_html(r);
  ngx_http_complex_value_t body{};
  if (!make_body(request, refusal, html, body.value) ||
      !add_header(r, "Cache-Control", "no-store")) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  ngx_str_t type = html ? ngx_str_t ngx_string("text/html; charset=utf-8")
                        : ngx_str_t ngx_string("application/problem+json");
  return send(request, refusal.status, &type, body);
}

}  // namespace

void end_body(Request& request) noexcept {
  ngx_http_request_t* r = request.native();
  if (request.body_partial() && r->request_body != nullptr) {
    r->request_body->bufs = nullptr;
    r->headers_in.content_length = nullptr;
    r->headers_in.content_length_n = -1;
    r->headers_in.chunked = 0;
  }
  if (!request.body_in_flight()) return;
  r->keepalive = 0;
  r->read_event_handler = ngx_http_block_reading;
#if (NGX_HTTP_V2)
  if (r->stream != nullptr) r->stream->skip_data = 1;
#endif
}

ngx_int_t send_no_content(Request& request) noexcept {
  ngx_http_complex_value_t body{};
  return send(request, NGX_HTTP_NO_CONTENT, nullptr, body);
}

ngx_int_t respond(Request& request, const Refusal& refusal) noexcept {
  ngx_http_request_t* r = request.native();
  if (refusal.status == NGX_HTTP_CLOSE) return NGX_HTTP_CLOSE;
  end_body(request);

  const LocationConf& conf = *location_conf(r);
  if (!add_refusal_fields(r, refusal)) return NGX_HTTP_INTERNAL_SERVER_ERROR;

  const ErrorPage page = error_page_of(r, refusal.status);
  const bool hidden = page == ErrorPage::named && !conf.error_page_allowed.value_or(false);
  // nginx would take the body of such a status for its Location.
  if (is_redirect(refusal.status)) {
    if (!refusal.location.empty() && !add_location(r, refusal.location)) {
      return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return leave_to_nginx(r, refusal.status, hidden);
  }

  const ProblemStyle style = conf.problem.value_or(ProblemStyle::automatic);
  const bool shown = page != ErrorPage::none && !hidden;
  if (shown || style == ProblemStyle::off) return leave_to_nginx(r, refusal.status, hidden);
  return send_problem(request, refusal, style);
}

bool prepare_problem(Request& request, const Refusal& refusal, ngx_str_t& body) noexcept {
  ngx_http_request_t* r = request.native();
  const ProblemStyle style = location_conf(r)->problem.value_or(ProblemStyle::automatic);
  const bool html = style == ProblemStyle::automatic && wants_html(r);
  Refusal told = refusal;
  told.errors = {};
  if (!refusal.location.empty() && !add_location(r, refusal.location)) return false;
  if (!make_body(request, told, html, body) || !add_header(r, "Cache-Control", "no-store")) {
    return false;
  }
  r->headers_out.content_type = html ? ngx_str_t ngx_string("text/html; charset=utf-8")
                                     : ngx_str_t ngx_string("application/problem+json");
  r->headers_out.content_type_len = r->headers_out.content_type.len;
  r->headers_out.content_type_lowcase = nullptr;
  r->headers_out.content_length_n = static_cast<off_t>(body.len);
  r->err_status = refusal.status;
  r->headers_out.status = refusal.status;
  return true;
}

void name_status(ngx_http_request_t* r) noexcept {
  if (r->headers_out.status != 422 || r->headers_out.status_line.len != 0) return;
  r->headers_out.status_line = ngx::borrow(status_line(422));
}

}  // namespace guard::core
