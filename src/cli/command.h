// What a subcommand of guardctl is. Each lives in its own file and has one line in commands.cpp.
#pragma once

#include <span>
#include <stdexcept>
#include <string_view>

namespace guard::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;  // what was asked for could not be done, or the answer is no
inline constexpr int kMisused = 2;

// The command line is wrong; what() is said after "guardctl: ", and the exit code is kMisused.
// Anything else that a command throws becomes kFailed.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Command {
  std::string_view name;
  std::string_view words;    // what follows the name, as in "[--bytes N]"
  std::string_view summary;  // one line of `guardctl --help`
  std::string_view help;     // the rest of `guardctl NAME --help`, lines of up to 78 columns
  // An exit code. What it prints to standard output is flushed, and its errors are told, by main().
  int (*run)(std::span<const std::string_view> words);
};

// In the order of `guardctl --help`.
std::span<const Command> commands() noexcept;

}  // namespace guard::cli
