// The second module file is named after this module, which stands first in it, and says what it
// needs: a configuration without core's modules ends here.

#include "core/words.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"

namespace guard::inspect {

namespace {

void preconfigure(ngx_conf_t* cf) {
  if (!ngx::module_loaded(cf, "ngx_http_guard_module")) {
    core::fail("ngx_http_guard_inspect_module.so needs ngx_http_guard_module.so");
  }
}

ngx_http_module_t context = {
    ngx::configuration<preconfigure>, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
};

}  // namespace

}  // namespace guard::inspect

constinit ngx_module_t ngx_http_guard_inspect_module =
    guard::ngx::http_module(&guard::inspect::context, nullptr);
