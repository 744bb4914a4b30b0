// Reads the request's body once, for all checks, up to the smallest limit.
#pragma once

#include "core/request.h"

namespace guard::core {

class BodyReader {
 public:
  explicit BodyReader(Request& request) noexcept : request_(request) {}

  struct Progress {
    // NGX_OK: the body is read, or reading has stopped at the limit; go on. NGX_DONE: the phases
    // are run again when it is; r may be gone. A status: nginx could not read it.
    ngx_int_t answer;
  };

  // What the checks make of one request's body.
  struct Demand {
    bool wanted = false;
    std::size_t limit = 0;       // in bytes; 0: none but client_max_body_size
    std::uint32_t hearing = 0;   // bits of the checks that are given it as it comes
    std::uint32_t deciding = 0;  // and of those of them whose refusal ends it
  };

  Progress read(const Demand& demand) noexcept;

  // The request-body filter: counts, gives the checks what comes, and stops at the limit.
  static ngx_int_t filter(ngx_http_request_t* r, ngx_chain_t* in,
                          ngx_http_request_body_filter_pt next) noexcept;

 private:
  static void ready(ngx_http_request_t* r) noexcept;
  static bool give(Request& request, std::string_view bytes) noexcept;
  void repeat(std::uint32_t hearing) noexcept;
  void take_over() noexcept;

  Request& request_;
};

// The buffer of this worker that holds one body in one piece.
void free_body_buffer() noexcept;

}  // namespace guard::core
