#include "headers/csp.h"

#include <algorithm>

#include "headers/csp_check.h"
#include "headers/csp_policy.h"
#include "unit.h"

namespace core = guard::core;
namespace headers = guard::headers;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

std::string read(std::string_view text) {
  return headers::parse_csp(text).text();
}

void parsing(void**) {
  expect_text(read("default-src 'self'"), "default-src 'self'");
  expect_text(read(" ;; \tDEFAULT-SRC\n 'self'  A.example ;"), "default-src 'self' A.example");
  expect_text(read("a 1; A 2; b"), "a 1; b");
  expect_text(read(""), "");
  expect_text(read(" ; ;"), "");
  expect_text(read("script-src 'NONCE'"), "script-src 'nonce'");
  assert_int_equal(headers::parse_csp("a; a; a").repeated.size(), 2);
  assert_true(headers::parse_csp("script-src 'Nonce'").has_nonce());
  assert_false(headers::parse_csp("script-src 'nonce-abc'").has_nonce());
}

std::string effective(std::string_view policy, std::string_view name) {
  const headers::CspPolicy parsed = headers::parse_csp(policy);
  const headers::CspDirective* directive = parsed.effective(name);
  return directive == nullptr ? "none" : directive->name;
}

void fallbacks(void**) {
  expect_text(effective("default-src a", "img-src"), "default-src");
  expect_text(effective("default-src a; script-src b", "script-src-elem"), "script-src");
  expect_text(effective("default-src a; script-src b; child-src c", "worker-src"), "child-src");
  expect_text(effective("default-src a; script-src b", "worker-src"), "script-src");
  expect_text(effective("default-src a; script-src b", "frame-src"), "default-src");
  expect_text(effective("default-src a; child-src b", "fenced-frame-src"), "child-src");
  expect_text(effective("default-src a", "form-action"), "none");
  expect_text(effective("script-src a", "style-src"), "none");
  expect_text(effective("script-src a", "no-such"), "none");
}

std::string added(std::string_view policy, std::string_view directive,
                  std::vector<std::string> sources) {
  headers::CspPolicy parsed = headers::parse_csp(policy);
  return headers::add_sources(parsed, directive, sources) ? parsed.text() : "no";
}

void additions(void**) {
  expect_text(added("img-src a", "img-src", {"b", "a"}), "img-src a b");
  expect_text(added("img-src 'none'", "img-src", {"b"}), "img-src b");
  expect_text(added("default-src 'self'", "img-src", {"b"}),
              "default-src 'self'; img-src 'self' b");
  expect_text(added("default-src 'NONE'", "img-src", {"b"}), "default-src 'NONE'; img-src b");
  expect_text(added("default-src 'self'", "frame-ancestors", {"b"}), "no");
  expect_text(added("sandbox", "sandbox", {"allow-forms"}), "sandbox allow-forms");
}

std::string warnings(std::string_view policy,
                     headers::CspDisposition disposition = headers::CspDisposition::enforce) {
  std::string text;
  for (const std::string& warning : headers::check_csp(headers::parse_csp(policy), disposition)) {
    text += warning + "\n";
  }
  return text;
}

void silent(void**) {
  for (std::string_view good : {
           "default-src 'self'; base-uri 'none'",
           "default-src 'none'; frame-ancestors 'none'",
           "frame-ancestors 'none'",
           "upgrade-insecure-requests",
           "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; "
           "frame-ancestors 'none'; upgrade-insecure-requests",
           "script-src 'nonce' 'strict-dynamic' https: 'unsafe-inline'; object-src 'none'; "
           "base-uri 'none'",
           "script-src 'sha256-RFWPLDbv2BY+rCkDzsE+0fr8ylGr2R2faWMhq4lfEQc='; object-src 'none'; "
           "base-uri 'none'",
           "default-src https://a.example:8443/path/ *.b.example wss://*.c.example:* http://d; "
           "base-uri 'none'",
           "default-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; sandbox allow-forms",
           "default-src 'self'; base-uri 'none'; trusted-types a 'allow-duplicates'; "
           "require-trusted-types-for 'script'; report-uri /r; report-to r",
       }) {
    expect_text(warnings(good), "");
  }
}

