#include "json/schema_files.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "json/schema_compiler.h"
#include "json/schema_evaluator.h"
#include "unit.h"

namespace fs = std::filesystem;
using namespace guard::json;
using guard::unit::error_of;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

// A directory of its own for each test.
class Directory {
 public:
  Directory() {
    std::string name = "/tmp/schema_files_XXXXXX";
    assert_non_null(mkdtemp(name.data()));
    path_ = name;
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string operator/(std::string_view name) const { return path_ / name; }
  const std::string path() const { return path_; }

  void write(std::string_view name, std::string_view text) const {
    const fs::path path = path_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

 private:
  fs::path path_;
};

// "valid" or "invalid", or the ConfigError of schema, a file.
std::string judge(SchemaFiles& files, const std::string& schema, const std::string& document) {
  std::string result;
  const std::string error = error_of([&] {
    SchemaRegistry registry([&](const std::string& uri) { return files.find(uri); });
    const SchemaPlace root =
        registry.add(files.read(schema), 0, SchemaFiles::uri_of(schema), kLatestDraft);
    const CompiledSchema compiled = compile_schema(registry, root, {});
    const SchemaFile text("document", document);
    SchemaEvaluator evaluator;
    const auto verdict = evaluator.evaluate(compiled.program, text.document(), 0, 0);
    result = verdict == SchemaVerdict::valid ? "valid" : "invalid";
  });
  return result.empty() ? error : result;
}

void siblings(void**) {
  const Directory at;
  at.write("a b.json", R"({"properties":{"x":{"$ref":"sub/c.json#/$defs/n"}}})");
  at.write("sub/c.json", R"({"$defs":{"n":{"$ref":"../d%25.json#top"}}})");
  at.write("d%.json", R"({"items":{"$anchor":"top","type":"null"}})");
  SchemaFiles files;
  expect_text(judge(files, at / "a b.json", R"({"x":null})"), "valid");
  expect_text(judge(files, at / "a b.json", R"({"x":1})"), "invalid");
}

void directories(void**) {
  const Directory at;
  at.write("refs/deep/one.json", R"({"type":"null"})");
  at.write("refs/two.json", R"({"$id":"urn:two","type":"string"})");
  at.write("refs/three.json", R"({"$id":"https://other.example/3","$ref":"4"})");
  at.write("refs/four.json", R"({"$id":"https://other.example/4","type":"boolean"})");
  at.write("refs/five.json", R"({"$id":"relative","type":"array"})");
  at.write("refs/notes.txt", "not JSON");
  const auto reference = [&](const std::string& base, std::string_view to) {
    SchemaFiles files;
    files.add(at / "refs", base);
    at.write("s.json", std::string(R"({"$ref":")").append(to).append(R"("})"));
    std::string result;
    for (const char* document : {"null", R"("a")", "true", "[]"}) {
      const std::string said = judge(files, at / "s.json", document);
      if (said != "valid" && said != "invalid") return said;
      if (said == "valid") result += document;
    }
    return result;
  };
  const std::string base = "https://example.com/schemas";
  expect_text(reference(base, "https://example.com/schemas/deep/one.json"), "null");
  expect_text(reference(base + "/", "https://example.com/schemas/deep/one.json"), "null");
  expect_text(reference(base, "https://example.com/schemas/two.json"), R"("a")");
  expect_text(reference(base, "urn:two"), R"("a")");
  expect_text(reference(base, "https://other.example/3"), "true");
  expect_text(reference(base, "https://example.com/schemas/five.json"), "[]");
  expect_text(reference("", "refs/deep/one.json"), "null");
  const std::string in_s = '"' + (at / "s.json") + R"(" at "/$ref": )";
  expect_text(reference(base, "https://example.com/schemas/six.json"),
              in_s + R"(a reference to no known schema, "https://example.com/schemas/six.json")");
}

void mistakes(void**) {
  const Directory at;
  SchemaFiles files;
  expect_error([&] { files.read(at / "none.json"); },
               "cannot read \"" + (at / "none.json") + "\": No such file or directory");
  expect_error([&] { files.read(at.path()); }, "cannot read \"" + at.path() + "\": Is a directory");
  expect_error([&] { files.add(at / "none", ""); },
               "cannot read the directory \"" + (at / "none") + "\": No such file or directory");
  at.write("bad.json", "{\"a\":\n  nul}");
  expect_error([&] { files.read(at / "bad.json"); },
               '"' + (at / "bad.json") + "\" is not JSON: invalid literal at line 2, column 3");
  at.write("refers.json", R"({"$ref":"bad.json"})");
  expect_text(judge(files, at / "refers.json", "1"),
              '"' + (at / "bad.json") + "\" is not JSON: invalid literal at line 2, column 3");
}

// A metaschema is a schema, and may be its own.
void metaschemas(void**) {
  const Directory at;
  const std::string words =
      R"("$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/core":true,
      "https://json-schema.org/draft/2020-12/vocab/validation":true},)";
  at.write("meta.json", R"({"$schema":"https://json-schema.org/draft/2020-12/schema",
      "$id":"https://example.com/meta",)" +
                            words + R"("properties":{"type":{"const":"null"}}})");
  at.write("own.json", R"({"$schema":"https://example.com/own","$id":"https://example.com/own",)" +
                           words + R"("type":"object"})");
  at.write("ping.json",
           R"({"$schema":"https://example.com/pong","$id":"https://example.com/ping"})");
  at.write("pong.json",
           R"({"$schema":"https://example.com/ping","$id":"https://example.com/pong"})");
  SchemaFiles files;
  files.add(at.path(), "");
  int count = 0;
  const auto with = [&](std::string_view metaschema, std::string_view rest) {
    const std::string path = at / std::to_string(++count).append(".json");
    std::ofstream(path) << R"({"$schema":"https://example.com/)" << metaschema << "\"," << rest
                        << "}";
    return judge(files, path, "[1]");
  };
  expect_text(with("meta", R"("type":"null")"), "invalid");
  // Applicators are not of its vocabularies.
  expect_text(with("meta", R"("items":{"type":"null"})"), "valid");
  expect_text(with("own", R"("type":"null","items":false)"), "invalid");
  expect_text(with("ping", R"("type":"null","items":false)"), "invalid");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(siblings),
      cmocka_unit_test(directories),
      cmocka_unit_test(mistakes),
      cmocka_unit_test(metaschemas),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
