// What a schema wants of values that come as text.
#include "json/coercion.h"

#include "schema_unit.h"

namespace json = guard::json;
namespace core = guard::core;
using guard::unit::compile;
using guard::unit::expect_text;

namespace {

std::string names_of(json::TypeSet types) {
  constexpr std::array<std::string_view, 6> kNames = {"null",   "boolean", "number",
                                                      "string", "array",   "object"};
  if (types == json::kAnyText) return "all";
  std::string text;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if ((types >> i & 1U) == 0) continue;
    text.append(text.empty() ? "" : " ").append(kNames[i]);
  }
  assert_int_equal(types >> (kNames.size() + 1), 0);
  return text.empty() ? "none" : text;
}

std::string types_of(std::string_view schema, json::Draft draft = json::kLatestDraft) {
  const json::CompiledSchema compiled = compile(schema, draft);
  return names_of(json::admitted_types(compiled.program, compiled.program.root));
}

std::string member(std::string_view schema, std::string_view name) {
  const json::CompiledSchema compiled = compile(schema);
  const json::Coercion found =
      json::CoercionTable(compiled.program, compiled.program.root).find(name);
  std::string text = names_of(found.types);
  if (found.may_repeat()) text.append(" of ").append(names_of(found.elements));
  return text;
}

void types_are_those_of_all_that_holds(void**) {
  expect_text(types_of("{}"), "all");
  expect_text(types_of("true"), "all");
  expect_text(types_of("false"), "none");
  expect_text(types_of(R"({"type":"integer"})"), "number");
  expect_text(types_of(R"({"type":"integer"})", json::Draft::draft4), "number");
  expect_text(types_of(R"({"type":["integer","null","array"]})"), "null number array");
  expect_text(types_of(R"({"enum":["a",1,null,true]})"), "null boolean number string");
  expect_text(types_of(R"({"enum":[[1],{}]})"), "array object");
  expect_text(types_of(R"({"const":5})"), "number");
  expect_text(types_of(R"({"type":["string","integer"],"enum":[1,2,null]})"), "number");
  expect_text(types_of(R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"boolean"}}})"), "boolean");
  expect_text(types_of(R"({"$ref":"#/$defs/a","maximum":3,"$defs":{"a":{"$ref":"#/$defs/b",
      "minimum":1},"b":{"$id":"http://b/","type":"integer"}}})"),
              "number");
  expect_text(types_of(R"({"allOf":[{"type":["integer","string"]},{"type":["number","null"]}]})"),
              "number");
  expect_text(types_of(R"({"anyOf":[{"type":"integer"},{"const":null}]})"), "null number");
  expect_text(types_of(R"({"oneOf":[{"type":"integer"},{"maxLength":3}]})"), "all");
  expect_text(types_of(R"({"not":{"type":"string"}})"), "all");
  expect_text(types_of(R"({"if":{"type":"string"},"then":{"type":"string"},"else":false})"), "all");
}

void members_are_known_by_properties(void**) {
  expect_text(member(R"({"properties":{"a":{"type":"integer"}}})", "a"), "number");
  expect_text(member(R"({"properties":{"a":true}})", "a"), "all of all");
  // Nothing else is known by its name.
  expect_text(member(R"({"properties":{"a":{"type":"integer"}}})", "b"), "string");
  expect_text(member(R"({"patternProperties":{"^a":{"type":"integer"}}})", "a"), "string");
  expect_text(member(R"({"additionalProperties":{"type":"integer"}})", "a"), "string");
  expect_text(member(R"({"required":["a"]})", "a"), "string");
  expect_text(member("false", "a"), "string");
  // What the schema refers to, or is put together from.
  expect_text(member(R"({"$ref":"#/$defs/x","minProperties":1,
      "$defs":{"x":{"properties":{"a":{"type":"integer"}}}}})",
                     "a"),
              "number");
  expect_text(member(R"({"properties":{"a":{"type":["integer","string"]}},
      "allOf":[{"properties":{"a":{"type":["integer","null"]}}}]})",
                     "a"),
              "number");
  // Of alternatives that name it, any.
  constexpr std::string_view kEither = R"({"oneOf":[
      {"properties":{"kind":{"const":"a"},"n":{"type":"integer"},"m":{"type":"integer"}}},
      {"properties":{"kind":{"const":"b"},"m":{"type":"boolean"}}}]})";
  expect_text(member(kEither, "kind"), "string");
  expect_text(member(kEither, "n"), "number");
  expect_text(member(kEither, "m"), "boolean number");
  expect_text(member(R"({"if":{"required":["x"]},"then":{"properties":{"n":{"type":"integer"}}},
      "else":{"properties":{"n":{"type":"null"}}}})",
                     "n"),
              "null number");
  expect_text(member(R"({"dependentSchemas":{"x":{"properties":{"n":{"type":"null"}}}}})", "n"),
              "null");
}

