#include "cli/events_command.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "cli/printable.h"
#include "core/words.h"

namespace guard::cli {

namespace {

struct Subcommand {
  std::string_view name;
  int (*run)(std::span<const std::string_view> words);
};

constexpr std::array<Subcommand, 4> kSubcommands = {{{"verify", verify_events},
                                                     {"explain", explain_event},
                                                     {"tail", tail_events},
                                                     {"stats", count_events}}};

bool holds(std::span<const std::string_view> list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

}  // namespace

EventWords::EventWords(std::string_view command, std::span<const std::string_view> words,
                       std::span<const std::string_view> named,
                       std::span<const std::string_view> flags) {
  while (!words.empty()) {
    const std::string_view word = words.front();
    words = words.subspan(1);
    if (word == "--") break;
    if (!word.starts_with('-') || word == "-") {
      rest_.push_back(word);
      continue;
    }
    const std::string_view option = word.substr(word.starts_with("--") ? 2 : 1);
    const std::size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    if (holds(flags, name) && equals == std::string_view::npos) {
      flags_.push_back(name);
      continue;
    }
    if (!holds(named, name)) {
      std::vector<std::string> known;
      for (const auto list : {named, flags}) {
        for (const std::string_view each : list) {
          known.push_back((each.size() == 1 ? "-" : "--") + std::string(each));
        }
      }
      const std::vector<std::string_view> views(known.begin(), known.end());
      const std::string_view said = word.substr(0, word.find('='));
      throw UsageError("unknown option \"" + printable(said, 200) + "\" of \"events " +
                       std::string(command) + "\"" + core::suggestion(said, views));
    }
    if (equals != std::string_view::npos) {
      named_.emplace_back(name, option.substr(equals + 1));
    } else if (!words.empty()) {
      named_.emplace_back(name, words.front());
      words = words.subspan(1);
    } else {
      throw UsageError("\"" + std::string(word) + "\" needs a value");
    }
  }
  rest_.insert(rest_.end(), words.begin(), words.end());
}

bool EventWords::flag(std::string_view name) const {
  return holds(flags_, name);
}

std::optional<std::string_view> EventWords::named(std::string_view name) const {
  const auto values = all(name);
  if (values.empty()) return {};
  return values.back();
}

std::vector<std::string_view> EventWords::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : named_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw std::runtime_error("cannot write to standard output");
  }
}

void flush_output() {
  if (std::fflush(stdout) != 0) throw std::runtime_error("cannot write to standard output");
}

int run_events(std::span<const std::string_view> words) {
  std::vector<std::string_view> names;
  for (const Subcommand& subcommand : kSubcommands) {
    if (!words.empty() && words.front() == subcommand.name) {
      return subcommand.run(words.subspan(1));
    }
    names.push_back(subcommand.name);
  }
  constexpr std::string_view kNames = "\"verify\", \"explain\", \"tail\" or \"stats\"";
  if (words.empty()) throw UsageError("\"events\" needs " + std::string(kNames));
  const std::string meant = core::suggestion(words.front(), names);
  throw UsageError("unknown command \"events " + printable(words.front(), 200) + "\"" +
                   (meant.empty() ? ", " + std::string(kNames) + " is expected" : meant));
}

}  // namespace guard::cli
