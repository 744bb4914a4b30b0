#pragma once

#include <string_view>

namespace guard::core {

// What derive_sip_key is told of the key that guard_key_secret stands for.
inline constexpr std::string_view kClientKeyLabel = "guard client keys";

}  // namespace guard::core
