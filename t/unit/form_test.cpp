// Forms as JSON objects: what is decoded, what is refused, and within which limits.
#include "json/form.h"

#include "schema_unit.h"

namespace json = guard::json;
namespace core = guard::core;
using guard::unit::compile;
using guard::unit::expect_text;

namespace {

constexpr std::string_view kSchema =
    R"({"properties":{"n":{"type":"integer"},"b":{"type":"boolean"},
    "z":{"type":["null","number"]},"tags":{"type":"array","items":{"type":"string"}},
    "ids":{"type":"array","items":{"type":"integer"}},
    "some":{"type":["string","array"],"items":{"type":"number"}},"s":{"type":"string"}}})";

std::string said(std::string_view form, const json::FormPlan& plan,
                 const core::JsonLimits& limits) {
  static json::FormReader reader;
  static core::JsonParser parser;
  static core::Scratch<char> out;
  // A copy that ends where its memory ends.
  const std::vector<char> copy(form.begin(), form.end());
  const auto text = reader.read({copy.data(), copy.size()}, plan, limits, out);
  if (!text) {
    const core::JsonError& error = reader.error();
    return std::string(core::name_of(error.fault)) + " at " + std::to_string(error.offset) + " " +
           std::string(error.pointer) + ": " + std::string(error.detail);
  }
  core::JsonLimits wide = limits;
  wide.size = core::kMaxJsonSize;
  assert_non_null(parser.parse(*text, wide));
  return std::string(*text);
}

std::string said(std::string_view form, const core::JsonLimits& limits = {}) {
  static const json::CompiledSchema schema = compile(kSchema);
  static const json::FormPlan plan(schema.program, schema.program.root);
  return said(form, plan, limits);
}

void fields_become_members(void**) {
  expect_text(said("a=1&b2=x"), R"({"a":"1","b2":"x"})");
  expect_text(said("a="), R"({"a":""})");
  expect_text(said("a=b=c"), R"({"a":"b=c"})");
  expect_text(said("a+b=c+d%2B%20e"), R"({"a b":"c d+ e"})");
  expect_text(said("%61%3d=%26%3D%3b"), R"({"a=":"&=;"})");
  expect_text(said("a=%22%5C%0d%0A%7f\"\\"), "{\"a\":\"\\\"\\\\\\u000d\\u000a\x7f\\\"\\\\\"}");
  expect_text(said("a=%C3%A9%F0%9F%98%80\xC3\xA9"), "{\"a\":\"\xC3\xA9\xF0\x9F\x98\x80\xC3\xA9\"}");
  // Nothing between two "&" is nothing to everybody.
  expect_text(said("&a=1&&b2=2&"), R"({"a":"1","b2":"2"})");
  expect_text(said("&"), "{}");
  // Names are what they are.
  expect_text(said("a[]=1&a[b]=2&a.b=3&__proto__=4"),
              R"({"a[]":"1","a[b]":"2","a.b":"3","__proto__":"4"})");
}

void values_become_what_the_schema_wants(void**) {
  expect_text(said("b=True&s=True"), R"({"b":true,"s":"True"})");
  expect_text(said("n=5&b=true&z=null&s=5&other=5"),
              R"({"n":5,"b":true,"z":null,"s":"5","other":"5"})");
  expect_text(said("n=%35"), R"({"n":5})");
  expect_text(said("n=+5&b=on&z="), R"({"n":" 5","b":"on","z":""})");
  expect_text(said("n=-0.50&z=1e400", {.number = core::JsonNumberMode::any}),
              R"({"n":-0.50,"z":1e400})");
}

void repeated_names_become_arrays_where_wanted(void**) {
  expect_text(said("tags=a"), R"({"tags":["a"]})");
  expect_text(said("tags=a&s=1&tags=b&tags=a"), R"({"tags":["a","b","a"],"s":"1"})");
  expect_text(said("ids=1&ids=x&ids=3"), R"({"ids":[1,"x",3]})");
  expect_text(said("some=1"), R"({"some":"1"})");
  expect_text(said("some=1&some=2"), R"({"some":[1,2]})");
  expect_text(said("s=1&%73=2"), "duplicate_key at 4 /s: a name is repeated");
  expect_text(said("x/y=1&x/y=2"), "duplicate_key at 6 /x~1y: a name is repeated");
  expect_text(said("s=1&s=2", {.duplicates = true}), R"({"s":"1","s":"2"})");
}

