// What nginx -t says of the variables of policies, once all directives have been read.
#pragma once

#include <string_view>

#include "ngx/compat.h"

namespace guard::core {

// A directive's word=text holds the variables that tell requests apart. owner: "rate policy "api"",
// for the message. A [warn] follows if one of them seems to lack its '$'.
void add_key_text(ngx_conf_t* cf, std::string_view owner, std::string_view word,
                  std::string_view text);

// In postconfiguration.
void check_variables(ngx_conf_t* cf);

}  // namespace guard::core
