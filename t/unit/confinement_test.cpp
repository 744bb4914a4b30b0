// Which values a schema has confined to what can hold no attack.
#include "json/confinement.h"

#include "schema_unit.h"

namespace json = guard::json;
namespace core = guard::core;
using guard::unit::compile;
using guard::unit::expect_text;
using guard::unit::loose_limits;

namespace {

// The values that are, by their pointers. The document must be valid.
std::string confined(std::string_view schema, std::string_view text,
                     const json::CompileOptions& options = {}) {
  json::SchemaRegistry registry(nullptr);
  auto file = std::make_shared<const json::SchemaFile>("s.json", std::string(schema));
  const auto compiled = json::compile_schema(
      registry, registry.add(file, 0, "file:///s.json", json::kLatestDraft), options);
  const auto parser = std::make_unique<core::JsonParser>();
  const core::JsonDocument* document = parser->parse(text, loose_limits());
  assert_non_null(document);
  const auto evaluator = std::make_unique<json::SchemaEvaluator>();
  assert_true(evaluator->evaluate(compiled.program, *document, 0, 0) == json::SchemaVerdict::valid);
  std::vector<std::uint64_t> bits(document->nodes().size() / 64 + 1);
  json::mark_confined(compiled.program, compiled.program.root, *document, bits);
  std::string found;
  for (std::uint32_t i = 0; i < document->nodes().size(); ++i) {
    if ((bits[i / 64] >> i % 64 & 1U) == 0) continue;
    std::array<char, 1000> pointer;
    const std::size_t size = core::write_json_pointer(*document, i, pointer.data(), pointer.size());
    found.append(found.empty() ? "" : " ").append(pointer.data(), size);
  }
  return found;
}

void types_enumerations_and_formats_confine(void**) {
  constexpr std::string_view kSchema = R"({"type":"object","properties":{
      "n":{"type":"number"},"i":{"type":["integer","null"]},"b":{"type":"boolean"},
      "e":{"enum":["<script>",1]},"c":{"const":"x"},
      "d":{"type":"string","format":"date"},"u":{"format":"uuid"},"m":{"format":"email"},
      "s":{"type":"string","maxLength":9},"any":true,"ns":{"type":["number","string"]}}})";
  constexpr std::string_view kBody = R"({"n":1.5,"i":null,"b":true,"e":"<script>","c":"x",
      "d":"2026-02-28","u":"00000000-0000-0000-0000-000000000000","m":"a@b.example",
      "s":"x","any":7,"ns":8,"other":9})";
  expect_text(confined(kSchema, kBody), "/n /i /b /e /c /d /u");
  json::CompileOptions annotate;
  annotate.assert_formats = false;
  expect_text(confined(kSchema, kBody, annotate), "/n /i /b /e /c");
}

void schemas_lie_inside_each_other(void**) {
  expect_text(confined(R"({"properties":{"a":{"items":{"$ref":"#/$defs/id"}},
      "t":{"prefixItems":[{"type":"string"},{"$ref":"#/$defs/id"}],"items":{"type":"boolean"}}},
      "additionalProperties":{"type":"null"},"$defs":{"id":{"type":"integer"}}})",
                       R"({"a":[1,2],"t":["s",3,true],"z":null})"),
              "/a/0 /a/1 /t/1 /t/2 /z");
  expect_text(confined(R"({"allOf":[{"properties":{"a":{"type":"integer"}}},
      {"properties":{"b":{"enum":["x"]}}}]})",
                       R"({"a":1,"b":"x"})"),
              "/a /b");
  // With names by patterns, who is an additional one is not asked again.
  expect_text(confined(R"({"patternProperties":{"^x":{"type":"string"}},
      "additionalProperties":{"type":"integer"}})",
                       R"({"x":"y","n":1})"),
              "");
  expect_text(confined(R"({"$ref":"#/$defs/n","$defs":{"n":{"properties":{
      "next":{"$ref":"#/$defs/n"},"id":{"type":"integer"}}}}})",
                       R"({"id":1,"next":{"id":2,"next":{"id":3,"x":"y"}}})"),
              "/id /next/id /next/next/id");
}

// What holds only sometimes does not count, even where it holds here.
void alternatives_and_conditions_do_not_confine(void**) {
  constexpr std::string_view kBody = R"({"a":1})";
  for (const std::string_view schema :
       {R"({"anyOf":[{"properties":{"a":{"type":"integer"}}}]})",
        R"({"oneOf":[{"properties":{"a":{"type":"integer"}}},{"required":["b"]}]})",
        R"({"if":{"required":["a"]},"then":{"properties":{"a":{"type":"integer"}}}})",
        R"({"not":{"properties":{"a":{"type":"string"}}}})",
        R"({"dependentSchemas":{"a":{"properties":{"a":{"type":"integer"}}}}})",
        R"({"properties":{"a":{"anyOf":[{"type":"integer"},{"type":"string"}]}}})"}) {
    expect_text(confined(schema, kBody), "");
  }
}

void every_one_of_repeated_members_is_marked(void**) {
  expect_text(confined(R"({"properties":{"a":{"type":"integer"}}})", R"({"a":1,"a":2})"), "/a /a");
}

// 2^30 visits, if each were made.
void work_is_bounded(void**) {
  std::string schema = R"({"$ref":"#/$defs/0","$defs":{"30":{"type":"integer"})";
  for (int i = 0; i < 30; ++i) {
    const std::string next = R"({"$ref":"#/$defs/)" + std::to_string(i + 1) + R"("})";
    schema += ",\"" + std::to_string(i) + R"(":{"allOf":[)" + next + "," + next + "]}";
  }
  schema += "}}";
  json::SchemaRegistry registry(nullptr);
  auto file = std::make_shared<const json::SchemaFile>("s.json", schema);
  const auto compiled = json::compile_schema(
      registry, registry.add(file, 0, "file:///s.json", json::kLatestDraft), {});
  const auto parser = std::make_unique<core::JsonParser>();
  const core::JsonDocument* document = parser->parse("7", loose_limits());
  assert_non_null(document);
  std::array<std::uint64_t, 1> bits{};
  json::mark_confined(compiled.program, compiled.program.root, *document, bits);
  assert_true(bits[0] == 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(types_enumerations_and_formats_confine),
      cmocka_unit_test(schemas_lie_inside_each_other),
      cmocka_unit_test(alternatives_and_conditions_do_not_confine),
      cmocka_unit_test(every_one_of_repeated_members_is_marked),
      cmocka_unit_test(work_is_bounded),
  };
  return cmocka_run_group_tests_name("confinement", tests, nullptr, nullptr);
}
