// guardctl-inspect, which `guardctl inspect` runs: a program of its own, since it needs Vectorscan
// and libxml2, which not every machine with guardctl has.

#include <array>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/inspect_report.h"
#include "cli/option.h"
#include "cli/text_file.h"
#include "core/words.h"
#include "inspect/crs.h"
#include "inspect/inspection.h"
#include "inspect/pattern_cache.h"
#include "inspect/policy.h"
#include "inspect/raw_request.h"
#include "inspect/vocabulary.h"

namespace guard::cli {

namespace {

constexpr int kRefused = 1;
constexpr int kError = 2;

struct Options {
  std::vector<std::string> files;
  inspect::ProgramOptions program;
  std::optional<std::string> cache;  // "off": none
  bool excerpt = false;
  std::string_view request;
};

Options read_options(std::span<const std::string_view> words) {
  constexpr std::array<std::string_view, 4> kOptions = {"--paranoia", "--threshold", "--rules",
                                                        "--cache"};
  Options options;
  while (!words.empty()) {
    const std::string_view word = words.front();
    if (word == "--excerpt") {
      options.excerpt = true;
      words = words.subspan(1);
      continue;
    }
    if (!word.starts_with("--")) {
      if (!options.request.empty()) {
        throw UsageError("unexpected word \"" + std::string(word) +
                         "\", \"inspect\" reads one file");
      }
      options.request = word;
      words = words.subspan(1);
      continue;
    }
    const auto [name, value] = take_option(words, "inspect", kOptions);
    const core::Words said({name, value});
    if (name == "--paranoia") {
      options.program.paranoia = inspect::parse_paranoia(said);
    } else if (name == "--threshold") {
      options.program.threshold = inspect::parse_threshold(said);
    } else if (name == "--cache") {
      options.cache = value;
    } else {
      options.files.emplace_back(value);
    }
  }
  if (options.request.empty())
    throw UsageError("\"inspect\" needs the file of a request, or \"-\"");
  return options;
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw std::runtime_error("cannot write to standard output");
  }
}

int print(const inspect::Inspection& inspection, const inspect::InspectionResult& result,
          bool excerpt) {
  print(matches_text(inspection, excerpt) + scores_text(inspection, result) +
        verdict_text(inspection, result));
  return result.outcome == inspect::Outcome::passed ? kDone : kRefused;
}

// Null: without one. As for nginx, that of nobody's choice may be missing.
std::unique_ptr<inspect::PatternCache> open_cache(const std::optional<std::string>& directory) {
  if (directory == "off") return nullptr;
  try {
    return std::make_unique<inspect::PatternCache>(
        directory.value_or(std::string(inspect::kCacheDirectory)));
  } catch (const core::ConfigError&) {
    if (directory) throw;
    return nullptr;
  }
}

void warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    (void)std::fprintf(stderr, "guardctl: %s\n", warning.c_str());
  }
}

int run(const std::vector<std::string_view>& words) {
  if (words.size() == 1 && words[0] == "--vocabulary") {
    print(inspect::vocabulary_text());
    return kDone;
  }
  if (words.size() == 1 && words[0] == "--extension") {
    print(std::string(inspect::crs_extension()));
    return kDone;
  }
  Options options = read_options(words);
  std::string text;
  if (!read_text(options.request, text)) return kError;
  inspect::RawRequest raw;
  if (!inspect::parse_raw_request(text, raw)) {
    throw UsageError("no request line, as in \"GET / HTTP/1.1\"");
  }
  const auto cache = open_cache(options.cache);
  options.program.cache = cache.get();
  const inspect::Program program(inspect::load_rules(options.files), options.program);
  warn(program.rules().warnings);
  if (cache != nullptr) warn(cache->take_warnings());
  inspect::Inspection inspection;
  if (!inspection.prepare(program)) throw std::runtime_error("no memory");
  inspect::RequestView view;
  view.method = raw.method;
  view.target = raw.target;
  view.version = raw.version;
  view.headers = raw.headers;
  view.client_address = "127.0.0.1";
  const inspect::InspectionResult& headers =
      inspection.run_headers(program, view, inspect::kDefaultBudget);
  if (headers.outcome != inspect::Outcome::passed || inspection.engine_off()) {
    return print(inspection, headers, options.excerpt);
  }
  return print(inspection, inspection.run_body(raw.body), options.excerpt);
}

int run_and_say(const std::vector<std::string_view>& words) noexcept {
  try {
    return run(words);
  } catch (const UsageError& error) {
    (void)std::fprintf(stderr, "guardctl: %s\nTry \"guardctl inspect --help\".\n", error.what());
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "guardctl: %s\n", error.what());
  }
  return kError;
}

}  // namespace

}  // namespace guard::cli

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return guard::cli::run_and_say(words);
}
