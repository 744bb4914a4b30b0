// CORS and CSRF: what a policy says of a request; the token.

#include "origin/cors.h"

#include <string>
#include <vector>

#include "origin/csrf.h"
#include "origin/csrf_token.h"
#include "origin/policy.h"
#include "unit.h"

namespace core = guard::core;
namespace origin = guard::origin;
using guard::unit::expect_error;
using guard::unit::expect_text;
using origin::BrowserFields;
using origin::Caller;
using origin::CsrfVerdict;
using origin::PreflightFlaw;

namespace {

origin::CorsPolicy cors(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_cors");
  return origin::parse_cors(core::Words(std::move(words)));
}

origin::CsrfPolicy csrf(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_csrf");
  core::Words said(std::move(words));
  return origin::parse_csrf(said);
}

void cors_policy(void**) {
  const auto plain = cors({"https://a.example"});
  expect_text(plain.allow_methods, "GET, HEAD, POST");
  expect_text(plain.allow_headers, "");
  expect_text(plain.max_age, "600");
  assert_false(plain.off || plain.credentials || plain.strict || plain.private_network);
  const auto full = cors({"https://a.example", "null", "methods=PUT,PURGE", "headers=X-A,x-b",
                          "expose=ETag", "max_age=1d", "private_network", "strict"});
  expect_text(full.allow_methods, "PUT, PURGE");
  expect_text(full.allow_headers, "X-A, x-b");
  expect_text(full.max_age, "86400");
  assert_true(full.strict && full.private_network);
  assert_true(cors({"off"}).off);
  assert_true(cors({"https://a.example", "credentials"}).credentials);
  expect_error([] { cors({"credentials"}); }, "no origin in \"guard_cors\" directive");
}

BrowserFields from(std::string_view text) {
  BrowserFields fields;
  fields.has_origin = true;
  fields.origin = text;
  return fields;
}

void callers(void**) {
  const auto policy = cors({"https://a.example", "https://*.b.example"});
  const origin::Target target{"POST", "https", "site.example"};
  const auto caller = [&](const BrowserFields& fields) {
    return origin::caller_of(policy, fields, target);
  };
  assert_true(caller({}) == Caller::unknown);
  assert_true(caller(from("https://a.example")) == Caller::allowed);
  assert_true(caller(from("https://x.b.example")) == Caller::allowed);
  assert_true(caller(from("https://site.example")) == Caller::same);
  assert_true(caller(from("https://site.example:443")) == Caller::same);
  assert_true(caller(from("http://site.example")) == Caller::foreign);
  assert_true(caller(from("https://site.example:444")) == Caller::foreign);
  assert_true(caller(from("null")) == Caller::foreign);
  assert_true(caller(from("")) == Caller::foreign);
  BrowserFields fields = from("null");
  fields.fetch_site = "same-origin";
  assert_true(caller(fields) == Caller::same);
  fields.repeated = BrowserFields::site_field;
  assert_true(caller(fields) == Caller::foreign);
  fields = from("https://a.example");
  fields.repeated = BrowserFields::origin_field;
  assert_true(caller(fields) == Caller::foreign);
}

void preflights(void**) {
  const auto policy = cors({"https://a.example", "methods=PUT", "headers=X-Token,Content-Type"});
  const auto flaw = [&](std::string_view method, std::string_view headers) {
    BrowserFields fields = from("https://a.example");
    fields.has_request_method = true;
    fields.request_method = method;
    fields.request_headers = headers;
    assert_true(origin::is_preflight(fields, "OPTIONS"));
    assert_false(origin::is_preflight(fields, "GET"));
    return origin::preflight_flaw(policy, fields);
  };
  for (std::string_view method : {"GET", "HEAD", "POST", "PUT"}) {
    assert_true(flaw(method, "") == PreflightFlaw::none);
  }
  assert_true(flaw("PUT", "x-token") == PreflightFlaw::none);
  assert_true(flaw("PUT", ",, content-type ,\tX-TOKEN,") == PreflightFlaw::none);
  assert_true(flaw("put", "") == PreflightFlaw::method);
  assert_true(flaw("DELETE", "x-other") == PreflightFlaw::method);
  assert_true(flaw("PUT", "x-token,x-other") == PreflightFlaw::header);
  assert_true(flaw("PUT", "*") == PreflightFlaw::header);
  assert_true(flaw("PUT", "x token") == PreflightFlaw::syntax);
  assert_true(flaw("", "") == PreflightFlaw::syntax);
  const auto any = cors({"*", "methods=*", "headers=*"});
  BrowserFields fields = from("https://a.example");
  fields.request_method = "PURGE";
  fields.request_headers = "x-anything";
  assert_true(origin::preflight_flaw(any, fields) == PreflightFlaw::none);
  fields.request_headers = "Authorization";
  assert_true(origin::preflight_flaw(any, fields) == PreflightFlaw::header);
  fields.request_headers = "";
  fields.private_network = "true";
  assert_true(origin::preflight_flaw(any, fields) == PreflightFlaw::private_network);
  fields.private_network = "false";
  assert_true(origin::preflight_flaw(any, fields) == PreflightFlaw::none);
}

void answers(void**) {
  assert_true(origin::is_cors_field("access-control-ALLOW-origin"));
  assert_true(origin::is_cors_field("Access-Control-Max-Age"));
  assert_false(origin::is_cors_field("Access-Control-"));
  assert_false(origin::is_cors_field("Access-Control-Request-Method"));
  assert_false(origin::is_cors_field("X-Access-Control-Max-Age"));
  assert_true(origin::varies_by_origin("Accept, ORIGIN"));
  assert_true(origin::varies_by_origin(" * "));
  assert_false(origin::varies_by_origin("Accept, X-Origin"));
  assert_false(origin::varies_by_origin(""));
}

void unsafe(void**) {
  const auto upgrade = [](std::string_view text) {
    BrowserFields fields;
    fields.upgrade = text;
    return origin::is_unsafe(fields, "GET");
  };
  for (std::string_view method : {"GET", "HEAD", "OPTIONS"}) {
    assert_false(origin::is_unsafe({}, method));
  }
  for (std::string_view method : {"POST", "PUT", "DELETE", "PROPFIND", "get", ""}) {
    assert_true(origin::is_unsafe({}, method));
  }
  assert_true(upgrade("websocket"));
  assert_true(upgrade("h2c ,\tWebSocket/13"));
  assert_false(upgrade("h2c"));
  assert_false(upgrade("websockets"));
  assert_false(upgrade("x-websocket"));
}

CsrfVerdict judge(std::string_view site, std::string_view text, std::string_view host,
                  std::string_view scheme = "http") {
  static const auto policy = csrf({"on", "trusted=https://trusted.example,https://*.t.example"});
  BrowserFields fields;
  if (text != "-") fields = from(text);
  fields.fetch_site = site;
  return origin::judge_csrf(policy, fields, {"POST", scheme, host});
}

void csrf_verdicts(void**) {
  for (std::string_view site : {"same-origin", "none"}) {
    assert_true(judge(site, "https://evil.example", "a") == CsrfVerdict::pass);
  }
  for (std::string_view site : {"cross-site", "same-site", "SAME-ORIGIN", "x"}) {
    assert_true(judge(site, "http://a", "a") == CsrfVerdict::cross_site);
    assert_true(judge(site, "https://trusted.example", "a") == CsrfVerdict::pass);
    assert_true(judge(site, "https://x.t.example", "a") == CsrfVerdict::pass);
    assert_true(judge(site, "-", "a") == CsrfVerdict::cross_site);
  }
  assert_true(judge("", "-", "a") == CsrfVerdict::unknown);
  assert_true(judge("", "", "a") == CsrfVerdict::unknown);
  assert_true(judge("", "http://a", "a") == CsrfVerdict::pass);
  assert_true(judge("", "https://a", "a") == CsrfVerdict::pass);
  assert_true(judge("", "https://a", "a", "https") == CsrfVerdict::pass);
  assert_true(judge("", "http://a", "a", "https") == CsrfVerdict::other_origin);
  assert_true(judge("", "http://a:81", "a") == CsrfVerdict::other_origin);
  assert_true(judge("", "http://a", "a:81") == CsrfVerdict::other_origin);
  assert_true(judge("", "null", "a") == CsrfVerdict::other_origin);
  assert_true(judge("", "http://a", "") == CsrfVerdict::other_origin);
  assert_true(judge("", "https://trusted.example", "a") == CsrfVerdict::pass);
  assert_true(judge("", "http://trusted.example", "a") == CsrfVerdict::other_origin);
}

constexpr std::array<std::uint8_t, 16> kKey = {1, 2,  3,  4,  5,  6,  7,  8,
                                               9, 10, 11, 12, 13, 14, 15, 16};

std::string token_for(std::string_view session) {
  std::array<char, origin::kTokenSize> text;
  assert_true(origin::make_token(kKey, session, text));
  return {text.data(), text.size()};
}

void tokens(void**) {
  const std::string token = token_for("session");
  assert_true(origin::is_token_of(kKey, "session", token));
  assert_false(origin::is_token_of(kKey, "sessio", token));
  assert_false(origin::is_token_of(kKey, "", token));
  assert_true(origin::is_token_of(kKey, "", token_for("")));
  assert_true(token != token_for("session"));
  auto other = kKey;
  other[15] ^= 1;
  assert_false(origin::is_token_of(other, "session", token));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '0' ? '1' : '0';
    assert_false(origin::is_token_of(kKey, "session", changed));
    changed[i] = 'g';
    assert_false(origin::is_token_of(kKey, "session", changed));
  }
  assert_false(origin::is_token_of(kKey, "session", ""));
  assert_false(origin::is_token_of(kKey, "session", token + "0"));
  assert_false(origin::is_token_of(kKey, "session", token.substr(1)));
  // A token's own bytes cannot be shifted into the session.
  assert_false(origin::is_token_of(kKey, token + "session", token));
  std::array<char, origin::kTokenSize> text;
  assert_false(origin::make_token(kKey, std::string(4097, 'a'), text));
  assert_true(origin::make_token(kKey, std::string(4096, 'a'), text));
  assert_true(origin::same_token("ab", "ab"));
  assert_false(origin::same_token("ab", "ac") || origin::same_token("ab", "abc"));
}