void spoken(void**) {
  using headers::is_csp_source;
  for (std::string_view bad :
       {"'self", "self'", "'sha256-abc'", "https://", "a..b", "http://a:b", "*.", "a*", "https//a",
        "'nonce-'", "1:", "a b", "https://a/?q", ""}) {
    assert_false(is_csp_source(bad));
  }
  for (std::string_view good : {"data:", "https:", "*", "a", "a.example:*", "'nonce'", "'SELF'",
                                "*.a.example/x", "ws://a", "'nonce-YWJj'"}) {
    assert_true(is_csp_source(good));
  }
  expect_text(warnings("default-src *; base-uri 'none'"),
              "\"*\" in \"default-src\" lets scripts from anywhere run\n");
  expect_text(
      warnings("script-src https://* *:443 http://*:* HTTPS: filesystem: https://*.a.example "
               "a.example:*; object-src 'none'; base-uri *:*"),
      "\"https://*\" in \"script-src\" lets scripts from anywhere run\n"
      "\"*:443\" in \"script-src\" lets scripts from anywhere run\n"
      "\"http://*:*\" in \"script-src\" lets scripts from anywhere run\n"
      "\"HTTPS:\" in \"script-src\" lets scripts from anywhere run\n"
      "\"filesystem:\" in \"script-src\" lets scripts from anywhere run\n"
      "\"*:*\" in \"base-uri\" lets an injected <base> take scripts from elsewhere\n");
  // A nonce beside it holds back inline scripts alone.
  expect_text(warnings("script-src 'nonce' https: 'unsafe-inline'; object-src 'none'; base-uri "
                       "'none'"),
              "\"https:\" in \"script-src\" lets scripts from anywhere run\n");
  expect_text(warnings("img-src a"),
              "neither \"script-src\" nor \"default-src\": scripts from anywhere run\n"
              "neither \"object-src\" nor \"default-src\": plugins run, add \"object-src 'none'\"\n"
              "no \"base-uri\": an injected <base> takes scripts from elsewhere, add \"base-uri "
              "'none'\"\n");
  expect_text(warnings("default-src 'none' a; base-uri 'none'"),
              "\"'none'\" beside other sources of \"default-src\" is ignored\n");
  expect_text(
      warnings("script-src 'strict-dynamic'; object-src 'none'; base-uri 'none'"),
      "\"'strict-dynamic'\" in \"script-src\" without a nonce or a hash lets no script run\n");
  expect_text(warnings("frame-ancestors 'unsafe-inline'"),
              "source \"'unsafe-inline'\" has no meaning in \"frame-ancestors\"\n");
  expect_text(warnings("default-src 'self'; base-uri; sandbox allow-script"),
              "directive \"base-uri\" has no source, write \"'none'\" if that is meant\n"
              "unknown flag \"allow-script\" of \"sandbox\", did you mean \"allow-scripts\"?\n");
  expect_text(warnings("upgrade-insecure-requests 1; report-uri"),
              "directive \"upgrade-insecure-requests\" takes no value\n"
              "directive \"report-uri\" needs a value\n");
}

headers::CspChoice choice(std::vector<std::vector<std::string_view>> lines) {
  headers::CspChoice result;
  for (auto& line : lines) {
    core::Words words(line);
    if (line[0] == "guard_csp") {
      headers::parse_csp_directive(words, result);
    } else {
      headers::parse_csp_add(words, result);
    }
  }
  return result;
}

void fields(void**) {
  auto sent = headers::make_csp(choice({{"guard_csp", "script-src 'nonce'", "replace"},
                                        {"guard_csp", "img-src a", "report_only", "report=/r"}}),
                                "default-src 'self'");
  assert_int_equal(sent.policies.size(), 2);
  expect_text(sent.policies[0].name, "Content-Security-Policy");
  expect_text(sent.policies[0].value, "script-src 'nonce-$guard_csp_nonce'");
  assert_true(sent.policies[0].nonce && sent.policies[0].replace);
  expect_text(sent.policies[1].name, "Content-Security-Policy-Report-Only");
  expect_text(sent.policies[1].value, "img-src a; report-uri /r; report-to guard-csp");
  assert_false(sent.policies[1].nonce || sent.policies[1].replace);
  expect_text(sent.endpoints, "guard-csp=\"/r\"");
  assert_false(sent.profile.has_value());

  sent = headers::make_csp({}, "default-src 'self'");
  expect_text(sent.profile->value, "default-src 'self'");
  sent = headers::make_csp(choice({{"guard_csp", "off"}}), "default-src 'self'");
  assert_false(sent.profile.has_value());
  sent = headers::make_csp(choice({{"guard_csp", "img-src a", "report_only"}}), "default-src b");
  expect_text(sent.profile->value, "default-src b");

  const auto outer = choice({{"guard_csp", "img-src a"}, {"guard_csp_add", "img-src", "b"}});
  auto merged = headers::merge_csp(outer, choice({{"guard_csp_add", "img-src", "c"}}));
  expect_text(headers::make_csp(merged, "").policies[0].value, "img-src a b c");
  merged = headers::merge_csp(outer, choice({{"guard_csp", "img-src d"}}));
  expect_text(headers::make_csp(merged, "").policies[0].value, "img-src d");
  merged = headers::merge_csp(outer, {});
  expect_text(headers::make_csp(merged, "").policies[0].value, "img-src a b");
  expect_error(
      [] {
        headers::merge_csp(choice({{"guard_csp", "off"}}),
                           choice({{"guard_csp_add", "img-src", "c"}}));
      },
      "\"guard_csp_add\" below \"guard_csp off\" has nothing to add to");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(parsing), cmocka_unit_test(fallbacks), cmocka_unit_test(additions),
      cmocka_unit_test(silent),  cmocka_unit_test(spoken),    cmocka_unit_test(fields),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
