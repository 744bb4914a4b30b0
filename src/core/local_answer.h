// What the content handlers of the node itself (guard_metrics, guard_health and the like)
// have in common: where they stand, who may see them, and how an answer is made.
#pragma once

#include <string_view>

#include "ngx/compat.h"

namespace guard::core {

// Has the location that is being read answer with handler, in the name of a directive. Where
// another directive answers there, too, nginx takes the last: this throws, now or once all have
// been read.
void answer_here(ngx_conf_t* cf, std::string_view directive, ngx_http_handler_pt handler);
void check_answers(ngx_conf_t* cf);
// Whether the location that is being merged is one, or the block of an `if` in one.
bool answers_here(ngx_conf_t* cf);
// Whether it is the block of an `if` or limit_except. nginx makes a location of that, of which a
// request has the configuration while the handler of the one around it answers: what that needs to
// know is to be there, too.
bool is_block_within(ngx_conf_t* cf);

// Not this machine itself: neither loopback nor a Unix socket, or somebody whom a proxy on it has
// passed on (Via, Forwarded, X-Forwarded-For or X-Real-IP are there, even empty, realip has taken
// an address from another field, or the PROXY protocol names one that is not loopback), or, over
// loopback, one who asks for a name that is none of the server's: a browser in which another site's
// name stands for this machine (DNS rebinding); or whose Origin is not the Host. Both are logged.
bool is_stranger(ngx_http_request_t* r) noexcept;

// Before a handler answers: NGX_OK, or the status with which it must end (405, or what discarding
// the body has come to).
ngx_int_t begin_answer(ngx_http_request_t* r) noexcept;

// The fields of an answer that no cache may keep; type may have parameters. False: out of memory.
bool describe_answer(ngx_http_request_t* r, ngx_uint_t status, std::string_view type) noexcept;

// The whole of a short answer, which is copied. What a content handler returns.
ngx_int_t send_answer(ngx_http_request_t* r, ngx_uint_t status, std::string_view type,
                      std::string_view body) noexcept;

}  // namespace guard::core
