// guardctl: Guard's logic at the desk, without nginx. Options and subcommands, help, exit codes.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/version.h"
#include "core/words.h"

namespace guard::cli {

namespace {

// What has been printed, by whomever, is out.
void flush() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw std::runtime_error("cannot write to standard output");
}

int print(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
  flush();
  return kDone;
}

std::string line_of(const Command& command) {
  std::string line(command.name);
  if (!command.words.empty()) line.append(" ").append(command.words);
  return line;
}

std::string help() {
  constexpr std::size_t kColumn = 26;
  std::string text =
      "guardctl - the tool beside the Guard module for nginx\n"
      "\n"
      "Usage: guardctl COMMAND [WORD ...]\n"
      "       guardctl --help | --version\n"
      "       guardctl help COMMAND | guardctl COMMAND --help\n"
      "\n"
      "Commands:\n";
  for (const Command& command : commands()) {
    std::string line = line_of(command);
    line.resize(line.size() < kColumn ? kColumn : line.size() + 1, ' ');
    text.append("  ").append(line).append(command.summary).append("\n");
  }
  return text.append(
      "\n"
      "Exit codes: 0 done; 1 it could not be done, or the answer is no; 2 the command line is "
      "wrong.\n");
}

std::string help_of(const Command& command) {
  std::string text = "guardctl ";
  text.append(command.name).append(" - ").append(command.summary);
  text.append("\n\nUsage: guardctl ").append(line_of(command)).append("\n\n");
  return text.append(command.help);
}

const Command& command_named(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) {
    if (command.name == name) return command;
    names.push_back(command.name);
  }
  throw UsageError("unknown command \"" + std::string(name) + "\"" + core::suggestion(name, names));
}

bool is_help(std::string_view word) {
  return word == "--help" || word == "-h";
}

// help_words: how the help is asked for that a wrong command line needs.
int run(std::span<const std::string_view> words, std::string& help_words) {
  if (words.empty()) throw UsageError("no command");
  const std::string_view first = words.front();
  words = words.subspan(1);
  if (first == "help" && words.size() == 1) return print(help_of(command_named(words.front())));
  const bool help_wanted = is_help(first) || first == "help";
  if (help_wanted || first == "--version" || first == "-V") {
    if (!words.empty()) {
      throw UsageError("unexpected word \"" + std::string(words.front()) + "\" after \"" +
                       std::string(first) + "\"");
    }
    return print(help_wanted ? help() : "guardctl " + std::string(core::kVersion) + "\n");
  }
  if (first.starts_with("-")) throw UsageError("unknown option \"" + std::string(first) + "\"");

  const Command& command = command_named(first);
  for (std::string_view word : words) {
    if (is_help(word)) return print(help_of(command));
  }
  help_words = std::string(command.name) + " --help";
  const int code = command.run(words);
  flush();
  return code;
}

int run_and_say(std::span<const std::string_view> words) noexcept {
  std::string help_words = "--help";
  try {
    return run(words, help_words);
  } catch (const UsageError& error) {
    (void)std::fprintf(stderr, "guardctl: %s\nTry \"guardctl %s\".\n", error.what(),
                       help_words.c_str());
    return kMisused;
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "guardctl: %s\n", error.what());
    return kFailed;
  }
}

}  // namespace

}  // namespace guard::cli

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return guard::cli::run_and_say(words);
}