void cookies(void**) {
  const auto find = [](std::string_view field, std::string_view name) {
    origin::FoundCookie found;
    origin::find_cookie(field, name, found);
    return std::to_string(found.count) + " " + std::string(found.value);
  };
  expect_text(find("a=1; sid=x; b=2", "sid"), "1 x");
  expect_text(find("sid=x;sid=y", "sid"), "2 x");
  expect_text(find("sid=a=b; c", "sid"), "1 a=b");
  expect_text(find(" sid = \"x\" ;", "sid"), "1 \"x\"");
  expect_text(find("xsid=1; sidx=2; SID=3; sid", "sid"), "0 ");
  expect_text(find("sid=", "sid"), "1 ");
  expect_text(find("", "sid"), "0 ");
  expect_text(find(";;=;", "sid"), "0 ");
  expect_text(*origin::set_cookie_value("sid=new; Path=/; HttpOnly", "sid"), "new");
  assert_false(origin::set_cookie_value("other=1; sid=2", "sid").has_value());
  assert_false(origin::set_cookie_value("", "sid").has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(cors_policy), cmocka_unit_test(callers), cmocka_unit_test(preflights),
      cmocka_unit_test(answers),     cmocka_unit_test(unsafe),  cmocka_unit_test(csrf_verdicts),
      cmocka_unit_test(tokens),      cmocka_unit_test(cookies),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
