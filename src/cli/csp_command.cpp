#include "cli/csp_command.h"

#include <cstdio>
#include <string>
#include <vector>

#include "cli/html_inline.h"
#include "cli/printable.h"
#include "cli/text_file.h"
#include "core/words.h"
#include "headers/csp_policy.h"

namespace guard::cli {

namespace {

// The words without the one option that there is; whether it was there.
bool take_option(std::vector<std::string_view>& words, std::string_view option) {
  bool there = false;
  std::erase_if(words, [&](std::string_view word) {
    if (!word.starts_with("--")) return false;
    if (word != option) throw UsageError("unknown option \"" + std::string(word) + "\" of \"csp\"");
    there = true;
    return true;
  });
  return there;
}

int run_hash(std::vector<std::string_view> words) {
  const bool is_text = take_option(words, "--text");
  if (words.size() != 1) throw UsageError("\"csp hash\" needs the file of a page");
  std::string text;
  if (!read_text(words[0], text)) return kFailed;
  if (is_text) {
    std::printf("%s\n", csp_hash(text).c_str());
    return kDone;
  }
  const std::vector<InlineBlock> blocks = inline_blocks(text);
  for (const InlineBlock& block : blocks) {
    const char* directive = block.script ? "script-src" : "style-src";
    std::printf("%s %s line %zu", directive, csp_hash(block.text).c_str(), block.line);
    if (!block.attribute.empty()) {
      std::printf(", attribute \"%s\", needs 'unsafe-hashes'", printable(block.attribute).c_str());
    }
    std::printf("\n");
    // What the parser puts there for control characters too, which browsers keep.
    if (block.text.find("\xef\xbf\xbd") == std::string::npos) continue;
    (void)std::fprintf(stderr,
                       "guardctl: warning: line %zu has control characters or what is not UTF-8, "
                       "browsers may have another hash\n",
                       block.line);
  }
  if (!blocks.empty()) return kDone;
  (void)std::fprintf(
      stderr,
      "guardctl: no inline script or style in \"%s\"; is it the text of one, without "
      "its tags? then add \"--text\"\n",
      printable(words[0]).c_str());
  return kFailed;
}

int run_check(std::vector<std::string_view> words) {
  const bool report_only = take_option(words, "--report-only");
  if (words.empty()) throw UsageError("\"csp check\" needs a policy");
  if (words.size() > 1) {
    throw UsageError("unexpected word \"" + printable(words[1], 200) +
                     "\", the policy is one word: put it into quotes");
  }
  std::string text(words[0]);
  if (text == "-" && !read_text("-", text)) return kFailed;
  headers::CspChoice choice;
  try {
    std::vector<std::string_view> list = {"guard_csp", text};
    if (report_only) list.emplace_back("report_only");
    core::Words parsed(list);
    headers::parse_csp_directive(parsed, choice);
  } catch (const core::ConfigError& error) {
    (void)std::fprintf(stderr, "guardctl: %s\n", printable(error.what()).c_str());
    return kMisused;
  }
  if (choice.off) throw UsageError("\"off\" is no policy");
  const std::vector<std::string> warnings = headers::warnings_of(choice.rules.front());
  for (const std::string& warning : warnings) std::printf("%s\n", printable(warning).c_str());
  return warnings.empty() ? kDone : kFailed;
}

}  // namespace

int run_csp(std::span<const std::string_view> words) {
  if (words.empty()) throw UsageError("\"csp\" needs \"hash\" or \"check\"");
  std::vector<std::string_view> rest(words.begin() + 1, words.end());
  if (words.front() == "hash") return run_hash(std::move(rest));
  if (words.front() == "check") return run_check(std::move(rest));
  throw UsageError("unknown command \"csp " + std::string(words.front()) +
                   "\", \"hash\" or \"check\" is expected");
}

}  // namespace guard::cli
