#include "headers/policy.h"

#include <vector>

#include "headers/https_redirect.h"
#include "unit.h"

namespace core = guard::core;
namespace headers = guard::headers;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

core::Words words(std::vector<std::string_view> list) {
  return core::Words(std::move(list));
}

headers::ProfileChoice profile(std::vector<std::string_view> list) {
  list.insert(list.begin(), "guard_headers");
  core::Words said(std::move(list));
  return headers::parse_headers(said);
}

void profiles(void**) {
  assert_true(profile({"web"}) == (headers::ProfileChoice{headers::Profile::web, false}));
  assert_true(profile({"api", "override"}) ==
              (headers::ProfileChoice{headers::Profile::api, true}));
  assert_true(profile({"off"}) == headers::ProfileChoice{});
  expect_error(
      [] { profile({"Web"}); },
      "invalid value \"Web\" of \"guard_headers\", it must be \"off\", \"web\" or \"api\"");
  expect_error(
      [] {
        profile({"web", "overide"});
      },
      "unexpected word \"overide\", did you mean \"override\"?");
  expect_error([] { profile({"off", "override"}); }, "unexpected word \"override\" after \"off\"");
}

headers::FieldRule field(std::vector<std::string_view> list) {
  list.insert(list.begin(), "guard_header");
  core::Words said(std::move(list));
  return headers::parse_header(said);
}

void fields(void**) {
  const headers::FieldRule rule = field({"X-Frame-Options", "DENY"});
  expect_text(rule.name, "X-Frame-Options");
  expect_text(rule.value, "DENY");
  assert_false(rule.off);
  assert_true(field({"X-Frame-Options", "off"}).off);
  expect_text(field({"X-Id", "a\tb $request_id"}).value, "a\tb $request_id");

  const headers::FieldRule conditional = field({"X-A", "b", "on=204,4xx", "if=$a"});
  assert_true(conditional.statuses == (std::vector<headers::StatusRange>{{204, 204}, {400, 499}}));
  expect_text(conditional.condition, "$a");
  assert_true(conditional.is_conditional() && !rule.is_conditional());
  for (std::string_view bad : {"on=20", "on=2x0", "on=600", "on=204,", "on=xxx", "on=099"}) {
    assert_true(guard::unit::error_of([&] { field({"X-A", "b", bad}); }) != "no error");
  }

  expect_error([] { field({"X-Frame-Options"}); },
               "invalid number of arguments in \"guard_header\" directive");
  expect_error([] { field({"X Frame", "a"}); }, "invalid header field name \"X Frame\"");
  expect_error([] { field({"", "a"}); }, "invalid header field name \"\"");
  expect_error([] { field({"X:", "a"}); }, "invalid header field name \"X:\"");
  const std::string longest(64, 'x');
  field({longest, "a"});
  const std::string longer(65, 'x');
  expect_error(
      [&] {
        field({longer, "a"});
      },
      "header field name \"" + longer + "\" is longer than 64 bytes");
  expect_error(
      [] {
        field({"content-length", "1"});
      },
      "header field \"content-length\" cannot be set, nginx makes it");
  expect_error(
      [] {
        field({"Strict-Transport-Security", "off"});
      },
      "header field \"Strict-Transport-Security\" cannot be set, use \"guard_hsts\"");
  expect_error(
      [] {
        field({"Set-Cookie", "a=b"});
      },
      "header field \"Set-Cookie\" cannot be set, it would replace the application's "
      "cookies");
  expect_error(
      [] {
        field({"X-A", ""});
      },
      "empty value of header field \"X-A\", use \"off\" to send none");
  for (std::string_view bad : {"a\nb", "a\rb", "\x01", "a\x7f"}) {
    expect_error(
        [&] {
          field({"X-A", bad});
        },
        "control character in the value of header field \"X-A\"");
  }
  expect_error(
      [] {
        field({"X-A", std::string_view("a\0b", 3)});
      },
      "control character in the value of header field \"X-A\"");
  expect_error([] { field({"X-A", " a"}); }, "space around the value of header field \"X-A\"");
}

