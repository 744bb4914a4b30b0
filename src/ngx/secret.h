// A SECRET word, with the warnings that only nginx can give.
#pragma once

#include <string_view>

#include "core/secret.h"
#include "ngx/compat.h"

namespace guard::ngx {

// Throws ConfigError. Warns of a literal, of a file that others may read, and of a variable that no
// `env NAME;` has named so far: a binary upgrade passes only those on.
core::Secret read_secret(ngx_conf_t* cf, std::string_view name, std::string_view word);

}  // namespace guard::ngx
