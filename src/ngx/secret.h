// A SECRET word, with the warnings that only nginx can give.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/secret.h"
#include "ngx/compat.h"

namespace guard::ngx {

// Throws ConfigError. Warns of a literal, of a file that others may read, and of a variable that no
// `env NAME;` has named so far: a binary upgrade passes only those on.
core::Secret read_secret(ngx_conf_t* cf, std::string_view name, std::string_view word);

// A secret that is the key of a hash or signature, so that whoever has what it made can try secrets
// as fast as he likes. Warns of one that is shorter than kKeyLeast as well.
inline constexpr std::size_t kKeyLeast = 16;  // bytes
core::Secret read_key(ngx_conf_t* cf, std::string_view name, std::string_view word);

}  // namespace guard::ngx
