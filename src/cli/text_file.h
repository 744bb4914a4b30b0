// What commands read.
#pragma once

#include <string>
#include <string_view>

namespace guard::cli {

// All of the file of that name, or of standard input for "-". False: it cannot be read, which has
// been said.
bool read_text(std::string_view name, std::string& text);

}  // namespace guard::cli
