// guard_path: refuses what nginx and the application behind it may read as different paths.
#pragma once

#include "core/check.h"

namespace guard::core {

extern const Check kPathCheck;

}  // namespace guard::core
