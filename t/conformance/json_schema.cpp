// Runs the official JSON-Schema-Test-Suite: SUITE/tests/DRAFT/**.json, with SUITE/remotes as what
// lies at http://localhost:1234/. Prints what passed for each draft, and fails if a required test
// does, or an optional one that no list below excuses.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/words.h"
#include "json/schema_compiler.h"
#include "json/schema_evaluator.h"
#include "json/schema_files.h"

namespace {

using namespace guard;
using core::JsonDocument;
using core::JsonNode;
namespace fs = std::filesystem;

constexpr std::string_view kExcused[] = {
    // Draft 7 leaves it open whether they are more than annotations, and later drafts do not.
    "draft7/optional/content.json",
};

struct Score {
  int passed = 0;
  int failed = 0;
  int excused = 0;
};

const JsonNode& member(const JsonDocument& document, const JsonNode& object,
                       std::string_view name) {
  const JsonNode* node = document.member(object, name, core::json_key_hash(name));
  if (node == nullptr) core::fail("no member ", name);
  return *node;
}

class Suite {
 public:
  explicit Suite(fs::path root) : root_(std::move(root)) {
    files_.add((root_ / "remotes").string(), "http://localhost:1234/");
  }

  bool run(std::string_view directory, json::Draft draft) {
    const fs::path tests = root_ / "tests" / directory;
    Score required;
    Score optional;
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(tests)) {
      if (entry.path().extension() == ".json") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const fs::path& path : paths) {
      const std::string name = path.lexically_relative(tests).string();
      // Formats are annotations in the required tests, as the drafts have it, and asserted in
      // these.
      const bool formats = name.starts_with("optional/");
      run_file(path, std::string(directory) + "/" + name, draft, formats,
               name.starts_with("optional/") ? optional : required);
    }
    std::printf(
        "%-14s required %4d passed %3d failed   optional %4d passed %3d failed %3d excused\n",
        std::string(directory).c_str(), required.passed, required.failed, optional.passed,
        optional.failed, optional.excused);
    return required.failed == 0 && optional.failed == 0 && required.passed > 0;
  }

 private:
  void run_file(const fs::path& path, const std::string& name, json::Draft draft, bool formats,
                Score& score) {
    const auto file = files_.read(path.string());
    const JsonDocument& document = file->document();
    for (std::uint32_t group = 1; group < document.root().next; group = document[group].next) {
      run_group(file, group, name, draft, formats, score);
    }
  }

  void run_group(const std::shared_ptr<const json::SchemaFile>& file, std::uint32_t group,
                 const std::string& name, json::Draft draft, bool formats, Score& score) {
    const JsonDocument& document = file->document();
    const JsonNode& node = document[group];
    const JsonNode& schema = member(document, node, "schema");
    json::CompiledSchema compiled;
    std::string problem;
    try {
      json::SchemaRegistry registry([this](const std::string& uri) { return files_.find(uri); });
      const json::SchemaPlace root = registry.add(file, document.index_of(schema), "", draft);
      compiled = json::compile_schema(registry, root, {formats});
    } catch (const core::ConfigError& error) {
      problem = error.what();
    }
    const JsonNode& tests = member(document, node, "tests");
    for (std::uint32_t i = document.index_of(tests) + 1; i < tests.next; i = document[i].next) {
      const JsonNode& data = member(document, document[i], "data");
      const bool expected = member(document, document[i], "valid").is_true();
      std::string_view result = "no program";
      if (problem.empty()) {
        const json::SchemaVerdict verdict =
            evaluator_.evaluate(compiled.program, document, document.index_of(data), 10);
        constexpr std::string_view kNames[] = {"valid", "invalid", "pattern_limit", "limit",
                                               "memory"};
        result = kNames[static_cast<std::size_t>(verdict)];
      }
      if (result == (expected ? "valid" : "invalid")) {
        ++score.passed;
        continue;
      }
      const bool excused =
          std::find(std::begin(kExcused), std::end(kExcused), name) != std::end(kExcused);
      ++(excused ? score.excused : score.failed);
      if (excused) continue;
      std::printf("FAILED %s: %s: %s: %s %s\n", name.c_str(),
                  std::string(document.text(member(document, node, "description"))).c_str(),
                  std::string(document.text(member(document, document[i], "description"))).c_str(),
                  std::string(result).c_str(), problem.c_str());
    }
  }

  fs::path root_;
  json::SchemaFiles files_;
  json::SchemaEvaluator evaluator_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    (void)std::fprintf(stderr, "usage: json_schema SUITE\n");
    return 2;
  }
  try {
    Suite suite(argv[1]);
    bool passed = suite.run("draft4", json::Draft::draft4);
    passed &= suite.run("draft6", json::Draft::draft6);
    passed &= suite.run("draft7", json::Draft::draft7);
    passed &= suite.run("draft2019-09", json::Draft::draft2019_09);
    passed &= suite.run("draft2020-12", json::Draft::draft2020_12);
    return passed ? 0 : 1;
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "json_schema: %s\n", error.what());
    return 2;
  }
}
