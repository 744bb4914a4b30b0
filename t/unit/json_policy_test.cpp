// guard_json's own logic: what is configured, which bodies it looks at, what it says.
#include <array>

#include "core/json_parser.h"
#include "json/admission.h"
#include "json/codes.h"
#include "json/media_type.h"
#include "json/policy.h"
#include "json/variable.h"
#include "unit.h"

namespace core = guard::core;
using namespace guard::json;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

core::Words words(std::initializer_list<std::string_view> list) {
  return core::Words(std::vector<std::string_view>(list));
}

void expect_limits_error(std::initializer_list<std::string_view> list, std::string_view text) {
  core::Words parsed = words(list);
  expect_error([&] { parse_limits(parsed); }, text);
}

void modes(void**) {
  assert_true(parse_mode(words({"guard_json", "off"})) == Mode::off);
  assert_true(parse_mode(words({"guard_json", "on"})) == Mode::on);
  assert_true(parse_mode(words({"guard_json", "required"})) == Mode::required);
  expect_error(
      [] {
        parse_mode(words({"guard_json", "yes"}));
      },
      "invalid value \"yes\" of \"guard_json\", it must be \"off\", \"on\" or \"required\"");
}

void limits(void**) {
  core::Words all = words({"guard_json_limits", "size=2m", "depth=8", "keys=100", "string=1k",
                           "array=50", "number=int64", "duplicates=allow"});
  const core::JsonLimits parsed = parse_limits(all);
  assert_int_equal(parsed.size, 2 << 20);
  assert_int_equal(parsed.depth, 8);
  assert_int_equal(parsed.keys, 100);
  assert_int_equal(parsed.string, 1024);
  assert_int_equal(parsed.array, 50);
  assert_true(parsed.number == core::JsonNumberMode::int64);
  assert_true(parsed.duplicates);
  core::Words one = words({"guard_json_limits", "depth=1"});
  core::JsonLimits defaults;
  defaults.depth = 1;
  assert_true(parse_limits(one) == defaults);
  assert_int_equal(defaults.size, 1 << 20);
  assert_int_equal(defaults.keys, 10000);
  assert_int_equal(defaults.string, 64 << 10);
  assert_int_equal(defaults.array, 100000);
  assert_true(core::JsonLimits{}.depth == 32);
}

void limits_that_are_wrong(void**) {
  expect_limits_error({"guard_json_limits", "depth=0"},
                      "invalid value \"0\" of \"depth\", a number from 1 to 1024 is expected");
  expect_limits_error({"guard_json_limits", "depth=1025"},
                      "invalid value \"1025\" of \"depth\", a number from 1 to 1024 is expected");
  expect_limits_error({"guard_json_limits", "size=0"},
                      "invalid value \"0\" of \"size\", a size from 1 to 256m is expected");
  expect_limits_error({"guard_json_limits", "size=1g"},
                      "invalid value \"1g\" of \"size\", a size from 1 to 256m is expected");
  expect_limits_error(
      {"guard_json_limits", "keys=1000001"},
      "invalid value \"1000001\" of \"keys\", a number from 1 to 1000000 is expected");
  expect_limits_error({"guard_json_limits", "array=x"},
                      "invalid value \"x\" of \"array\", a number from 1 to 10000000 is expected");
  expect_limits_error({"guard_json_limits", "string=-1"},
                      "invalid value \"-1\" of \"string\", a size from 1 to 256m is expected");
  expect_limits_error(
      {"guard_json_limits", "number=float"},
      "invalid value \"float\" of \"number\", it must be \"double\", \"int64\" or \"any\"");
  expect_limits_error(
      {"guard_json_limits", "duplicates=yes"},
      "invalid value \"yes\" of \"duplicates\", it must be \"reject\" or \"allow\"");
  expect_limits_error({"guard_json_limits", "dept=3"},
                      "unknown parameter \"dept=\", did you mean \"depth=\"?");
  expect_limits_error({"guard_json_limits", "depth=3", "depth=4"},
                      "duplicate parameter \"depth=\"");
  expect_limits_error({"guard_json_limits", "depth="}, "\"depth=\" needs a value");
  expect_limits_error({"guard_json_limits", "depth"}, "\"depth=\" needs a value");
  expect_limits_error({"guard_json_limits", "strict"}, "unexpected word \"strict\"");
}

