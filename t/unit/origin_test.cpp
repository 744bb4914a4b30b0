// Origins: what is one, which are equal, which a list of guard_cors and guard_csrf admits.

#include "origin/origin.h"

#include <string>

#include "origin/origin_list.h"
#include "unit.h"

namespace origin = guard::origin;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

void expect_origin(std::string_view text, std::string_view scheme, std::string_view host,
                   unsigned port) {
  const auto parsed = origin::parse_origin(text);
  assert_true(parsed.has_value());
  expect_text(parsed->scheme, scheme);
  expect_text(parsed->host, host);
  assert_int_equal(parsed->port, port);
}

void origins(void**) {
  expect_origin("https://app.example.com", "https", "app.example.com", 443);
  expect_origin("http://app.example.com", "http", "app.example.com", 80);
  expect_origin("https://a:8443", "https", "a", 8443);
  expect_origin("https://a:443", "https", "a", 443);
  expect_origin("http://a:65535", "http", "a", 65535);
  expect_origin("https://192.0.2.1:1", "https", "192.0.2.1", 1);
  expect_origin("https://[2001:db8::1]", "https", "[2001:db8::1]", 443);
  expect_origin("https://[::1]:8443", "https", "[::1]", 8443);
  expect_origin("capacitor://localhost", "capacitor", "localhost", 0);
  expect_origin("chrome-extension://abc", "chrome-extension", "abc", 0);
  expect_origin("https://my_host.example.", "https", "my_host.example.", 443);
  expect_origin("https://xn--bcher-kva.example", "https", "xn--bcher-kva.example", 443);
  expect_origin("https://" + std::string(253, 'a'), "https", std::string(253, 'a'), 443);
}

void not_origins(void**) {
  for (std::string_view text : {"",
                                "null",
                                "*",
                                "https",
                                "https:",
                                "https:/",
                                "https://",
                                "//a",
                                "://a",
                                "a",
                                "a.b:80",
                                "https:a",
                                "https:///a",
                                "https://a/",
                                "https://a/b",
                                "https://a?b",
                                "https://a#b",
                                "https://u@a",
                                "https://u:p@a",
                                "https://a b",
                                " https://a",
                                "https://a ",
                                "https://a\t",
                                "https://a:",
                                "https://a:0",
                                "https://a:01",
                                "https://a:65536",
                                "https://a:8x",
                                "https://a:-1",
                                "https://a:+1",
                                "https://a:80:80",
                                "https://a:99999999999",
                                "https://.a",
                                "https://a..b",
                                "https://.",
                                "https://*.a",
                                "https://a%2eb",
                                "https://a{b",
                                "https://a\\b",
                                "https://a,https://b",
                                "https://a https://b",
                                "https://[::1",
                                "https://::1",
                                "https://[]",
                                "https://[1.2.3.4]",
                                "https://[::1]a",
                                "https://[::1]:",
                                "https://[g::1]",
                                "1http://a",
                                "ht tp://a",
                                "https://b\xc3\xbc"
                                "cher.example"}) {
    if (origin::parse_origin(text)) print_message("\"%s\" is taken\n", std::string(text).c_str());
    assert_false(origin::parse_origin(text).has_value());
  }
  assert_false(origin::parse_origin(std::string_view("https://a\0.b", 12)).has_value());
  assert_false(origin::parse_origin("https://" + std::string(255, 'a')).has_value());
  assert_false(origin::parse_origin(std::string(33, 'a') + "://a").has_value());
  assert_false(origin::parse_origin("https://" + std::string(100000, 'a')).has_value());
}

void equality(void**) {
  const auto same = [](std::string_view a, std::string_view b) {
    return origin::same_origin(*origin::parse_origin(a), *origin::parse_origin(b));
  };
  assert_true(same("https://a.example", "HTTPS://A.Example:443"));
  assert_true(same("http://a.example:80", "http://a.example"));
  assert_false(same("https://a.example", "http://a.example"));
  assert_false(same("https://a.example:80", "http://a.example"));
  assert_false(same("https://a.example", "https://a.example:444"));
  assert_false(same("https://a.example", "https://b.example"));
  assert_false(same("https://a.example", "https://a.example."));
  assert_false(same("ws://a.example", "http://a.example"));
}

void hosts(void**) {
  const auto same = [](std::string_view a, std::string_view host) {
    const auto authority = origin::parse_authority(host);
    return authority && origin::same_host(*origin::parse_origin(a), *authority);
  };
  assert_true(same("https://a.example", "a.example"));
  assert_true(same("https://a.example", "A.EXAMPLE:443"));
  assert_true(same("http://a.example:80", "a.example"));
  assert_true(same("http://[::1]:81", "[::1]:81"));
  assert_false(same("https://a.example", "a.example:80"));
  assert_false(same("https://a.example:8443", "a.example"));
  assert_false(same("https://a.example", "b.a.example"));
  assert_false(same("https://a.example", ""));
  assert_false(same("https://a.example", "a.example:"));
  assert_false(same("https://a.example", "u@a.example"));
}

