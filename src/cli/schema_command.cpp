#include "cli/schema_command.h"

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/option.h"
#include "cli/printable.h"
#include "cli/text_file.h"
#include "core/json_parser.h"
#include "core/json_pointer.h"
#include "core/words.h"
#include "json/coercion.h"
#include "json/form.h"
#include "json/policy.h"
#include "json/schema.h"
#include "json/schema_evaluator.h"

namespace guard::cli {

namespace {

// Options are the words of guard_json_schema, with "--" before them: "--draft=7" or "--draft 7".
// files: that of the schema, and those of documents.
json::SchemaPolicy policy_of(std::span<const std::string_view> words,
                             std::vector<std::string_view>& files) {
  constexpr std::array<std::string_view, 5> kOptions = {"--draft", "--formats", "--refs",
                                                        "--errors", "--forms"};
  std::vector<std::string> options;
  while (!words.empty()) {
    if (!words.front().starts_with("--")) {
      files.push_back(words.front());
      words = words.subspan(1);
      continue;
    }
    const Option option = take_option(words, "schema", kOptions);
    options.push_back(std::string(option.name.substr(2)) + "=" + std::string(option.value));
  }
  if (files.empty()) throw UsageError("\"schema\" needs the file of a schema");
  std::vector<std::string_view> list = {"schema", files.front()};
  list.insert(list.end(), options.begin(), options.end());
  core::Words parsed(list);
  return json::parse_schema(parsed);
}

void print(std::string_view name, std::string_view pointer, std::string_view detail,
           std::string_view keyword) {
  std::printf("%s: \"%s\" %s", printable(name).c_str(), printable(pointer).c_str(),
              printable(detail).c_str());
  if (!keyword.empty()) std::printf(" (%s)", std::string(keyword).c_str());
  std::printf("\n");
}

class Desk {
 public:
  explicit Desk(const json::SchemaPolicy& policy)
      : schema_(json::load_schema(policy.source)), errors_(policy.errors), forms_(policy.forms) {
    if (forms_) plan_.emplace(schema_->program, schema_->program.root);
  }

  const std::vector<std::string>& warnings() const { return schema_->warnings; }

  bool check(std::string_view name) {
    std::string text;
    if (!read_text(name, text)) return false;
    const core::JsonDocument* document = parse(text);
    if (document == nullptr) {
      const core::JsonError& error = error_;
      print(name, error.pointer,
            std::string(error.detail) + " at byte " + std::to_string(error.offset), "");
      return false;
    }
    switch (evaluator_->evaluate(schema_->program, *document, 0, errors_)) {
      case json::SchemaVerdict::valid:
        if (const std::uint32_t node = forms_ ? plan_->lookalike(*document) : 0; node != 0) {
          print_at(name, *document, node, json::kLookalike, "");
          return false;
        }
        std::printf("%s: valid\n", printable(name).c_str());
        return true;
      case json::SchemaVerdict::invalid:
        for (const json::SchemaError& error : evaluator_->errors()) {
          print_at(name, *document, error.node, error.detail, json::name_of(error.keyword));
        }
        return false;
      case json::SchemaVerdict::pattern_limit:
        print(name, "", "a pattern would take too long", "");
        return false;
      case json::SchemaVerdict::limit:
        print(name, "", "the schema would take too long", "");
        return false;
      case json::SchemaVerdict::memory:
        break;
    }
    throw std::bad_alloc();
  }

 private:
  static constexpr std::size_t kMaxPointer = 4096;

  static void print_at(std::string_view name, const core::JsonDocument& document,
                       std::uint32_t node, std::string_view detail, std::string_view keyword) {
    std::array<char, kMaxPointer> pointer;
    const std::size_t size =
        core::write_json_pointer(document, node, pointer.data(), pointer.size());
    print(name, {pointer.data(), size}, detail, keyword);
  }

  // Null: error_ says why.
  const core::JsonDocument* parse(std::string_view text) {
    const core::JsonLimits limits = core::widest_json_limits();
    if (forms_) {
      // Editors put one behind the last line.
      if (text.ends_with('\n')) text.remove_suffix(1);
      const auto object = form_->read(text, *plan_, limits, made_);
      error_ = form_->error();
      if (!object) return nullptr;
      text = *object;
    }
    const core::JsonDocument* document = parser_->parse(text, limits);
    if (document == nullptr) error_ = parser_->error();
    return document;
  }

  std::shared_ptr<const json::CompiledSchema> schema_;
  std::size_t errors_;
  bool forms_;
  std::optional<json::FormPlan> plan_;
  std::unique_ptr<json::FormReader> form_ = std::make_unique<json::FormReader>();
  core::Scratch<char> made_;  // of a form
  core::JsonError error_;
  std::unique_ptr<core::JsonParser> parser_ = std::make_unique<core::JsonParser>();
  std::unique_ptr<json::SchemaEvaluator> evaluator_ = std::make_unique<json::SchemaEvaluator>();
};

}  // namespace

int run_schema(std::span<const std::string_view> words) {
  std::unique_ptr<Desk> desk;
  std::vector<std::string_view> files;
  try {
    desk = std::make_unique<Desk>(policy_of(words, files));
  } catch (const core::ConfigError& error) {
    (void)std::fprintf(stderr, "guardctl: %s\n", printable(error.what()).c_str());
    return kMisused;
  }
  for (const std::string& warning : desk->warnings()) {
    (void)std::fprintf(stderr, "guardctl: warning: %s\n", printable(warning).c_str());
  }
  bool valid = true;
  for (const std::string_view name : std::span(files).subspan(1)) valid &= desk->check(name);
  return valid ? kDone : kFailed;
}

}  // namespace guard::cli