void arrays_have_elements(void**) {
  expect_text(member(R"({"properties":{"a":{"type":"array","items":{"type":"integer"}}}})", "a"),
              "array of number");
  expect_text(member(R"({"properties":{"a":{"type":"array"}}})", "a"), "array of all");
  expect_text(
      member(R"({"properties":{"a":{"type":["array","string"],"items":{"enum":["x"]}}}})", "a"),
      "string array of string");
  expect_text(member(R"({"properties":{"a":{"type":"array","prefixItems":[{"type":"integer"}],
      "items":{"type":"null"}}}})",
                     "a"),
              "array of null number");
  expect_text(member(R"({"properties":{"a":{"$ref":"#/$defs/l","maxItems":3}},
      "$defs":{"l":{"type":"array","items":{"type":"boolean"}}}})",
                     "a"),
              "array of boolean");
  expect_text(member(R"({"properties":{"a":{"anyOf":[{"type":"integer"},
      {"type":"array","items":{"type":"integer"}}]}}})",
                     "a"),
              "number array of number");
}

void schemas_may_nest_deeply(void**) {
  std::string schema = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < 3000; ++i) {
    const std::string n = std::to_string(i);
    schema.append("\"d" + n + R"(":{"minProperties":1,"$ref":"#/$defs/d)" + std::to_string(i + 1) +
                  "\"},");
  }
  schema.append(R"("d3000":{"type":"object","properties":{"a":{"type":"integer"}}}}})");
  expect_text(member(schema, "a"), "string");
  expect_text(types_of(schema), "all");
}

void texts_become_tokens(void**) {
  const auto type = [](std::string_view schema, std::string_view text) {
    const json::CompiledSchema compiled = compile(schema);
    const json::TypeSet types = json::admitted_types(compiled.program, compiled.program.root);
    return names_of(json::type_bit(json::coerced_type(types, text)));
  };
  constexpr std::string_view kInteger = R"({"type":"integer"})";
  for (const char* text : {"0", "-1", "12", "1.5", "123456789012345678901234567890"}) {
    expect_text(type(kInteger, text), "number");
    expect_text(type(R"({"type":["integer","string"]})", text), "string");
    expect_text(type("{}", text), "string");
    expect_text(type(R"({"type":["boolean","null"]})", text), "string");
  }
  for (const char* text : {"", " 1", "1 ", "01", "+1", "0x1", ".5", "5.", "1e", "NaN", "-", "1,5",
                           "true", "null", "\xD9\xA1", "1e3", "100e-2", "1.5E1"}) {
    expect_text(type(kInteger, text), "string");
  }
  for (const char* whole :
       {R"({"type":"integer"})", R"({"enum":[1,100]})", R"({"const":1e2})",
        R"({"allOf":[{"type":["number","null"]},{"type":["integer","boolean"]}]})",
        R"({"anyOf":[{"type":"integer"},{"type":"null"}]})"}) {
    expect_text(type(whole, "100e-2"), "string");
    expect_text(type(whole, "100"), "number");
  }
  for (const char* any :
       {R"({"type":"number"})", R"({"type":["integer","number"]})", R"({"enum":[1,0.5]})",
        R"({"oneOf":[{"type":"integer"},{"type":"number","maximum":0}]})", R"({"minimum":0,
        "type":["number","boolean"]})"}) {
    expect_text(type(any, "100e-2"), "number");
  }
  expect_text(type(R"({"type":"boolean"})", "true"), "boolean");
  expect_text(type(R"({"type":"boolean"})", "false"), "boolean");
  expect_text(type(R"({"type":"boolean"})", "True"), "boolean");
  expect_text(type(R"({"type":"boolean"})", "False"), "boolean");
  expect_text(type(R"({"type":["boolean","string"]})", "True"), "string");
  expect_text(type(R"({"type":"boolean"})", "TRUE"), "string");
  expect_text(type(R"({"type":"boolean"})", "on"), "string");
  expect_text(type(R"({"type":"boolean"})", "1"), "string");
  expect_text(type(R"({"type":"null"})", "null"), "null");
  expect_text(type(R"({"type":"null"})", ""), "string");
  expect_text(type(R"({"type":"object"})", "{}"), "string");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(types_are_those_of_all_that_holds),
      cmocka_unit_test(members_are_known_by_properties),
      cmocka_unit_test(arrays_have_elements),
      cmocka_unit_test(schemas_may_nest_deeply),
      cmocka_unit_test(texts_become_tokens),
  };
  return cmocka_run_group_tests_name("coercion", tests, nullptr, nullptr);
}