void extractions(void**) {
  core::Words full = words({"guard_json_set", "$email", "/user/email", "trim", "lower"});
  const Extraction extraction = parse_extraction(full);
  expect_text(extraction.variable, "email");
  assert_int_equal(extraction.pointer.depth(), 2);
  assert_true(extraction.lower && extraction.trim);
  core::Words bare = words({"guard_json_set", "$a_1", "/a"});
  assert_false(parse_extraction(bare).lower);
  const auto error = [](std::initializer_list<std::string_view> list, std::string_view text) {
    core::Words parsed = words(list);
    expect_error([&] { parse_extraction(parsed); }, text);
  };
  error({"guard_json_set", "email", "/a"}, "invalid variable name \"email\"");
  error({"guard_json_set", "$", "/a"}, "invalid variable name \"$\"");
  error({"guard_json_set", "$a-b", "/a"}, "invalid variable name \"$a-b\"");
  error({"guard_json_set", "${a}", "/a"}, "invalid variable name \"${a}\"");
  error({"guard_json_set", "$1a", "/a"}, "invalid variable name \"$1a\"");
  error({"guard_json_set", "$a", "a"}, "invalid JSON Pointer \"a\": it must begin with \"/\"");
  error({"guard_json_set", "$a", "/~2"},
        "invalid JSON Pointer \"/~2\": \"~\" must be written as \"~0\", \"/\" as \"~1\"");
  error({"guard_json_set", "$a", "/a", "upper"}, "unexpected word \"upper\"");
  error({"guard_json_set", "$a", "/a", "trim", "trim"}, "duplicate parameter \"trim\"");
  error({"guard_json_set", "$a", "/a", "x=1"}, "unknown parameter \"x=\"");
}

void media_types(void**) {
  for (const char* json :
       {"application/json", "APPLICATION/JSON", "application/json;", "application/json ; ; ",
        "application/json; charset=utf-8", "application/json;charset=UTF-8",
        "application/json ;\tcharset=\"utf-8\"", "application/json; charset=\"U\\tf-8\"",
        "application/json; v=1", "application/json; v=\"a;b\\\"c\"; charset=utf-8",
        "application/problem+json", "application/vnd.api+json", "application/ld+JSON",
        "application/+json", "application/json;odata.metadata=minimal", "x/y+json",
        "application/a.b+c+json", "text/json", "Text/JSON; charset=utf-8"}) {
    if (media_type(json) != MediaType::json) print_error("%s\n", json);
    assert_true(media_type(json) == MediaType::json);
  }
  for (const char* unfit :
       {"application/json; charset=utf-16", "application/json; charset=iso-8859-1",
        "application/json; charset=utf8", "application/json; charset=\"utf-8",
        "application/json; charset", "application/json; charset=", "application/json; charset=\"\"",
        "application/json; charset=utf-8x", "application/json; charset=utf-8; charset=utf-8",
        "application/json; charset=utf-8; charset=utf-7", "application/json; charset = utf-8",
        "application/json, application/json", "application/json, text/plain",
        "text/plain, application/json", "application/json x",
        "application/json;=", "application/json; a=b c", "application/json; v=\"a\"b",
        "application/json; v=\"\x01\"", "application/json,", "application/x/y+json",
        // What Python takes for blanks and strips, and what it does not mind.
        "application/json\xa0", "application/json\x85; charset=utf-8", "application/json\x0b",
        "\x0c"
        "application/json",
        "\xc2\xa0"
        "application/json",
        "\"application/json\"", "application/\xff+json", "application/x\x01+json",
        "application/x y+json", "application/x/+json", "application/x,y+json",
        // Laravel and CodeIgniter search all of it.
        "text/plain; a=\"application/json\"", "text/plain;/JSON", "text/plain; a=b+json",
        "application/x-www-form-urlencoded; a=\"x/json\"",
        // Framed, but not every application knows that.
        "application/grpc+json", "application/grpc+json; charset=utf-8",
        "application/grpc-web+JSON", "application/json; charset=\"utf-8\\",
        "multipart/x; a=b, application/json", "text/json\xa0", "text/json; charset=utf-16"}) {
    if (media_type(unfit) != MediaType::unfit) print_error("%s\n", unfit);
    assert_true(media_type(unfit) == MediaType::unfit);
  }
  for (const char* other : {"",
                            " ",
                            "text/plain",
                            "text/jsonp",
                            "application/jsonp",
                            "application/x-ndjson",
                            "application/json-seq",
                            "application/json+xml",
                            "/y+json",
                            "json",
                            "+json",
                            "application/",
                            "application",
                            "multipart/form-data; boundary=json",
                            "application/grpc",
                            "application/grpc+proto",
                            "application/x-www-form-urlencoded; charset=iso-8859-1",
                            "application/x-www-form-urlencoded; charset=utf-8; charset=utf-8",
                            "application/x-www-form-urlencoded, text/plain",
                            "application/x-www-form-urlencoded\xa0",
                            " application/x-www-form-urlencoded",
                            "application/x-www-form-urlencodedd",
                            "multipart/form-data; boundary=x",
                            "applicationjson"}) {
    if (media_type(other) != MediaType::other) print_error("%s\n", other);
    assert_true(media_type(other) == MediaType::other);
  }
  for (const char* form :
       {"application/x-www-form-urlencoded", "Application/X-WWW-Form-URLEncoded; charset=UTF-8",
        "application/x-www-form-urlencoded;charset=\"utf-8\"",
        "application/x-www-form-urlencoded;"}) {
    assert_true(media_type(form) == MediaType::form);
  }
}