void what_applications_read_differently_is_refused(void**) {
  expect_text(said(""), "syntax at 0 : the body is empty");
  expect_text(said("a=1;b=2"), "syntax at 3 /a: a \";\" that is not encoded as %3B");
  expect_text(said("a;b=2"), "syntax at 1 : a \";\" that is not encoded as %3B");
  expect_text(said("a=1&b2"), "syntax at 6 : expected a \"=\" behind a name");
  expect_text(said("a"), "syntax at 1 : expected a \"=\" behind a name");
  expect_text(said("=1"), "syntax at 0 : a field has no name");
  expect_text(said("a=1&="), "syntax at 4 : a field has no name");
  for (const char* bad : {"a=%", "a=%4", "a=%4g", "a=%u0041", "a=%%41", "a=%+1"}) {
    expect_text(said(bad), "syntax at 2 /a: a \"%\" without two hexadecimal digits behind it");
  }
  expect_text(said("a=%4&x=1"), "syntax at 2 /a: a \"%\" without two hexadecimal digits behind it");
  expect_text(said("%=1"), "syntax at 0 : a \"%\" without two hexadecimal digits behind it");
  expect_text(said("a=b%00"), "syntax at 3 /a: U+0000 in a form");
  expect_text(said("a%00=b"), "syntax at 1 : U+0000 in a form");
  expect_text(said({"a=\0", 3}), "syntax at 2 /a: a control character that is not encoded");
  expect_text(said("a=1\r\n"), "syntax at 3 /a: a control character that is not encoded");
  // Not UTF-8: a lone byte, an overlong slash, half a surrogate pair, too large, cut off.
  for (const char* bad :
       {"a=%FF", "a=%C0%AF", "a=%ED%A0%80", "a=%F4%90%80%80", "a=%C3", "a=\xE9"}) {
    expect_text(said(bad), "encoding at 2 /a: bytes that decode to no UTF-8");
  }
  expect_text(said("%C3=%A9"), "encoding at 0 : bytes that decode to no UTF-8");
}

void limits_hold(void**) {
  expect_text(said("a=1&b2=2", {.keys = 2}), R"({"a":"1","b2":"2"})");
  expect_text(said("a=1&b2=2&c=3", {.keys = 2}), "keys at 9 : the form has too many names");
  expect_text(said("tags=1&tags=2&tags=3", {.keys = 1}), R"({"tags":["1","2","3"]})");
  expect_text(said("tags=1&tags=2&tags=3", {.array = 2}),
              "array at 14 /tags: an array has too many elements");
  expect_text(said("tags=1", {.depth = 1}), "depth at 0 /tags: containers are nested too deeply");
  expect_text(said("s=1", {.depth = 1}), R"({"s":"1"})");
  expect_text(said("s=%C3%A9%C3%A9", {.string = 4}), "{\"s\":\"\xC3\xA9\xC3\xA9\"}");
  expect_text(said("s=12345", {.string = 4}), "string at 2 /s: a string is too long");
  expect_text(said("12345=1", {.string = 4}), "string at 0 : a string is too long");
  expect_text(said("s=1", {.size = 2}), "size at 2 : the body is too large");
  expect_text(said("n=" + std::string(400, '1')), "number at 0 /n: a number is out of range");
  expect_text(said("z=1e400"), "number at 0 /z: a number is out of range");
  expect_text(said("n=9223372036854775808", {.number = core::JsonNumberMode::int64}),
              "number at 0 /n: a number is out of range");
  expect_text(said("n=" + std::string(1001, '1')), "number at 0 /n: a number is too long");
  // The first of several is only now a number.
  expect_text(said("some=1e400"), R"({"some":"1e400"})");
  expect_text(said("some=1e400&some=1"), "number at 0 /some: a number is out of range");
}

constexpr std::string_view kNestedSchema = R"({"properties":{
    "line":{"type":"array","items":{"properties":{"price":{"type":"object","properties":{
      "amount":{"type":"integer"},"tags":{"type":"array","items":{"type":"integer"}}}},
      "n":{"type":"integer"}}}},
    "meta":{"anyOf":[{"type":"object","additionalProperties":{"type":"string"}},{"const":""}]},
    "either":{"type":["array","object"]},"ids":{"type":"array","items":{"type":"integer"}},
    "csv":{"type":"array","items":{"type":"integer"}},"psv":{"type":"array"},
    "text":{"type":"string"},"flat":{"type":"string"}}})";

