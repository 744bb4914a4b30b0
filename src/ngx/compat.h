// Every nginx header, inside extern "C", and all that differs between nginx 1.22 and mainline.
#pragma once

extern "C" {
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
}

namespace guard::ngx {

// 1.23.0 made same-named header fields a linked list.
inline constexpr bool kHeadersAreLinked = nginx_version >= 1023000;

inline void unlink_header([[maybe_unused]] ngx_table_elt_t* header) noexcept {
#if nginx_version >= 1023000
  header->next = nullptr;
#endif
}

}  // namespace guard::ngx