struct Field {
  std::string_view name;
  std::string_view value;
};

Fields fields(std::initializer_list<Field> list) {
  Fields result;
  for (const Field& field : list) {
    std::string lower(field.name);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    result.add(lower, field.value);
  }
  return result;
}

const Field kJson = {"Content-Type", "application/json"};
const Field kText = {"content-TYPE", "text/plain"};

void admission_on(void**) {
  const auto admitted = [](const Fields& given, bool writes = true, bool has_body = true) {
    return admit(Mode::on, given, writes, has_body, false);
  };
  assert_true(admitted(fields({kJson})) == Admission::check);
  assert_true(admitted(fields({kJson}), false) == Admission::check);  // a GET with a body
  assert_true(admitted(fields({kJson}), true, false) == Admission::ignore);
  assert_true(admitted(fields({kText})) == Admission::ignore);
  assert_true(admitted(fields({})) == Admission::ignore);
  assert_true(admitted(fields({kText, kText})) == Admission::ignore);
  assert_true(admitted(fields({kText, kJson})) == Admission::refuse_media_type);
  assert_true(admitted(fields({kJson, kJson})) == Admission::refuse_media_type);
  assert_true(admitted(fields({{"Content-Type", "application/json; charset=utf-16"}})) ==
              Admission::refuse_media_type);
  assert_true(admitted(fields({kJson, {"content-encoding", "gzip"}})) ==
              Admission::refuse_encoding);
  assert_true(admitted(fields({kText, {"content-encoding", "gzip"}})) == Admission::ignore);
  assert_true(admitted(fields({kJson, {"X-HTTP-Method", "PUT"}})) == Admission::check);
}

void admission_required(void**) {
  const auto admitted = [](const Fields& given, bool writes = true, bool has_body = true) {
    return admit(Mode::required, given, writes, has_body, false);
  };
  assert_true(admitted(fields({kJson})) == Admission::check);
  assert_true(admitted(fields({kJson}), true, false) == Admission::check);  // it is empty: refused
  assert_true(admitted(fields({}), false, false) == Admission::ignore);
  assert_true(admitted(fields({kText}), false, false) == Admission::ignore);
  assert_true(admitted(fields({kText}), false, true) == Admission::refuse_media_type);
  assert_true(admitted(fields({}), true, false) == Admission::refuse_media_type);
  assert_true(admitted(fields({}), false, true) == Admission::refuse_media_type);
  assert_true(admitted(fields({kJson, kText})) == Admission::refuse_media_type);
  assert_true(admitted(fields({kJson, kJson})) == Admission::refuse_media_type);
  assert_true(admitted(fields({kJson, {"Content-Encoding", "identity"}})) ==
              Admission::refuse_encoding);
  for (const char* name : {"X-HTTP-Method-Override", "x-http-method", "X-METHOD-OVERRIDE"}) {
    assert_true(admitted(fields({kJson, {name, "GET"}})) == Admission::refuse_override);
    assert_true(admitted(fields({{name, "POST"}}), false, false) == Admission::refuse_override);
  }
  assert_true(admitted(fields({kJson, {"X-Method-Overrides", "GET"}})) == Admission::check);
  assert_true(admit(Mode::off, fields({kText}), true, true, true) == Admission::ignore);
}

