#include "cli/option.h"

#include <algorithm>
#include <string>

#include "cli/command.h"
#include "cli/printable.h"
#include "core/words.h"

namespace guard::cli {

Option take_option(std::span<const std::string_view>& words, std::string_view command,
                   std::span<const std::string_view> names) {
  const std::size_t equals = words.front().find('=');
  Option option{words.front().substr(0, equals), {}};
  if (std::ranges::find(names, option.name) == names.end()) {
    throw UsageError("unknown option \"" + printable(option.name, 200) + "\" of \"" +
                     std::string(command) + "\"" + core::suggestion(option.name, names));
  }
  if (equals != std::string_view::npos) {
    option.value = words.front().substr(equals + 1);
  } else if (words.size() > 1) {
    words = words.subspan(1);
    option.value = words.front();
  }
  words = words.subspan(1);
  if (option.value.empty()) {
    throw UsageError("\"" + std::string(option.name) + "\" needs a value");
  }
  return option;
}

}  // namespace guard::cli
