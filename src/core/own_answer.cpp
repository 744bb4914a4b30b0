#include "core/own_answer.h"

#include <new>
#include <utility>

#include "core/core_config.h"
#include "core/request.h"

namespace guard::core {

namespace {

// The last state of the first upstream: a retry adds one with a peer, another upstream one without.
const ngx_http_upstream_state_t* first_upstream_state(const ngx_array_t& states) noexcept {
  const auto* all = static_cast<const ngx_http_upstream_state_t*>(states.elts);
  const ngx_http_upstream_state_t* last = nullptr;
  for (ngx_uint_t i = 0; i < states.nelts && all[i].peer != nullptr; ++i) last = &all[i];
  return last;
}

void settle_upstream(OwnAnswer& answer, ngx_http_request_t* r) noexcept {
  answer.settled = true;
  answer.location = answer.current;
  const auto received = static_cast<std::uint16_t>(r->upstream->headers_in.status_n);
  if (r->upstream_states == nullptr) {
#if (NGX_HTTP_CACHE)
    if (r->cached) answer.status = received;
#endif
    // Otherwise it was not even asked: the client's body could not be read.
    return;
  }
  answer.of_upstream = true;
  answer.silent = received == 0;
  const ngx_http_upstream_state_t* state = first_upstream_state(*r->upstream_states);
#if (NGX_HTTP_CACHE)
  // What was received is of the cache, which has a stale answer in place of one that did not come.
  if (r->cached) answer.silent = state == nullptr || state->bytes_received == 0;
#endif
  // Without any, its name could not be resolved.
  answer.status =
      static_cast<std::uint16_t>(state == nullptr ? NGX_HTTP_BAD_GATEWAY : state->status);
}

bool has_answered_itself(const OwnAnswer& answer, ngx_http_request_t* r) noexcept {
  switch (answer.first_reached) {
    case Reached::location:
    case Reached::content:
      return true;
    case Reached::server: {
      // `return` of a server, or what nginx says when it looks for the location.
      const auto* core = static_cast<const ngx_http_core_main_conf_t*>(
          ngx_http_get_module_main_conf(r, ngx_http_core_module));
      const auto rewrite = static_cast<ngx_int_t>(core->phase_engine.location_rewrite_index);
      return r->phase_handler + 1 < rewrite;
    }
    case Reached::nothing:
    case Reached::access:
      break;
  }
  return false;
}

void settle(OwnAnswer& answer, ngx_http_request_t* r) noexcept {
  if (r->upstream != nullptr) {
    settle_upstream(answer, r);
    return;
  }
  if (!has_answered_itself(answer, r)) return;
  answer.location = answer.first;
  answer.status =
      static_cast<std::uint16_t>(r->err_status != 0 ? r->err_status : r->headers_out.status);
}

// Those of the stages of a mask that judge.
void run_judges(ngx_http_request_t* r, Request* request, std::uint32_t stages) noexcept {
  const MainConf& main = *main_conf(r);
  for (std::size_t i = 0; i < main.stages.size(); ++i) {
    if ((stages & main.judges) >> i & 1) main.stages[i]->run(r, request);
  }
}

template <Reached reached>
ngx_int_t note(ngx_http_request_t* r) noexcept {
  note_answerer(r, reached);
  return NGX_DECLINED;
}

// Where the connection is closed without an answer, there is no header to begin with.
ngx_int_t judge_closed(ngx_http_request_t* r) noexcept {
  const bool closed = r->header_sent == 0 && r->headers_out.status == NGX_HTTP_CLOSE;
  if (r == r->main && closed) judge_own_answer(r);
  return NGX_OK;
}

}  // namespace

void note_answerer(ngx_http_request_t* r, Reached reached) noexcept {
  if (r != r->main) return;
  Request* request = location_conf(r)->watching ? Request::get(r) : Request::find(r);
  if (request == nullptr) return;
  OwnAnswer& answer = request->own_answer_;
  // What comes behind a refusal has not been asked by the client.
  if (answer.settled || request->refused()) return;
  if (r->upstream != nullptr) {
    // Another pass: what the one before has asked has answered.
    settle_upstream(answer, r);
    return;
  }
  answer.current = r->loc_conf;
  const bool error_page = r->error_page || r->err_status != 0;
  if (error_page && answer.first != nullptr) {
    // A file that is not there may yet be had from an upstream, what `return` says is said.
    if (answer.first_reached == Reached::location && answer.returned == 0) {
      answer.returned = static_cast<std::uint16_t>(r->err_status);
    }
    return;
  }
  answer.first = answer.current;
  answer.first_reached = reached;
}

void judge_own_answer(ngx_http_request_t* r) noexcept {
  Request* request = Request::find(r);
  if (request == nullptr) return;
  OwnAnswer& answer = request->own_answer_;
  if (answer.judged) return;
  answer.judged = true;
  if (!answer.settled && request->refused()) {
    answer.location = answer.first;
    answer.status = answer.returned;
  } else if (!answer.settled) {
    settle(answer, r);
  }
  const std::uint32_t everywhere = main_conf(r)->everywhere;
  if (answer.status == 0 || answer.location == nullptr) return run_judges(r, request, everywhere);

  // Whatever is asked for in between, a route, a log, a variable, is that of the location that has
  // asked the application, not of its error page.
  void** page = std::exchange(r->loc_conf, answer.location);
  const LocationConf& location = *location_conf(r);
  if (location.watching && answer.of_upstream && answer.status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
    Event event;
    event.kind = EventKind::upstream_failed;
    event.status = answer.status;
    event.detail = answer.silent ? "The application gave no valid answer"
                                 : "The application answered with a server error";
    request->publish(event);
  }
  run_judges(r, request, location.stages | everywhere);
  r->loc_conf = page;
}

void install_answer_notes(ngx_conf_t* cf) {
  auto* main =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
  if (!main->watching) return;
  ngx::add_handler(cf, NGX_HTTP_SERVER_REWRITE_PHASE, note<Reached::server>);
  ngx::add_handler(cf, NGX_HTTP_REWRITE_PHASE, note<Reached::location>);
  ngx::add_handler(cf, NGX_HTTP_PREACCESS_PHASE, note<Reached::access>);
  ngx::add_handler(cf, NGX_HTTP_PRECONTENT_PHASE, note<Reached::content>);
  ngx::add_handler(cf, NGX_HTTP_LOG_PHASE, judge_closed);
}

}  // namespace guard::core
