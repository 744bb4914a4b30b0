// guard_path: refuses what nginx and the application behind it may read as different paths.
#pragma once

#include "core/check.h"
#include "core/path_prefixes.h"
#include "ngx/fence.h"

namespace guard::core {

extern const Check kPathCheck;

// Whether the path of a request is one that a check leaves out, as the client has sent it or as a
// rewrite has made it, whoever reads it: one that is ambiguous as it was sent never is.
bool is_excepted(const PathPrefixes& except, ngx_http_request_t* r) noexcept;

}  // namespace guard::core