std::string nested(std::string_view form, const core::JsonLimits& limits = {}) {
  static const json::CompiledSchema schema = compile(kNestedSchema);
  static const json::FormPlan plan(schema.program, schema.program.root,
                                   {{"csv", json::FormStyle::commas},
                                    {"either", json::FormStyle::nested},
                                    {"ids", json::FormStyle::nested},
                                    {"line", json::FormStyle::nested},
                                    {"meta", json::FormStyle::nested},
                                    {"none", json::FormStyle::nested},
                                    {"psv", json::FormStyle::pipes},
                                    {"text", json::FormStyle::commas}});
  return said(form, plan, limits);
}

void names_nest_where_the_document_says_so(void**) {
  expect_text(nested("meta[a]=1&flat[x]=2&meta[b]=x"),
              R"({"meta":{"a":"1","b":"x"},"flat[x]":"2"})");
  expect_text(nested("meta%5Ba%5d=1"), R"({"meta":{"a":"1"}})");
  expect_text(nested("meta="), R"({"meta":""})");
  expect_text(nested("line[0][price][amount]=5&line[0][n]=6&line[1][n]=x&line[1][o]=7"),
              R"({"line":[{"price":{"amount":5},"n":6},{"n":"x","o":"7"}]})");
  expect_text(nested("line[0][price][tags]=5&line[1][price][tags][]=6&line[1][price][tags][]=7"),
              R"({"line":[{"price":{"tags":[5]}},{"price":{"tags":[6,7]}}]})");
  expect_text(nested("ids[]=1&ids[]=x&ids[]=1"), R"({"ids":[1,"x",1]})");
  expect_text(nested("ids[0]=1&ids[1]=2"), R"({"ids":[1,2]})");
  expect_text(nested("ids=1&ids=2"), R"({"ids":[1,2]})");
  // What may be an object is one, unless it says "[]".
  expect_text(nested("either[0]=1"), R"({"either":{"0":"1"}})");
  expect_text(nested("either[]=1"), R"({"either":["1"]})");
  expect_text(nested("none[a][b c]=1&none[a][]=2"),
              "syntax at 15 /none/a: a name is written in two ways");
  expect_text(nested("none[a][b+c]=%22&none[%22]=2"), R"({"none":{"a":{"b c":"\""},"\"":"2"}})");
}

void nested_names_that_are_read_differently_are_refused(void**) {
  constexpr std::string_view kWay =
      "syntax at 0 /meta: brackets in a name that is not written as "
      "NAME[MEMBER]";
  for (const char* bad : {"meta[a=1", "meta[a[b]]=1", "meta[=1"}) expect_text(nested(bad), kWay);
  for (const char* bad : {"meta[a]b=1", "meta[a].b=1", "meta[a][b=1"}) {
    expect_text(nested(bad), std::string(kWay).insert(17, "/a"));
  }
  expect_text(nested("line[][n]=1"), "syntax at 0 /line: \"[]\" that is not the end of a name");
  expect_text(nested("meta[a]=1&meta[a]=2"), "duplicate_key at 10 /meta/a: a name is repeated");
  expect_text(nested("meta[a]=1&meta[a]=2", {.duplicates = true}),
              "duplicate_key at 10 /meta/a: a name is repeated");
  expect_text(nested("meta[a]=1&meta[a][b]=2"),
              "syntax at 10 /meta/a/b: a name is both a value and a container");
  expect_text(nested("meta[a][b]=1&meta[a]=2"),
              "syntax at 13 /meta/a: a name is both a value and a container");
  expect_text(nested("meta=1&meta[a]=2"),
              "syntax at 7 /meta/a: a name is both a value and a container");
  expect_text(nested("meta[a]=2&meta=1"),
              "syntax at 10 /meta: a name is both a value and a container");
  for (const char* bad : {"ids[1]=1", "ids[00]=1", "ids[x]=1", "ids[-1]=1"}) {
    expect_text(nested(bad).substr(0, 12), "syntax at 0 ");
  }
  expect_text(nested("line[0][n]=1&line[1][n]=2&line[0][o]=3"),
              "syntax at 26 /line/0/o: elements that are not numbered from 0, in order");
  expect_text(nested("[a]=1"), R"({"[a]":"1"})");
}