origin::OriginList list(std::initializer_list<std::string_view> words) {
  origin::OriginList made;
  for (std::string_view word : words) made.add(word);
  return made;
}

void lists(void**) {
  const auto exact = list({"https://app.example.com", "http://[::1]:3000"});
  assert_true(exact.contains("https://app.example.com"));
  assert_true(exact.contains("https://APP.example.com:443"));
  assert_true(exact.contains("http://[::1]:3000"));
  for (std::string_view other :
       {"http://app.example.com", "https://app.example.com:444", "https://app.example.com.evil",
        "https://b.app.example.com", "https://xapp.example.com", "null", "", "*"}) {
    assert_false(exact.contains(other));
  }
  const auto wide = list({"https://*.example.com:8443", "null"});
  assert_true(wide.contains("https://a.example.com:8443"));
  assert_true(wide.contains("https://a.B.example.com:8443"));
  assert_true(wide.contains("null"));
  for (std::string_view other :
       {"https://example.com:8443", "https://.example.com:8443", "https://a.example.com",
        "https://aexample.com:8443", "http://a.example.com:8443", "https://*.example.com:8443",
        "https://a.example.com.evil:8443", "https://a.example.com:8443.evil", "Null"}) {
    assert_false(wide.contains(other));
  }
  const auto any = list({"*"});
  assert_true(any.contains("https://a") && any.contains("null") && any.contains("rubbish"));
  assert_false(list({}).contains("https://a"));
  expect_text(list({"HTTPS://A.example:443"}).entries()[0].text, "https://a.example");
  expect_text(list({"http://*.A.example:8080"}).entries()[0].text, "http://*.a.example:8080");
}

void mistakes(void**) {
  const auto refuses = [](std::string_view word, std::string_view text) {
    expect_error([&] { list({"https://first.example", word}); }, text);
  };
  refuses("app.example.com",
          "invalid origin \"app.example.com\", it has no scheme, did you mean "
          "\"https://app.example.com\"?");
  refuses("https://a.example/",
          "invalid origin \"https://a.example/\", it has no path, did you mean "
          "\"https://a.example\"?");
  refuses("https://a.example/x?y",
          "invalid origin \"https://a.example/x?y\", it has no path, did you mean "
          "\"https://a.example\"?");
  refuses("$http_origin",
          "invalid origin \"$http_origin\", variables are not taken: an origin that comes from the "
          "request admits every site");
  refuses(
      "https://b\xc3\xbc"
      "cher.example:8443",
      "invalid origin \"https://b\xc3\xbc"
      "cher.example:8443\", browsers send \"https://xn--bcher-kva.example:8443\"");
  refuses("https://*", "invalid origin \"https://*\", it is every site, which is \"*\"");
  refuses("https://*:8443", "invalid origin \"https://*:8443\", it is every site, which is \"*\"");
  refuses("https://*.com.", "invalid origin \"https://*.com.\", it is every site under \"com.\"");
  refuses("https://*.com", "invalid origin \"https://*.com\", it is every site under \"com\"");
  refuses("https://*.192.0.2.1",
          "invalid origin \"https://*.192.0.2.1\", an address has no subdomains");
  for (std::string_view word : {"https://a*.example", "https://a.*.example", "*.example.com",
                                "https://*.*.example.com", "https://*example.com", "**"}) {
    refuses(word, "invalid origin \"" + std::string(word) +
                      "\", \"*\" stands for whole labels in front of a host name, as in "
                      "\"https://*.example.com\"");
  }
  for (std::string_view word : {"https://a b", "https://a:0", "https://u@a.example", "", "a b"}) {
    refuses(word, "invalid origin \"" + std::string(word) +
                      "\", one like \"https://app.example.com\" or \"https://*.example.com\" is "
                      "expected");
  }
  refuses("https://FIRST.example:443", "duplicate origin \"https://FIRST.example:443\"");
  refuses("*", "origin \"*\" beside others");
  expect_error([] { list({"*", "null"}); }, "origin \"*\" beside others");
  expect_error([] { list({"null", "null"}); }, "duplicate origin \"null\"");
  expect_error(
      [] {
        origin::OriginList full;
        for (int i = 0; i <= 256; ++i) full.add("https://a" + std::to_string(i) + ".example");
      },
      "more than 256 origins");
  list({"https://*.localhost:3000", "https://*.example.com"});
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(origins), cmocka_unit_test(not_origins), cmocka_unit_test(equality),
      cmocka_unit_test(hosts),   cmocka_unit_test(lists),       cmocka_unit_test(mistakes),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
