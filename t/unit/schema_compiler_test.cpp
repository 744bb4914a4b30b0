#include "json/schema_compiler.h"

#include <string>
#include <vector>

#include "schema_unit.h"
#include "unit.h"

using guard::json::Draft;
using guard::unit::compile;
using guard::unit::error_of;
using guard::unit::expect_text;
using guard::unit::Judge;

namespace {

struct Case {
  std::string_view schema;
  std::string_view said;
  Draft draft = guard::json::kLatestDraft;
};

std::string warnings_of(std::string_view schema, Draft draft) {
  std::string all;
  for (const std::string& warning : compile(schema, draft).warnings) {
    all.append(all.empty() ? "" : "; ").append(warning);
  }
  return all;
}

void errors(void**) {
  const Case cases[] = {
      {"{",
       R"("s.json" is not JSON: the body ends before its JSON value does at line 1, column 2)"},
      {"1", R"("s.json" at "": a schema must be an object or a boolean)"},
      {R"({"properties":{"a":{"type":"strnig"}}})",
       R"("s.json" at "/properties/a/type": must be one of "array", "boolean", "integer", "null", "number", "object", "string" ("enum" of "https://json-schema.org/draft/2020-12/schema"))"},
      {R"({"properties":{"a":{"minLength":-1}}})",
       R"("s.json" at "/properties/a/minLength": must be at least 0 ("minimum" of "https://json-schema.org/draft/2020-12/schema"))"},
      {R"({"required":["a","a"]})",
       R"("s.json" at "/required": must not have equal elements ("uniqueItems" of "https://json-schema.org/draft/2020-12/schema"))"},
      {R"({"items":[{}]})",
       R"("s.json" at "/items": must be an object or a boolean ("type" of "https://json-schema.org/draft/2020-12/schema"))"},
      {R"({"exclusiveMinimum":true})",
       R"("s.json" at "/exclusiveMinimum": must be a number ("type" of "https://json-schema.org/draft/2020-12/schema"))"},
      {R"({"exclusiveMinimum":true})",
       R"("s.json" at "": must have the member "minimum" beside the member "exclusiveMinimum" ("dependencies" of "http://json-schema.org/draft-04/schema"))",
       Draft::draft4},
      {R"({"$schema":"http://json-schema.org/draft-08/schema#"})",
       R"("s.json" at "": unknown "$schema" "http://json-schema.org/draft-08/schema#"; known are the drafts 4, 6, 7, 2019-09 and 2020-12, such as "https://json-schema.org/draft/2020-12/schema")"},
      {R"({"$schema":"http://json-schema.org/draft-07/schema#","items":{"type":1}})",
       R"("s.json" at "/items/type": must be one of "array", "boolean", "integer", "null", "number", "object", "string" ("enum" of "http://json-schema.org/draft-07/schema#"))"},
      {R"({"$ref":"#/$defs/none"})",
       R"("s.json" at "/$ref": a reference to no known schema, "#/$defs/none")"},
      {R"({"$ref":"other.json"})",
       R"("s.json" at "/$ref": a reference to no known schema, "other.json")"},
      {R"({"$ref":"#none"})", R"("s.json" at "/$ref": a reference to no known schema, "#none")"},
      {R"({"$ref":"#/a~2"})", R"("s.json" at "/$ref": a reference to no known schema, "#/a~2")"},
      {R"({"$ref":"#/required","required":["a"]})",
       R"("s.json" at "/required": a schema must be an object or a boolean)"},
      {R"({"$dynamicRef":"#none"})",
       R"("s.json" at "/$dynamicRef": a reference to no known schema, "#none")"},
      {R"({"$ref":"#"})",
       R"("s.json" at "": a schema that applies itself to the same value, without end)"},
      {R"({"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"not":{"$ref":"#/$defs/a"}}}})",
       R"("s.json" at "/$defs/a": a schema that applies itself to the same value, without end)"},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}})",
       R"("s.json" at "/$defs/a": a schema that applies itself to the same value, without end)"},
      {R"({"properties":{"a":{"pattern":"a{2,1}"}}})",
       R"("s.json" at "/properties/a/pattern": a quantifier whose numbers are out of order at byte 1 of the pattern)"},
      {R"({"patternProperties":{"(":{}}})",
       R"("s.json" at "/patternProperties/(": a group that is not closed at byte 1 of the pattern)"},
      {R"({"multipleOf":1.0000000000000000001})",
       R"("s.json" at "/multipleOf": a "multipleOf" of more than 18 digits)"},
      {R"({"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}})",
       R"("s.json" at "/$defs/b": the anchor "x" belongs to another schema)"},
      {R"({"$defs":{"a":{"$anchor":"x"},"b":{"$dynamicAnchor":"x"}}})",
       R"("s.json" at "/$defs/b": the anchor "x" belongs to another schema)"},
      {R"({"$defs":{"a":{"$id":"http://x/y"},"b":{"$id":"http://x/y"}}})",
       R"("s.json" at "/$defs/b": the URI "http://x/y" belongs to another schema, in "s.json")"},
      {R"({"$id":"http://x/y","$defs":{"a":{"$id":"y"}}})",
       R"("s.json" at "/$defs/a": the URI "http://x/y" belongs to another schema, in "s.json")"},
  };
  for (const Case& one : cases) {
    const std::string before = std::string(one.schema) + " ";
    const std::string error = error_of([&] { compile(one.schema, one.draft); });
    expect_text(before + error, before + std::string(one.said));
  }
}

void warnings(void**) {
  const Case cases[] = {
      {R"({"type":"string"})", ""},
      {"false", ""},
      {R"({"type":"object","x-note":1,"minLenght":2,"properties":{"a":{"reqired":[]}}})",
       R"("s.json" at "/minLenght": unknown keyword "minLenght"; "s.json" at "/properties/a/reqired": unknown keyword "reqired")"},
      {R"({"type":"array","prefixItems":[]})",
       R"("s.json" at "/prefixItems": unknown keyword "prefixItems")", Draft::draft7},
      {R"({"type":"string","format":"colour"})",
       R"("s.json" at "/format": unknown format "colour")"},
      {"true", R"("s.json" at "": the schema accepts everything)"},
      {"{}", R"("s.json" at "": the schema accepts everything)"},
      {R"({"title":"a","$comment":"b","$defs":{"a":{"type":"string"}}})",
       R"("s.json" at "": the schema accepts everything)"},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{}}})",
       R"("s.json" at "": the schema accepts everything)"},
      // Beside a "$ref" nothing counted before 2019-09.
      {R"({"properties":{"a":{"$ref":"#/definitions/s","maxLength":3,"title":"t"},
           "b":{"$ref":"#/definitions/s","description":"d"},"c":{"$ref":"#/properties/a"}},
           "definitions":{"s":{"type":"string"}}})",
       R"("s.json" at "/properties/a/maxLength": draft 7 ignores "maxLength" beside "$ref"; write both into "allOf")",
       Draft::draft7},
      {R"({"allOf":[{"$ref":"#/definitions/s","enum":["a"],"format":"email","colour":1}],
           "definitions":{"s":{"type":"string"}}})",
       R"("s.json" at "/allOf/0/enum": draft 4 ignores "enum" beside "$ref"; write both into "allOf"; "s.json" at "/allOf/0/format": draft 4 ignores "format" beside "$ref"; write both into "allOf")",
       Draft::draft4},
      {R"({"$schema":"http://json-schema.org/draft-06/schema#","$ref":"#/definitions/s",
           "required":["a"],"definitions":{"s":{"type":"object"}}})",
       R"("s.json" at "/required": draft 6 ignores "required" beside "$ref"; write both into "allOf")"},
      {R"({"$ref":"#/$defs/s","maxLength":3,"$defs":{"s":{"type":"string"}}})", ""},
      {R"({"$ref":"#/$defs/s","maxLength":3,"$defs":{"s":{"type":"string"}}})", "",
       Draft::draft2019_09},
  };
  for (const Case& one : cases) {
    const std::string before = std::string(one.schema) + " ";
    expect_text(before + warnings_of(one.schema, one.draft), before + std::string(one.said));
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(errors),
      cmocka_unit_test(warnings),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
