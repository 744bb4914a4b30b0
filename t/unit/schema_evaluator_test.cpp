#include "json/schema_evaluator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "schema_unit.h"
#include "unit.h"

using guard::json::Draft;
using guard::json::SchemaEvaluator;
using guard::json::SchemaVerdict;
using guard::unit::expect_text;
using guard::unit::Judge;

namespace {

struct Case {
  std::string_view schema;
  std::string_view document;
  std::string_view said;  // each error: pointer, keyword, detail
  Draft draft = guard::json::kLatestDraft;
};

void each_keyword(void**) {
  const Case cases[] = {
      {"true", "1", "valid"},
      {"false", "1", " $schema: must match the schema"},
      {R"({"type":"string"})", "1", " type: must be a string"},
      {R"({"type":["null","integer","array"]})", "1.5",
       " type: must be null, an integer or an array"},
      {R"({"type":"integer"})", "1.0", "valid"},
      {R"({"type":"integer"})", "1.0", " type: must be an integer", Draft::draft4},
      {R"({"minLength":2})", R"("é")", " minLength: must have at least 2 characters"},
      {R"({"maxLength":1})", R"("éé")", " maxLength: must have at most 1 character"},
      {R"({"maxLength":2})", R"("😀😀")", "valid"},
      {R"({"minLength":11,"maxLength":11})", R"("éaé😀bcdéfé€")", "valid"},
      {R"({"maxLength":10})", R"("éaé😀bcdéfé€")", " maxLength: must have at most 10 characters"},
      {R"({"minLength":12})", R"("éaé😀bcdéfé€")", " minLength: must have at least 12 characters"},
      {R"({"pattern":"^a+$"})", R"("b")", " pattern: must match the pattern ^a+$"},
      {R"({"format":"ipv4"})", R"("1.2.3")", R"( format: must be of the format "ipv4")"},
      {R"({"minimum":1.5})", "1.4999", " minimum: must be at least 1.5"},
      {R"({"maximum":1e2})", "100.01", " maximum: must be at most 1e2"},
      {R"({"exclusiveMinimum":0})", "0", " exclusiveMinimum: must be greater than 0"},
      {R"({"exclusiveMaximum":0})", "0", " exclusiveMaximum: must be less than 0"},
      {R"({"exclusiveMinimum":0})", "1e-400", " exclusiveMinimum: must be greater than 0"},
      {R"({"exclusiveMaximum":1})", "0.99999999999999999999",
       " exclusiveMaximum: must be less than 1"},
      {R"({"minimum":0,"exclusiveMinimum":true})", "0", " minimum: must be greater than 0",
       Draft::draft4},
      {R"({"maximum":0,"exclusiveMaximum":true})", "0", " maximum: must be less than 0",
       Draft::draft4},
      {R"({"minimum":0,"exclusiveMinimum":true})", "0", " minimum: must be greater than 0",
       Draft::openapi3_0},
      {R"({"exclusiveMinimum":0,"exclusiveMaximum":5,"maximum":4})", "0",
       " exclusiveMinimum: must be greater than 0", Draft::openapi3_0},
      {R"({"exclusiveMinimum":0,"exclusiveMaximum":5})", "5",
       " exclusiveMaximum: must be less than 5", Draft::openapi3_0},
      {R"({"multipleOf":0.01})", "0.015", " multipleOf: must be a multiple of 0.01"},
      {R"({"minItems":1})", "[]", " minItems: must have at least 1 element"},
      {R"({"maxItems":1})", "[1,2]", " maxItems: must have at most 1 element"},
      {R"({"uniqueItems":true})", R"([1,{"a":[]},1.0])",
       " uniqueItems: must not have equal elements"},
      {R"({"prefixItems":[{"type":"null"},false],"items":false})", "[1,2,3,4]",
       "/0 type: must be null; /1 prefixItems: is not allowed; "
       "/2 items: is not allowed: there are too many elements; "
       "/3 items: is not allowed: there are too many elements"},
      {R"({"items":[{"type":"null"}],"additionalItems":false})", "[1,2]",
       "/0 type: must be null; /1 additionalItems: is not allowed: there are too many elements",
       Draft::draft7},
      {R"({"contains":{"type":"null"}})", "[1]",
       " contains: must have at least 1 element of the kind that it is to contain"},
      {R"({"contains":{"type":"null"},"minContains":2,"maxContains":3})", "[null]",
       " minContains: must have at least 2 elements of the kind that it is to contain"},
      {R"({"contains":{"type":"null"},"maxContains":1})", "[null,null]",
       " maxContains: must have at most 1 element of the kind that it is to contain"},
      {R"({"minProperties":1})", "{}", " minProperties: must have at least 1 member"},
      {R"({"maxProperties":0})", R"({"a":1})", " maxProperties: must have at most 0 members"},
      {R"({"required":["a","b"],"properties":{"b":false}})", "{}",
       R"( required: must have the member "a";  required: must have the member "b")"},
      {R"({"properties":{"a/b":{"type":"null"},"c":false}})", R"({"a/b":1,"c":1})",
       "/a~1b type: must be null; /c properties: is not allowed"},
      {R"({"patternProperties":{"^a":{"type":"null"},"b$":false}})", R"({"ab":1})",
       "/ab type: must be null; /ab patternProperties: is not allowed"},
      {R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1,"b":2})",
       "/b additionalProperties: is not a known member"},
      {R"({"propertyNames":{"maxLength":1}})", R"({"a":1,"bc":2})",
       "/bc maxLength: must have at most 1 character"},
      {R"({"propertyNames":false})", R"({"a":1})", "/a propertyNames: is not allowed"},
      {R"({"dependentRequired":{"a":["b","c"]}})", R"({"a":1,"c":1})",
       R"( dependentRequired: must have the member "b" beside the member "a")"},
      {R"({"dependentSchemas":{"a":{"minProperties":2},"b":false}})", R"({"a":1})",
       " minProperties: must have at least 2 members"},
      {R"({"dependentSchemas":{"b":false}})", R"({"b":1})",
       R"( dependentSchemas: is not allowed with the member "b")"},
      {R"({"dependencies":{"a":["b"],"c":{"minProperties":2}}})", R"({"a":1})",
       R"( dependencies: must have the member "b" beside the member "a")", Draft::draft7},
      {R"({"const":"a"})", "1", R"( const: must be "a")"},
      {R"({"const":[1]})", "1", " const: must be the allowed value"},
      {R"({"enum":["a",1.50,null,true]})", "2", R"( enum: must be one of "a", 1.50, null, true)"},
      {R"({"enum":[[1]]})", "2", " enum: must be one of the allowed values"},
      {R"({"enum":[]})", "2", " enum: must be one of the allowed values"},
      {R"({"allOf":[{"minimum":1},{"maximum":-1},false]})", "0",
       " minimum: must be at least 1;  maximum: must be at most -1;  allOf: is not allowed"},
      {R"({"anyOf":[{"type":"null"},{"type":"string"}]})", "0",
       " anyOf: must match at least one of the alternatives"},
      {R"({"anyOf":[{"type":"null"},{"type":"array","items":{"type":"null"}}]})", "[0]",
       "/0 type: must be null"},
      {R"({"oneOf":[{"minimum":1},{"maximum":2}]})", "1",
       " oneOf: must match exactly one of the alternatives"},
      {R"({"oneOf":[false,{"type":"array"}]})", "1",
       " oneOf: must match exactly one of the alternatives"},
      {R"({"not":{"type":"null"}})", "null", " not: must not match what is excluded"},
      {R"({"if":{"type":"null"},"then":false})", "null",
       " if: is not allowed on the condition that the schema names"},
      {R"({"if":{"type":"null"},"else":{"type":"array"}})", "1", " type: must be an array"},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"null"}}})", "1", " type: must be null"},
      {R"({"$ref":"#/$defs/a","minimum":2,"$defs":{"a":false}})", "1",
       " minimum: must be at least 2;  $ref: is not allowed"},
      {R"({"properties":{"a":true},"unevaluatedProperties":false})", R"({"a":1,"b":1,"c":1})",
       "/b unevaluatedProperties: is not a known member; "
       "/c unevaluatedProperties: is not a known member"},
      {R"({"prefixItems":[true],"unevaluatedItems":{"type":"null"}})", "[1,2,null]",
       "/1 type: must be null"},
      {R"({"unevaluatedItems":false})", "[1]",
       "/0 unevaluatedItems: is not allowed: there are too many elements"},
      // What is evaluated by a branch counts if the branch matches.
      {R"({"anyOf":[{"properties":{"a":{"type":"null"}}},{"properties":{"b":true}}],
           "unevaluatedProperties":false})",
       R"({"a":1,"b":1})", "/a unevaluatedProperties: is not a known member"},
      {R"({"$dynamicAnchor":"n","properties":{"a":{"$dynamicRef":"#n"}},"type":"object"})",
       R"({"a":{"a":1}})", "/a/a type: must be an object"},
  };
  for (const Case& one : cases) {
    const std::string before = std::string(one.schema) + " on " + std::string(one.document) + ": ";
    expect_text(before + Judge(one.schema, one.draft).said(one.document),
                before + std::string(one.said));
  }
}