void admission_of_forms(void**) {
  const Field form = {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"};
  const auto admitted = [](const Fields& given, bool forms = true, bool has_body = true) {
    return admit(Mode::required, given, true, has_body, forms);
  };
  assert_true(admitted(fields({form})) == Admission::check);
  assert_true(admitted(fields({form}), true, false) == Admission::check);  // it is empty: refused
  assert_true(admitted(fields({kJson})) == Admission::check);
  assert_true(admitted(fields({form}), false) == Admission::refuse_media_type);
  assert_true(admitted(fields({form, form})) == Admission::refuse_media_type);
  assert_true(admitted(fields({form, kJson})) == Admission::refuse_media_type);
  assert_true(admitted(fields({kText})) == Admission::refuse_media_type);
  assert_true(admitted(fields({form, {"Content-Encoding", "gzip"}})) == Admission::refuse_encoding);
  assert_true(admitted(fields({form, {"X-HTTP-Method", "PUT"}})) == Admission::refuse_override);
  assert_true(admit(Mode::on, fields({form}), true, true, true) == Admission::ignore);
}

void codes(void**) {
  for (std::size_t i = 0; i < core::kJsonFaultNames.size() - 1; ++i) {
    const auto fault = static_cast<core::JsonFault>(i);
    expect_text(code_of(fault).code, "json." + std::string(core::name_of(fault)));
    assert_int_equal(code_of(fault).status, fault == core::JsonFault::size ? 413 : 400);
  }
  assert_int_equal(code_of(core::JsonFault::memory).status, 503);
  expect_text(code_unavailable().code, "json.unavailable");
  expect_text(form_code_of(core::JsonFault::syntax).code, "json.syntax");
  expect_text(form_code_of(core::JsonFault::syntax).title, "Malformed form");
  expect_text(form_code_of(core::JsonFault::keys).code, "json.keys");
  const auto said = [](Admission admission, const Fields& given, bool forms = false) {
    const FieldRefusal refusal = refusal_of(admission, given, forms);
    return std::to_string(refusal.code.status) + " " + std::string(refusal.code.code) + ": " +
           std::string(refusal.detail);
  };
  expect_text(said(Admission::refuse_media_type, fields({})),
              "415 json.media_type: the request has no Content-Type");
  expect_text(said(Admission::refuse_media_type, fields({kJson, kJson})),
              "415 json.media_type: the request has several Content-Types");
  expect_text(said(Admission::refuse_media_type, fields({kText})),
              "415 json.media_type: the Content-Type is not a JSON type");
  expect_text(said(Admission::refuse_media_type, fields({{"Content-Type", "application/json,"}})),
              "415 json.media_type: the Content-Type is not one well-formed JSON type in UTF-8");
  expect_text(said(Admission::refuse_encoding, fields({kJson})),
              "415 json.content_encoding: a JSON body must be sent without Content-Encoding");
  const Field form = {"Content-Type", "application/x-www-form-urlencoded"};
  expect_text(said(Admission::refuse_encoding, fields({form}), true),
              "415 json.content_encoding: a form must be sent without Content-Encoding");
  expect_text(said(Admission::refuse_media_type, fields({form})),
              "415 json.media_type: the Content-Type is not a JSON type");
  expect_text(said(Admission::refuse_media_type, fields({kText}), true),
              "415 json.media_type: the Content-Type is neither a JSON type nor that of a form in "
              "UTF-8");
  expect_text(said(Admission::refuse_override, fields({kJson})),
              "400 json.method_override: the method must be that of the request line");
}

void details(void**) {
  char room[kMaxDetail];
  core::JsonError error;
  error.detail = "expected a value";
  error.offset = 4294967295U;
  expect_text(write_detail(error, room), "expected a value at byte 4294967295");
  const std::string longest(500, 'x');
  error.detail = longest;
  assert_true(write_detail(error, room).size() <= kMaxDetail);
}

void variables(void**) {
  core::JsonParser parser;
  const core::JsonDocument* document = parser.parse(
      R"({"s":"  Jane\u00c9 ","n":1.50,"t":true,"z":null,"o":{},"a":["x"],"crlf":"a\r\nX: y",)"
      R"("nul":"a\u0000","del":"\u007f","within":" a\u0000b\n","both":"a \n ",)"
      R"("edge":"\r\n ok\t","blank":" \t "})",
      {});
  assert_non_null(document);
  const auto value = [&](std::string_view pointer, bool lower = false, bool trim = false) {
    const Extraction extraction{"v", core::JsonPointer(pointer), lower, trim};
    const core::JsonNode* rival = nullptr;
    const std::string_view found = variable_value(*document, extraction, rival);
    assert_null(rival);
    std::string out(found.size(), '\0');
    write_variable(found, lower, out.data());
    return out;
  };
  expect_text(value("/s"), "  Jane\xC3\x89 ");
  expect_text(value("/s", true, true), "jane\xC3\x89");
  expect_text(value("/n"), "1.50");
  expect_text(value("/t"), "true");
  for (const char* empty : {"/z", "/o", "/a", "/none", "/crlf", "/del", "/within", ""}) {
    expect_text(value(empty), "");
  }
  expect_text(value("/a/0"), "x");
  // What applications trim must not make a name that nobody counts.
  expect_text(value("/nul"), "a");
  expect_text(value("/edge"), "ok");
  expect_text(value("/both"), "a");
  expect_text(value("/edge", false, true), "ok");
  expect_text(value("/blank", false, true), "");
}

// Names in another case: what they are taken for, and where applications differ.
void cases(void**) {
  core::JsonParser parser;
  core::JsonLimits limits;
  limits.duplicates = true;
  const auto value = [&](std::string_view text, std::string_view pointer) {
    const core::JsonDocument* document = parser.parse(text, limits);
    assert_non_null(document);
    const Extraction extraction{"v", core::JsonPointer(pointer), false, false};
    const core::JsonNode* rival = nullptr;
    std::string out(variable_value(*document, extraction, rival));
    if (rival != nullptr) out.append(" rival ").append(document->text(*rival));
    return out;
  };
  expect_text(value(R"({"key":1})", "/key"), "1");
  expect_text(value(R"({"KEY":1})", "/key"), "1");
  expect_text(value(R"({"key":1})", "/KEY"), "1");
  expect_text(value("{\"\u212aey\":1}", "/key"), "1");
  expect_text(value("{\"u\u017fer\":1}", "/USER"), "1");
  expect_text(value(R"({"keys":1,"ke":2,"":3,"\u0001ey":4})", "/key"), "");
  expect_text(value("{\"\u00c9\":1}", "/\u00e9"), "");
  expect_text(value(R"({"key":1,"key":2})", "/key"), "2");
  expect_text(value(R"({"key":1,"Key":2})", "/key"), "2 rival 2");
  expect_text(value(R"({"Key":1,"key":2,"x":{"KEY":3}})", "/key"), "2 rival 2");
  expect_text(value(R"({"a":{"b":1},"A":{}})", "/a/b"), " rival ");
  expect_text(value(R"([{"B":1}])", "/0/b"), "1");
  expect_text(value(R"({"0":{"B":1}})", "/0/b"), "1");
}

void schemas(void**) {
  core::Words plain = words({"guard_json_schema", "a.json"});
  const SchemaPolicy defaults = parse_schema(plain);
  expect_text(defaults.source.file, "a.json");
  assert_true(defaults.source.draft == Draft::draft2020_12);
  assert_true(defaults.source.assert_formats);
  assert_int_equal(defaults.methods, kPost | kPut | kPatch);
  assert_int_equal(defaults.errors, 10);
  core::Words all =
      words({"guard_json_schema", "a.json", "draft=4", "formats=annotate", "methods=DELETE,PUT",
             "errors=100", "forms=on", "refs=https://e.example/=d=e"});
  const SchemaPolicy parsed = parse_schema(all);
  assert_true(parsed.source.draft == Draft::draft4);
  assert_false(parsed.source.assert_formats);
  assert_int_equal(parsed.methods, kDelete | kPut);
  assert_int_equal(parsed.errors, 100);
  expect_text(parsed.source.refs, "d=e");
  assert_true(parsed.forms);
  expect_text(parsed.source.refs_base, "https://e.example/");
  core::Words path = words({"guard_json_schema", "a.json", "refs=a=b"});
  expect_text(parse_schema(path).source.refs, "a=b");
  for (const auto& [word, error] : {
           std::pair{"refs=https://e.example/=",
                     "\"refs\" names no directory in \"https://e.example/=\""},
           std::pair{"methods=POST,,PUT",
                     "invalid value \"\" of \"methods\", it must be \"POST\", \"PUT\", "
                     "\"PATCH\" or \"DELETE\""},
           std::pair{"errors=0",
                     "invalid value \"0\" of \"errors\", a number from 1 to 100 is expected"},
       }) {
    core::Words wrong = words({"guard_json_schema", "a.json", word});
    expect_error([&] { parse_schema(wrong); }, error);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(modes),
      cmocka_unit_test(limits),
      cmocka_unit_test(schemas),
      cmocka_unit_test(limits_that_are_wrong),
      cmocka_unit_test(extractions),
      cmocka_unit_test(media_types),
      cmocka_unit_test(admission_on),
      cmocka_unit_test(admission_required),
      cmocka_unit_test(admission_of_forms),
      cmocka_unit_test(codes),
      cmocka_unit_test(details),
      cmocka_unit_test(variables),
      cmocka_unit_test(cases),
  };
  return cmocka_run_group_tests_name("json_policy", tests, nullptr, nullptr);
}
