// Options of commands that take a value.
#pragma once

#include <span>
#include <string_view>

namespace guard::cli {

struct Option {
  std::string_view name;  // with its dashes
  std::string_view value;
};

// Takes the option that words begin with off them, "--name=value" or "--name value". Throws
// UsageError where its name is none of names, or it has no value. command is named in messages.
Option take_option(std::span<const std::string_view>& words, std::string_view command,
                   std::span<const std::string_view> names);

}  // namespace guard::cli
