// Turns a refusal into what the client gets.
#pragma once

#include "core/refusal.h"
#include "core/request.h"

namespace guard::core {

// The phase handler's answer. With NGX_DONE the response is on its way and r may be gone; with a
// status, nginx sends its own or the user's page for it.
ngx_int_t respond(Request& request, const Refusal& refusal) noexcept;

// Before an answer to a request whose body has not come to its end: whoever makes its error page
// gets nothing of the body, and what comes later is not read any more, nor taken for another
// request.
void end_body(Request& request) noexcept;

// Answers 204 without a body. As above.
ngx_int_t send_no_content(Request& request) noexcept;

// The same for the filters, where an answer of the application has come already: sets status and
// fields of the answer that takes its place, and gives its body. Tells the client nothing of the
// refusal's errors. False: no memory.
bool prepare_problem(Request& request, const Refusal& refusal, ngx_str_t& body) noexcept;

// Sets the status line of a status that this nginx has no text for. In the header filter.
void name_status(ngx_http_request_t* r) noexcept;

}  // namespace guard::core