void elements_may_stand_in_one_field(void**) {
  expect_text(nested("csv=1,2%2C3&psv=a|b%7C&text=a,b"),
              R"({"csv":[1,2,3],"psv":["a","b",""],"text":"a,b"})");
  expect_text(nested("csv="), R"({"csv":[""]})");
  expect_text(nested("csv=1&csv=2"), "duplicate_key at 6 /csv: a name is repeated");
  expect_text(nested("csv=1," + std::string(400, '1')),
              "number at 0 /csv: a number is out of range");
  expect_text(nested("csv=1,2,3", {.array = 2}), "array at 0 /csv: an array has too many elements");
}

void limits_hold_for_what_nests(void**) {
  expect_text(nested("meta[a]=1", {.depth = 2}), R"({"meta":{"a":"1"}})");
  expect_text(nested("meta[a][b]=1", {.depth = 2}),
              "depth at 0 /meta/a/b: containers are nested too deeply");
  // A value that the schema wants as an array is one more.
  expect_text(nested("line[0][price][tags]=5", {.depth = 5}),
              R"({"line":[{"price":{"tags":[5]}}]})");
  expect_text(nested("line[0][price][tags]=5", {.depth = 4}),
              "depth at 0 /line/0/price/tags: containers are nested too deeply");
  expect_text(nested("meta[a]=1&meta[b]=2", {.keys = 3}), R"({"meta":{"a":"1","b":"2"}})");
  expect_text(nested("meta[a]=1&meta[b]=2", {.keys = 2}),
              "keys at 10 /meta/b: the form has too many names");
  expect_text(nested("ids[]=1&ids[]=2&ids[]=3", {.array = 2}),
              "array at 16 /ids: an array has too many elements");
  expect_text(nested("line[0][n]=1&line[1][n]=1", {.array = 1}),
              "array at 13 /line/1/n: an array has too many elements");
  std::string deep = "none";
  for (int i = 0; i < 1022; ++i) deep += "[a]";
  core::JsonLimits limits;
  limits.depth = core::kMaxJsonDepth;
  assert_true(nested(deep + "=1", limits).size() > 5000);
  expect_text(nested(deep + "[a][a]=1", limits).substr(0, 10), "depth at 0");
  std::string form;
  for (int i = 0; i < 9000; ++i) form += "&none[k" + std::to_string(i) + "]=,";
  assert_true(nested(form).size() > 9000);
  assert_true(nested("csv=" + std::string(5000, ',')).size() > 15000);
}

void a_long_name_is_not_pointed_at(void**) {
  expect_text(said(std::string(255, 'a') + "=%"),
              "syntax at 256 /" + std::string(255, 'a') +
                  ": a \"%\" without two hexadecimal digits behind it");
  expect_text(said(std::string(256, 'a') + "=%"),
              "syntax at 257 : a \"%\" without two hexadecimal digits behind it");
}

void many_fields(void**) {
  std::string form;
  std::string object = "{";
  for (int i = 0; i < 20000; ++i) {
    const std::string n = std::to_string(i);
    form.append("&k" + n + "=" + n);
    object.append(i > 0 ? "," : "").append("\"k" + n + "\":\"" + n + '"');
  }
  expect_text(said(form, {.keys = 20000}), object + "}");
  std::string tags;
  for (int i = 0; i < 20000; ++i) tags.append("tags=%01&");
  std::string list = R"({"tags":[)";
  for (int i = 0; i < 20000; ++i) list.append(i > 0 ? "," : "").append(R"("\u0001")");
  expect_text(said(tags), list + "]}");
  expect_text(said(std::string(100000, '&') + "a=1"), R"({"a":"1"})");
  expect_text(said(std::string(60000, '=')), "syntax at 0 : a field has no name");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(fields_become_members),
      cmocka_unit_test(values_become_what_the_schema_wants),
      cmocka_unit_test(repeated_names_become_arrays_where_wanted),
      cmocka_unit_test(what_applications_read_differently_is_refused),
      cmocka_unit_test(limits_hold),
      cmocka_unit_test(names_nest_where_the_document_says_so),
      cmocka_unit_test(nested_names_that_are_read_differently_are_refused),
      cmocka_unit_test(elements_may_stand_in_one_field),
      cmocka_unit_test(limits_hold_for_what_nests),
      cmocka_unit_test(a_long_name_is_not_pointed_at),
      cmocka_unit_test(many_fields),
  };
  return cmocka_run_group_tests_name("form", tests, nullptr, nullptr);
}
