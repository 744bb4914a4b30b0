// The one place where Guard meets nginx's filters: the header filter, which must come before
// nginx's own headers filter in the list of modules so that it runs after it and has the last word,
// the body filter, for answers that are judged as a whole, and the request-body filter.

#include "core/answer.h"
#include "core/body_reader.h"
#include "core/core_config.h"
#include "core/own_answer.h"
#include "core/request.h"
#include "core/respond.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"

namespace guard::core {

namespace {

ngx_http_output_header_filter_pt next_header_filter;
ngx_http_output_body_filter_pt next_body_filter;
ngx_http_request_body_filter_pt next_request_body_filter;

struct Judge {
  const AnswerCheck* check = nullptr;
  void** place = nullptr;  // the location that it was activated in
};

// Of the location that answers, or else of the last one on the way to it. An error page that nginx
// itself makes is the administrator's own.
Judge judge_of(ngx_http_request_t* r, const Request* request) noexcept {
  const LocationConf& own = *location_conf(r);
  if (own.answer != nullptr) return {own.answer, r->loc_conf};
  void** place = request == nullptr ? nullptr : request->answer_place();
  if (place == nullptr) return {};
  if ((r->error_page || r->err_status != 0) && r->content_handler == nullptr) return {};
  const AnswerCheck* check = location_in(place)->answer;
  if ((own.answers_left & bit_of(check->feature)) != 0) return {};
  return {check, place};
}

// That a range cannot be satisfied nginx finds out behind the stages, and has them run again for
// its error page, on the same fields: those that they have added were for another answer.
void take_back_stage_fields(ngx_http_request_t* r) noexcept {
  for (ngx_table_elt_t& field : ngx::response_fields(r)) {
    if (field.hash == ngx::kStageHash) field.hash = 0;
  }
}

// What add_header says always is then there twice.
void drop_repeated_fields(ngx_http_request_t* r) noexcept {
  for (ngx_table_elt_t& field : ngx::response_fields(r)) {
    if (field.hash == 0) continue;
    for (const ngx_table_elt_t& before : ngx::response_fields(r)) {
      if (&before == &field) break;
      if (before.hash == 0 || ngx::to_view(before.value) != ngx::to_view(field.value)) continue;
      if (ngx::is_named(before, ngx::to_view(field.key))) field.hash = 0;
    }
  }
}

ngx_int_t send_header(ngx_http_request_t* r) noexcept {
  name_status(r);
  const MainConf& main = *main_conf(r);
  if (main.watching) judge_own_answer(r);
  const bool no_range = r->err_status == NGX_HTTP_RANGE_NOT_SATISFIABLE;
  if (no_range) take_back_stage_fields(r);
  std::uint32_t active = location_conf(r)->stages & ~main.judges;
  if (active != 0) {
    Request* request = Request::find(r);
    for (std::size_t i = 0; i < main.stages.size(); ++i) {
      if ((active >> i & 1) != 0) main.stages[i]->run(r, request);
    }
    if (no_range) drop_repeated_fields(r);
  }
  return next_header_filter(r);
}

ngx_int_t header_filter(ngx_http_request_t* r) noexcept {
  if (r != r->main) return next_header_filter(r);
  if (main_conf(r)->judging_answers) {
    Request* request = Request::find(r);
    const Judge judge = judge_of(r, request);
    // What it has done counts, whatever the client gets to see of it.
    if (judge.check != nullptr && main_conf(r)->watching) judge_own_answer(r);
    if (request != nullptr && AnswerReader(r, *request).begin(judge.check, judge.place)) {
      return NGX_OK;
    }
  }
  return send_header(r);
}

ngx_int_t body_filter(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  if (!main_conf(r)->judging_answers) return next_body_filter(r, in);
  Request* request = r == r->main ? Request::find(r) : nullptr;
  if (request == nullptr) return next_body_filter(r, in);
  return AnswerReader(r, *request).read(in, {send_header, next_body_filter});
}

ngx_int_t request_body_filter(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  return BodyReader::filter(r, in, next_request_body_filter);
}

// All of them, whatever this configuration wants: if nginx gives it up, workers that are started
// later have its filters, and the configuration from before.
void install(ngx_conf_t* /*cf*/) {
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = header_filter;
  next_body_filter = ngx_http_top_body_filter;
  ngx_http_top_body_filter = body_filter;
  next_request_body_filter = ngx_http_top_request_body_filter;
  ngx_http_top_request_body_filter = request_body_filter;
}

ngx_http_module_t filter_context = {
    nullptr, ngx::configuration<install>, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace

}  // namespace guard::core

constinit ngx_module_t ngx_http_guard_filter_module =
    guard::ngx::http_module(&guard::core::filter_context, nullptr);