void rules_merge_by_name(void**) {
  std::vector<headers::FieldRule> outer;
  headers::add_rule(outer, field({"X-A", "1"}));
  headers::add_rule(outer, field({"X-B", "2"}));
  expect_error(
      [&] {
        headers::add_rule(outer, field({"x-a", "3"}));
      },
      "duplicate header field \"x-a\"");
  std::vector<headers::FieldRule> inner;
  headers::add_rule(inner, field({"x-b", "off"}));
  headers::add_rule(inner, field({"X-C", "3"}));
  const auto merged = headers::merge_rules(outer, inner);
  assert_int_equal(merged.size(), 3);
  assert_true(merged[0].off);
  expect_text(merged[1].name, "X-C");
  expect_text(merged[2].value, "1");
}

headers::Hsts hsts(std::vector<std::string_view> list) {
  list.insert(list.begin(), "guard_hsts");
  core::Words said(std::move(list));
  return headers::parse_hsts(said);
}

void hsts_values(void**) {
  expect_text(hsts({}).field_value(), "max-age=63072000");
  expect_text(hsts({"max-age=1y", "includeSubDomains", "preload"}).field_value(),
              "max-age=31536000; includeSubDomains; preload");
  expect_text(hsts({"max-age=0"}).field_value(), "max-age=0");
  assert_true(hsts({"off"}).off);
  expect_error(
      [] {
        hsts({"max-age=31536000", "preload"});
      },
      "\"preload\" requires \"includeSubDomains\" and a \"max-age=\" of at least 31536000");
  expect_error(
      [] {
        hsts({"max-age=1d", "includeSubDomains", "preload"});
      },
      "\"preload\" requires \"includeSubDomains\" and a \"max-age=\" of at least 31536000");
  expect_error([] { hsts({"max-age=-1"}); },
               "invalid value \"-1\" of \"max-age=\", a time from 0 to 3650d is expected");
  expect_error([] { hsts({"max-age=1500ms"}); },
               "invalid value \"1500ms\" of \"max-age=\", whole seconds are expected");
  expect_error([] { hsts({"includesubdomains"}); },
               "unexpected word \"includesubdomains\", did you mean \"includeSubDomains\"?");
}

headers::HttpsPolicy https(std::vector<std::string_view> list) {
  list.insert(list.begin(), "guard_https");
  return headers::parse_https(words(std::move(list)));
}

void https_words(void**) {
  using Action = headers::HttpsPolicy::Action;
  assert_true(https({"redirect"}).action == Action::redirect);
  assert_true(https({"require"}).action == Action::require);
  assert_true(https({"off"}).action == Action::off);
  assert_int_equal(https({"redirect"}).port, 443);
  const auto policy = https({"redirect", "except=/health,/a", "/b", "port=8443", "except=/c"});
  assert_int_equal(policy.port, 8443);
  assert_int_equal(policy.except.all().size(), 4);
  expect_text(policy.except.all()[2], "/b");

  expect_error([] { https({}); }, "invalid number of arguments in \"guard_https\" directive");
  expect_error([] { https({"on"}); },
               "invalid value \"on\" of \"guard_https\", it must be \"off\", \"redirect\" or "
               "\"require\"");
  expect_error(
      [] {
        https({"redirect", "port=0"});
      },
      "invalid value \"0\" of \"port=\", a number from 1 to 65535 is expected");
  expect_error([] { https({"redirect", "port=1", "port=2"}); }, "duplicate parameter \"port=\"");
  expect_error([] { https({"require", "port=1"}); }, "\"port=\" has no meaning with \"require\"");
  expect_error(
      [] {
        https({"redirect", "except=health"});
      },
      "invalid value \"health\" of \"except=\", it must begin with \"/\"");
  expect_error([] { https({"redirect", "except="}); }, "\"except=\" needs a value");
  expect_error(
      [] {
        https({"redirect", "except=/a,"});
      },
      "invalid value \"\" of \"except=\", it must begin with \"/\"");
  expect_error(
      [] {
        https({"redirect", "except=/"});
      },
      "invalid value \"/\" of \"except=\", it would except every request");
  expect_error(
      [] {
        https({"redirect", "except=/a/*"});
      },
      "invalid value \"/a/*\" of \"except=\", \"/a/\" covers all below it");
  expect_error(
      [] {
        https({"redirect", "except=/a", "/a"});
      },
      "duplicate value \"/a\" of \"except=\"");
  expect_error([] { https({"redirect", "/a"}); }, "unexpected word \"/a\"");
}

