// The application's own answer: which location had asked it, and what it said, however many
// internal redirects and error pages come between that and the header that the client gets.
//
// It is the answer of the first upstream that was asked. Where none was: that of the first location
// that answers by itself (a file, `return`, another content handler); index and try_files go on to
// the next one, error pages do not. What nginx refuses before that (allow and deny, auth_basic,
// auth_request, limit_req, a body over client_max_body_size) is nobody's own answer. Nor is what
// Guard refuses; but what had been answered before, and led to an error page that was refused,
// remains.
#pragma once

#include <cstdint>

#include "ngx/compat.h"

namespace guard::core {

// How far a pass of a request through nginx's phases has come. What ends at `access` was refused
// there.
enum class Reached : std::uint8_t { nothing, server, location, access, content };

struct OwnAnswer {
  void** first = nullptr;    // the location that came first, and how far
  void** current = nullptr;  // that of this pass
  Reached first_reached = Reached::nothing;
  bool settled = false;  // an upstream has answered
  bool judged = false;
  bool of_upstream = false;
  bool silent = false;         // the upstream gave no valid answer
  std::uint16_t status = 0;    // 0: there is none to be judged
  std::uint16_t returned = 0;  // by the location that came first, where an error page has followed
  void** location = nullptr;
};

void note_answerer(ngx_http_request_t* r, Reached reached) noexcept;

// From the header filter of the main request.
void judge_own_answer(ngx_http_request_t* r) noexcept;

// Phase handlers that note which location is asked. They must come before all others of their
// phases, so the last module of Guard installs them; nothing where no location watches.
void install_answer_notes(ngx_conf_t* cf);

}  // namespace guard::core
