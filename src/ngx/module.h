// An ngx_module_t without its eleven slots that are mostly empty.
#pragma once

#include "ngx/compat.h"

namespace guard::ngx {

// Whether this process serves requests. nginx's helpers, which look after caches, do not, but are
// initialised like workers.
inline bool is_worker() noexcept {
  return ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_SINGLE;
}

struct Process {
  ngx_int_t (*init)(ngx_cycle_t*) noexcept = nullptr;  // of a worker or helper
  void (*exit)(ngx_cycle_t*) noexcept = nullptr;
  // Of the process that has read the configuration, whose log is open.
  ngx_int_t (*configured)(ngx_cycle_t*) noexcept = nullptr;
};

constexpr ngx_module_t http_module(ngx_http_module_t* context, ngx_command_t* commands,
                                   Process process = {}) noexcept {
  return {NGX_MODULE_V1, context, commands, NGX_HTTP_MODULE, nullptr, process.configured,
          process.init,  nullptr, nullptr,  process.exit,    nullptr, NGX_MODULE_V1_PADDING};
}

}  // namespace guard::ngx