// More than the 64 that are counted in passing.
void many_required(void**) {
  std::string schema = R"({"required":[)";
  std::string whole = "{";
  for (int i = 0; i < 200; ++i) {
    schema += (i > 0 ? ",\"n" : "\"n") + std::to_string(i) + '"';
    whole += (i > 0 ? ",\"n" : "\"n") + std::to_string(i) + "\":0";
  }
  Judge judge(schema + "]}");
  expect_text(judge.said(whole + "}"), "valid");
  for (const int missing : {0, 63, 64, 127, 128, 199}) {
    const std::string name = "\"n" + std::to_string(missing) + '"';
    std::string without = whole + "}";
    without.replace(without.find(name + ":"), name.size(), "\"other\"");
    expect_text(judge.said(without), " required: must have the member " + name);
  }
  assert_true(judge.verdict("{}") == SchemaVerdict::invalid);
}

void how_many_errors(void**) {
  Judge judge(R"({"items":{"type":"null"}})");
  std::string many = "[1";
  for (int i = 0; i < 300; ++i) many += ",1";
  many += "]";
  expect_text(judge.said(many, 2), "/0 type: must be null; /1 type: must be null");
  expect_text(judge.said(many, 0), "");
  const std::string most = judge.said(many, 1'000);
  assert_int_equal(std::count(most.begin(), most.end(), ';') + 1, SchemaEvaluator::kMaxErrors);
}

std::string nested(int depth, std::string_view open, std::string_view inner,
                   std::string_view close) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += open;
  text += inner;
  for (int i = 0; i < depth; ++i) text += close;
  return text;
}

