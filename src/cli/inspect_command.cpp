#include "cli/inspect_command.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace guard::cli {

// Does not return when the other program is there.
int run_inspect(std::span<const std::string_view> words) {
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "guardctl-inspect";
  std::vector<std::string> texts = {program};
  texts.insert(texts.end(), words.begin(), words.end());
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  execv(program.c_str(), list.data());
  const int error = errno;
  throw UsageError("cannot run \"" + program + "\": " + std::strerror(error));
}

}  // namespace guard::cli
