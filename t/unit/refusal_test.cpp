#include "core/refusal.h"

#include <simdjson.h>

#include <array>

#include "unit.h"

namespace core = guard::core;
using guard::unit::expect_text;
using namespace std::string_literals;

namespace {

constexpr std::string_view kId = "5f2b7c0e9d3a4b1c8e6f0a1b2c3d4e5f";

core::Refusal path_refusal() {
  core::Refusal refusal;
  refusal.status = 400;
  refusal.code = "path.ambiguous";
  refusal.title = "Ambiguous path";
  refusal.detail = "the path holds an encoded slash";
  return refusal;
}

void json_plain(void**) {
  expect_text(core::problem_json(path_refusal(), kId),
              R"({"type":"about:blank","title":"Ambiguous path","status":400,)"
              R"("detail":"the path holds an encoded slash",)"
              R"("instance":"urn:request:5f2b7c0e9d3a4b1c8e6f0a1b2c3d4e5f",)"
              R"("code":"path.ambiguous"})"
              "\n");
}

void json_extensions(void**) {
  const std::array<core::FieldError, 3> errors = {{
      {"expected a number", "/items/0/price", "type"},
      {"unknown member", "/a b/\xc3\xa9%\"#~1/m~0n", "additionalProperties"},
      {"not an object", "", ""},
  }};
  const std::array<std::string_view, 2> violated = {"daily", "a\"b"};
  core::Refusal refusal = path_refusal();
  refusal.status = 422;
  refusal.code = "json.schema";
  refusal.title = {};
  refusal.detail = {};
  refusal.errors = errors;
  refusal.violated = violated;
  expect_text(
      core::problem_json(refusal, kId),
      R"({"type":"about:blank","title":"Unprocessable Content","status":422,)"
      R"("instance":"urn:request:5f2b7c0e9d3a4b1c8e6f0a1b2c3d4e5f","code":"json.schema",)"
      R"("errors":[{"detail":"expected a number","pointer":"#/items/0/price","keyword":"type"},)"
      R"({"detail":"unknown member","pointer":"#/a%20b/%C3%A9%25%22%23~1/m~0n",)"
      R"("keyword":"additionalProperties"},{"detail":"not an object","pointer":"#"}],)"
      R"("violated-policies":["daily","a\"b"]})"
      "\n");
}

void json_hostile(void**) {
  const std::string hostile = "\"},{\"code\":\"x\"\n\0\xff\xe2\x80\xa8</script>"s;
  const core::FieldError error{hostile, hostile, hostile};
  const std::string_view violated = hostile;
  core::Refusal refusal;
  refusal.code = refusal.title = refusal.detail = refusal.type = hostile;
  refusal.errors = {&error, 1};
  refusal.violated = {&violated, 1};
  const std::string body = core::problem_json(refusal, hostile);
  assert_int_equal(body.find('\n'), body.size() - 1);

  simdjson::dom::parser parser;
  simdjson::dom::element document;
  assert_false(parser.parse(body).get(document));
  const std::string shown = "\"},{\"code\":\"x\"\n\0\xef\xbf\xbd\xe2\x80\xa8</script>"s;
  for (const char* name : {"type", "title", "detail", "code"}) {
    std::string_view value;
    assert_false(document[name].get(value));
    assert_true(value == shown);
  }
  std::string_view value;
  assert_false(document["instance"].get(value));
  assert_true(value == "urn:request:" + shown);
  assert_false(document.at_pointer("/violated-policies/0").get(value));
  assert_true(value == shown);
  assert_false(document.at_pointer("/errors/0/pointer").get(value));
  expect_text(value, "#%22%7D,%7B%22code%22:%22x%22%0A%00%FF%E2%80%A8%3C/script%3E");
}

void html(void**) {
  const core::FieldError error{"too <long>", "/a&b", "string"};
  core::Refusal refusal = path_refusal();
  refusal.detail = "<script>alert('1')</script> \"x\" & \xff\x01";
  refusal.errors = {&error, 1};
  const std::string page = core::problem_html(refusal, kId);
  assert_true(page.starts_with("<!doctype html>\n"));
  assert_true(page.ends_with("</html>\n"));
  assert_non_null(strstr(page.c_str(), "<title>Ambiguous path</title>"));
  assert_non_null(strstr(page.c_str(), "<h1>400 Ambiguous path</h1>"));
  assert_non_null(strstr(page.c_str(),
                         "<p>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &quot;x&quot; &amp; "
                         "\xef\xbf\xbd\xef\xbf\xbd</p>"));
  assert_non_null(strstr(page.c_str(), "<li><code>/a&amp;b</code> too &lt;long&gt;</li>"));
  assert_non_null(strstr(page.c_str(), "Code <code>path.ambiguous</code>"));
  assert_non_null(strstr(page.c_str(), "request <code>5f2b7c0e9d3a4b1c8e6f0a1b2c3d4e5f</code>"));
  // Self-contained: it loads nothing and runs nothing, so that every policy lets it through.
  for (const char* never : {"<script", "<style", "style=", "<link", "src=", "http"}) {
    assert_null(strstr(page.c_str(), never));
  }
}

void status_lines(void**) {
  expect_text(core::status_line(422), "422 Unprocessable Content");
  expect_text(core::status_line(429), "429 Too Many Requests");
  expect_text(core::status_line(308), "308 Permanent Redirect");
  expect_text(core::status_line(200), "200 OK");
  expect_text(core::status_line(511), "511 Network Authentication Required");
  // All that the table of codes can answer with.
  for (std::uint16_t status : {301, 308, 400, 401, 403, 404, 405, 413, 415, 422, 429, 503}) {
    const std::string_view line = core::status_line(status);
    assert_true(line.starts_with(std::to_string(status) + " "));
    assert_true(line.size() > 4);
  }
  for (std::uint16_t status : {0, 99, 299, 418, 444, 499, 600, 65535}) {
    assert_true(core::status_line(status).empty());
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(json_plain),   cmocka_unit_test(json_extensions),
      cmocka_unit_test(json_hostile), cmocka_unit_test(html),
      cmocka_unit_test(status_lines),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
