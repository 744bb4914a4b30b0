#include "cli/openapi_command.h"

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/openapi_check.h"
#include "cli/text_file.h"
#include "cli/yaml_to_json.h"
#include "core/words.h"

namespace guard::cli {

namespace {

struct Subcommand {
  std::string_view name;
  int (*run)(std::span<const std::string_view> words);
};

int convert(std::span<const std::string_view> words) {
  if (words.empty()) throw UsageError("\"openapi convert\" needs a file");
  if (words.size() > 1) {
    throw UsageError("unexpected word \"" + std::string(words[1]) + "\" after \"" +
                     std::string(words[0]) + "\"");
  }
  std::string text;
  if (!read_text(words.front(), text)) return kFailed;
  try {
    text = yaml_to_json(text);
  } catch (const YamlError& error) {
    throw std::runtime_error("\"" + std::string(words.front()) + "\"" + error.what());
  }
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
  return kDone;
}

constexpr std::array<Subcommand, 2> kSubcommands = {
    {{"check", check_openapi}, {"convert", convert}}};

}  // namespace

int run_openapi(std::span<const std::string_view> words) {
  std::vector<std::string_view> names;
  for (const Subcommand& subcommand : kSubcommands) {
    if (!words.empty() && words.front() == subcommand.name) {
      return subcommand.run(words.subspan(1));
    }
    names.push_back(subcommand.name);
  }
  if (words.empty()) throw UsageError("\"openapi\" needs \"check\" or \"convert\"");
  const std::string word(words.front());
  const std::string meant = core::suggestion(word, names);
  throw UsageError("unknown command \"openapi " + word + "\"" +
                   (meant.empty() ? ", \"check\" or \"convert\" is expected" : meant));
}

}  // namespace guard::cli
