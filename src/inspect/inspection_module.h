// The checks of guard_inspect. Done by inspection_module.cpp.
#pragma once

#include "inspect/inspect_module.h"

namespace guard::inspect {

// While locations are merged: requests to the one that is, and answers if the policy wants it, are
// shown to the rules.
void use_inspection(ngx_conf_t* cf, const Policy& policy);

}  // namespace guard::inspect
