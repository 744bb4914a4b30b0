// The version of the module and of guardctl.
#pragma once

#include <string_view>

namespace guard::core {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace guard::core
