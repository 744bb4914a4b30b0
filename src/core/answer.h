// The application's answer as a whole: held back, or followed while it passes, until a check has
// judged it. Only core's own files use this; a feature registers an AnswerCheck (check.h).
#pragma once

#include "core/check.h"
#include "core/request.h"
#include "ngx/compat.h"

namespace guard::core {

class AnswerReader {
 public:
  AnswerReader(ngx_http_request_t* r, Request& request) noexcept
      : r_(r), request_(request), state_(request.answer_) {}

  // In the header filter. True: nothing is to be sent yet; read() will do it when it is time.
  // check: null: nothing judges this answer; place: the location that it was activated in.
  bool begin(const AnswerCheck* check, void** place) noexcept;

  // How the filter sends what is judged.
  struct Senders {
    // The header filters behind ours, with ours.
    ngx_int_t (*header)(ngx_http_request_t* r) noexcept;
    ngx_http_output_body_filter_pt body;
  };
  // The body filter.
  ngx_int_t read(ngx_chain_t* in, const Senders& senders) noexcept;

 private:
  using Stage = Request::AnswerStage;

  // True if in ends the answer. in: what is left of it, where only the start of a body is wanted.
  bool take(ngx_chain_t*& in, bool consume) noexcept;
  bool append(const u_char* data, std::size_t size) noexcept;
  // True: refusal says why the answer is refused, which has been recorded.
  bool refuses(Refusal& refusal, bool acted_upon) noexcept;
  ngx_int_t hold(ngx_chain_t* in, const Senders& senders) noexcept;
  // rest: what follows what was held; null: nothing.
  ngx_int_t send(ngx_chain_t* rest, const Senders& senders) noexcept;
  ngx_int_t replace(const Refusal& refusal, bool ended, const Senders& senders) noexcept;

  ngx_http_request_t* r_;
  Request& request_;
  Request::AnswerState& state_;
};

}  // namespace guard::core