headers::HideChoice hide(std::vector<std::vector<std::string_view>> directives) {
  headers::HideChoice choice;
  bool first = true;
  for (auto& list : directives) {
    list.insert(list.begin(), "guard_hide_headers");
    headers::parse_hide_headers(words(std::move(list)), choice, first);
    first = false;
  }
  return choice;
}

void hide_words(void**) {
  const auto on = hide({{"on"}});
  assert_true(on.known && !on.adds && !on.off);
  const auto names = hide({{"X-A", "X-B"}, {"on"}});
  assert_true(names.known && names.names.size() == 2);
  assert_true(hide({{"off"}}).off);
  expect_error([] { hide({{}}); },
               "invalid number of arguments in \"guard_hide_headers\" directive");
  expect_error(
      [] {
        hide({{"off"}, {"on"}});
      },
      "\"guard_hide_headers\" after \"guard_hide_headers off\"");
  expect_error(
      [] {
        hide({{"on"}, {"off"}});
      },
      "\"guard_hide_headers off\" after \"guard_hide_headers\"");
  expect_error([] { hide({{"X-A", "x-a"}}); }, "duplicate header field \"x-a\"");
  expect_error([] { hide({{"X A"}}); }, "invalid header field name \"X A\"");
  expect_error([] { hide({{"Content-Length"}}); },
               "header field \"Content-Length\" cannot be hidden, nginx makes it");

  const auto added = headers::merge_hide(on, hide({{"+X-C"}}));
  assert_true(added.known && added.names.size() == 1);
  const auto replaced = headers::merge_hide(on, hide({{"X-C"}}));
  assert_false(replaced.known);
  const auto cleared = headers::merge_hide(on, hide({{"off"}}));
  assert_true(cleared.off);
}

void excepted_paths(void**) {
  const auto policy = https({"redirect", "except=/health,/acme/"});
  assert_true(policy.except.cover("/health"));
  assert_true(policy.except.cover("/health/live"));
  assert_false(policy.except.cover("/healthz"));
  assert_false(policy.except.cover("/Health"));
  assert_true(policy.except.cover("/acme/x"));
  assert_false(policy.except.cover("/acme"));
  assert_false(policy.except.cover("/"));
}

std::string location(std::string_view host, std::uint16_t port, std::string_view target) {
  std::string out(headers::location_size_max(host, target), '?');
  out.resize(headers::write_location(host, port, target, out));
  return out;
}

void locations(void**) {
  expect_text(location("example.com", 443, "/a?b=c"), "https://example.com/a?b=c");
  expect_text(location("example.com", 8443, "/"), "https://example.com:8443/");
  expect_text(location("[::1]", 65535, "?a"), "https://[::1]:65535/?a");
  expect_text(location("example.com", 443, ""), "https://example.com/");
  expect_text(location("example.com", 443, "//evil.test/"), "https://example.com//evil.test/");
  char small[10];
  assert_int_equal(headers::write_location("example.com", 443, "/", small), 0);
  assert_int_equal(headers::redirect_status("GET"), 301);
  assert_int_equal(headers::redirect_status("HEAD"), 301);
  assert_int_equal(headers::redirect_status("POST"), 308);
  assert_int_equal(headers::redirect_status("get"), 308);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(profiles),
      cmocka_unit_test(fields),
      cmocka_unit_test(rules_merge_by_name),
      cmocka_unit_test(hsts_values),
      cmocka_unit_test(https_words),
      cmocka_unit_test(hide_words),
      cmocka_unit_test(excepted_paths),
      cmocka_unit_test(locations),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