void limits(void**) {
  Judge bomb(R"({"properties":{"a":{"type":"null"},"b":{"pattern":"^(a+)+$"}}})");
  const std::string text = "\"" + std::string(40, 'a') + "!\"";
  expect_text(bomb.said(R"({"b":)" + text + "}"), "pattern_limit");
  // Once it is invalid no limit makes it anything else, or an error of what is none.
  expect_text(bomb.said(R"({"a":1,"b":)" + text + "}"), "/a type: must be null");
  // Twice the alternatives at each level.
  Judge exponential(R"({"anyOf":[{"type":"array","items":{"$ref":"#"}},
                                 {"type":"array","items":{"$ref":"#"}},{"type":"null"}]})");
  expect_text(exponential.said(nested(10, "[", "null", "]")), "valid");
  expect_text(exponential.said(nested(900, "[", "1", "]")), "limit");
  // One level of the document, and several of the schema, for each of the depth.
  const std::string deep = R"({"allOf":[{"allOf":[{"allOf":[{"allOf":[{"allOf":[
      {"items":{"$ref":"#"}}]}]}]}]}]})";
  expect_text(Judge(deep).said(nested(500, "[", "", "]")), "valid");
  expect_text(Judge(deep).said(nested(1'000, "[", "", "]")), "limit");
}

// Formats that take libraries or exceptions to judge.
void dear_formats(void**) {
  const auto list = [](std::string_view text, int count) {
    std::string json = "[\"" + std::string(text);
    for (int i = 1; i < count; ++i) json.append("\",\"").append(text);
    return json + "\"]";
  };
  Judge hosts(R"({"items":{"format":"hostname"}})");
  expect_text(hosts.said(list("www.example.com", 50'000)), "valid");
  expect_text(hosts.said(list("xn--9ca.xn--9ca.de", 50)), "valid");
  expect_text(hosts.said(list("xn--9ca.xn--9ca.de", 50'000)), "limit");
  Judge addresses(R"({"items":{"properties":{"mail":{"format":"idn-email"}}}})");
  std::string people;
  for (int i = 0; i < 10'000; ++i) {
    people += people.empty() ? "[" : ",";
    people +=
        R"({"name":"Anna Maria Huber","mail":"info@m\u00fcnchen.example","town":"M\u00fcnchen"})";
  }
  expect_text(addresses.said(people + "]"), "valid");
  Judge expressions(R"({"items":{"anyOf":[{"format":"regex"},true]}})");
  expect_text(expressions.said(list("^[a-z0-9]{2,20}$", 20'000)), "valid");
  expect_text(expressions.said(list("*", 10)), "valid");
  expect_text(expressions.said(list("*", 50'000)), "limit");
}

// Whatever a schema does again and again on one value takes steps, and ordinary work few of them.
void steps(void**) {
  std::string twice = R"({"$ref":"#/$defs/a0","$defs":{)";
  for (int i = 0; i < 14; ++i) {
    const std::string next = R"({"$ref":"#/$defs/a)" + std::to_string(i + 1) + R"("})";
    twice += "\"a" + std::to_string(i) + R"(":{"allOf":[)" + next + "," + next + "]},";
  }
  std::string members = "{\"n\":0";
  std::string elements = "[0";
  for (int i = 1; i < 5'000; ++i) {
    members += ",\"n" + std::to_string(i) + "\":0";
    elements += "," + std::to_string(i);
  }
  members += "}";
  elements += "]";
  const std::string text = "\"\\u00e9" + std::string(100'000, 'a') + "\"";
  const std::pair<std::string_view, const std::string&> cases[] = {
      {R"({"additionalProperties":{"type":"number"}})", members},
      {R"({"propertyNames":{"minLength":1}})", members},
      {R"({"dependentRequired":{"n":["n1","n2"]}})", members},
      {R"({"dependentSchemas":{"n":{"minProperties":1}}})", members},
      {R"({"unevaluatedProperties":{"type":"number"}})", members},
      {R"({"items":{"type":"number"}})", elements},
      {R"({"contains":{"const":4999}})", elements},
      {R"({"unevaluatedItems":{"type":"number"}})", elements},
      {R"({"uniqueItems":true})", elements},
      {R"({"minLength":99999})", text},
      {R"({"maxLength":100001})", text},
      {R"({"pattern":"[ab]$"})", text},
      {R"({"not":{"format":"hostname"}})", text},
  };
  for (const auto& [schema, document] : cases) {
    expect_text(std::string(schema) + Judge(schema).said(document), std::string(schema) + "valid");
    const std::string often = twice + "\"a14\":" + std::string(schema) + "}}";
    const std::string said = Judge(often).said(document);
    expect_text(std::string(schema) + (said == "pattern_limit" ? "limit" : said),
                std::string(schema) + "limit");
  }
}

// All reasons take longer to tell than to know that there is one: what was not tried is no reason.
void reasons_cut_short(void**) {
  Judge judge(R"({"properties":{"a":{"type":"null"},"b":{"$ref":"#/$defs/n"}},
      "$defs":{"n":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/n"}},
                             {"type":"array","items":{"$ref":"#/$defs/n"}},{"type":"null"}]}}})");
  expect_text(judge.said(R"({"a":1,"b":)" + nested(900, "[", "1", "]") + "}"),
              "/a type: must be null");
}

// The scope of a dynamic reference is all resources on the way to it, whatever they are made of
// (2020-12 core, section 8.2.3.2; 2019-09, section 8.2.4.2.2).
void dynamic_references_see_every_resource(void**) {
  Judge object(R"({"$id":"http://x/a","type":"object",
    "properties":{"c":{"$id":"b","type":"object","properties":{"v":{"$dynamicRef":"#n"}},
                       "$defs":{"n":{"$dynamicAnchor":"n","type":"integer"}}}},
    "$defs":{"n":{"$dynamicAnchor":"n","type":"string"}}})");
  expect_text(object.said(R"({"c":{"v":"s"}})"), "valid");
  expect_text(object.said(R"({"c":{"v":1}})"), "/c/v type: must be a string");
  Judge list(R"({"$id":"http://x/a","type":"array",
    "items":{"$id":"b","type":"array","items":{"$dynamicRef":"#n"},
             "$defs":{"n":{"$dynamicAnchor":"n","type":"integer"}}},
    "$defs":{"n":{"$dynamicAnchor":"n","type":"string"}}})");
  expect_text(list.said(R"([["s"]])"), "valid");
  expect_text(list.said("[[1]]"), "/0/0 type: must be a string");
  Judge recursive(R"({"$id":"http://x/a","$recursiveAnchor":true,"required":["c"],
    "properties":{"c":{"$id":"b","$recursiveAnchor":true,"type":"object",
                       "properties":{"v":{"$recursiveRef":"#"}}}}})",
                  Draft::draft2019_09);
  expect_text(recursive.said(R"({"c":{"v":{"c":{}}}})"), "valid");
  expect_text(recursive.said(R"({"c":{"v":{}}})"), "/c/v required: must have the member \"c\"");
}

// What OpenAPI 3.0 has "nullable" beside, whether or not there is a "type".
void nullable_admits_null_beside_anything(void**) {
  for (const char* schema :
       {R"({"nullable":true,"allOf":[{"type":"string"}]})",
        R"({"nullable":true,"anyOf":[{"type":"string"},{"type":"integer","minimum":3}]})",
        R"({"nullable":true,"oneOf":[{"type":"string"},{"type":"integer","minimum":3}]})",
        R"({"nullable":true,"type":"string","allOf":[{"type":"string","minLength":1}]})",
        R"({"nullable":true,"enum":["a"],"anyOf":[{"type":"string"}]})",
        R"({"nullable":true,"type":"string","enum":["a"]})",
        R"({"nullable":true,"not":{"type":"integer"},"anyOf":[{"type":"string"}]})"}) {
    Judge judge(schema, Draft::openapi3_0);
    expect_text(judge.said("null"), "valid");
    expect_text(judge.said(R"("a")"), "valid");
    assert_string_not_equal(judge.said("2").c_str(), "valid");
  }
  Judge judge(R"({"nullable":false,"allOf":[{"type":"string"}]})", Draft::openapi3_0);
  expect_text(judge.said("null"), " type: must be a string");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_keyword),
      cmocka_unit_test(many_required),
      cmocka_unit_test(how_many_errors),
      cmocka_unit_test(limits),
      cmocka_unit_test(dear_formats),
      cmocka_unit_test(steps),
      cmocka_unit_test(reasons_cut_short),
      cmocka_unit_test(dynamic_references_see_every_resource),
      cmocka_unit_test(nullable_admits_null_beside_anything),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
