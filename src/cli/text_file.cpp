#include "cli/text_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

namespace guard::cli {

bool read_text(std::string_view name, std::string& text) {
  std::ifstream file;
  if (name != "-") file.open(std::string(name), std::ios::binary);
  std::istream& in = name == "-" ? std::cin : file;
  try {
    text.assign(std::istreambuf_iterator<char>(in), {});
    if (!in.bad() && (name == "-" || file.is_open())) return true;
  } catch (const std::ios_base::failure&) {
    // A directory can be opened, but not read.
  }
  (void)std::fprintf(stderr, "guardctl: cannot read \"%.*s\": %s\n", static_cast<int>(name.size()),
                     name.data(), std::strerror(errno));
  return false;
}

}  // namespace guard::cli
