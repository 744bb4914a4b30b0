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

std::string said(std::string_view form, const core::JsonLimits& limits = {}) {
  static const json::CompiledSchema schema = compile(kSchema);
  static const json::CoercionTable table(schema.program, schema.program.root);
  static json::FormReader reader;
  static core::JsonParser parser;
  static core::Scratch<char> out;
  // A copy that ends where its memory ends.
  const std::vector<char> copy(form.begin(), form.end());
  const auto text = reader.read({copy.data(), copy.size()}, table, limits, out);
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
  expect_text(said("n=5&b=true&z=null&s=5&other=5"),
              R"({"n":5,"b":true,"z":null,"s":"5","other":"5"})");
  expect_text(said("n=%35"), R"({"n":5})");
  expect_text(said("n=+5&b=on&z="), R"({"n":" 5","b":"on","z":""})");
  expect_text(said("n=1e400&z=-0.50", {.number = core::JsonNumberMode::any}),
              R"({"n":1e400,"z":-0.50})");
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
  expect_text(said("n=1e400"), "number at 0 /n: a number is out of range");
  expect_text(said("n=9223372036854775808", {.number = core::JsonNumberMode::int64}),
              "number at 0 /n: a number is out of range");
  expect_text(said("n=" + std::string(1001, '1')), "number at 0 /n: a number is too long");
  // The first of several is only now a number.
  expect_text(said("some=1e400"), R"({"some":"1e400"})");
  expect_text(said("some=1e400&some=1"), "number at 0 /some: a number is out of range");
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
      cmocka_unit_test(a_long_name_is_not_pointed_at),
      cmocka_unit_test(many_fields),
  };
  return cmocka_run_group_tests_name("form", tests, nullptr, nullptr);
}
