// guardctl openapi check: a request, and what guard_openapi would say of it.
#pragma once

#include <span>
#include <string_view>

namespace guard::cli {

// The words behind "openapi check". An exit code of command.h.
int check_openapi(std::span<const std::string_view> words);

}  // namespace guard::cli
