#include "headers/cookies.h"

#include "unit.h"

namespace core = guard::core;
namespace headers = guard::headers;
using guard::unit::expect_text;

namespace {

headers::CookiePolicy policy(std::vector<std::string_view> list) {
  list.insert(list.begin(), "guard_cookies");
  core::Words words(std::move(list));
  return headers::parse_cookies(words);
}

std::string flagged(std::string_view field, const headers::CookiePolicy& policy,
                    bool https = true) {
  const auto missing = headers::what_is_missing(field, policy, https);
  std::string out(field.size() + headers::kCookieAdditionsMax, '\0');
  out.resize(headers::write_cookie(field, missing, out));
  return out;
}

void attributes(void**) {
  const auto all = policy({});
  expect_text(flagged("a=b", all), "a=b; Secure; HttpOnly; SameSite=Lax");
  expect_text(flagged("a=b; httponly ; SECURE;samesite = none", all),
              "a=b; httponly ; SECURE;samesite = none");
  expect_text(flagged("a=b; SameSite=whatever", all),
              "a=b; SameSite=whatever; Secure; HttpOnly; SameSite=Lax");
  expect_text(flagged("a=b; SameSite=Lax; SameSite=x", all),
              "a=b; SameSite=Lax; SameSite=x; Secure; HttpOnly; SameSite=Lax");
  expect_text(flagged("a=b; Secure=1; HttpOnly=0", all), "a=b; Secure=1; HttpOnly=0; SameSite=Lax");
  // What merely looks like an attribute.
  expect_text(flagged("a=Secure; Path=/HttpOnly", all),
              "a=Secure; Path=/HttpOnly; Secure; HttpOnly; SameSite=Lax");
  expect_text(flagged("Secure", all), "Secure; Secure; HttpOnly; SameSite=Lax");
  expect_text(flagged("", all), "; Secure; HttpOnly; SameSite=Lax");
  expect_text(flagged("a=b", all, false), "a=b; HttpOnly; SameSite=Lax");
}

void same_site(void**) {
  const auto none = policy({"secure", "samesite=none"});
  expect_text(flagged("a=b", none), "a=b; Secure; SameSite=None");
  expect_text(flagged("a=b", none, false), "a=b");
  expect_text(flagged("a=b; Secure", none, false), "a=b; Secure; SameSite=None");
}

void prefixes(void**) {
  const auto few = policy({"httponly"});
  expect_text(flagged("__Host-a=b", few), "__Host-a=b; Path=/; Secure; HttpOnly");
  expect_text(flagged("__HOST-a=b; path=/", few), "__HOST-a=b; path=/; Secure; HttpOnly");
  expect_text(flagged("__Secure-a=b", few), "__Secure-a=b; Secure; HttpOnly");
  expect_text(flagged("__Secure-a=b", few, false), "__Secure-a=b; HttpOnly");
  expect_text(flagged("__Hosta=b", few), "__Hosta=b; HttpOnly");
}

void exceptions(void**) {
  const auto some = policy({"httponly", "except=a,b"});
  expect_text(flagged(" a = 1", some), " a = 1");
  expect_text(flagged("b=1", some), "b=1");
  expect_text(flagged("A=1", some), "A=1; HttpOnly");
  expect_text(flagged("a", some), "a; HttpOnly");
}

void room(void**) {
  char small[8];
  assert_int_equal(headers::write_cookie("a=b", {}, small), 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(attributes), cmocka_unit_test(same_site), cmocka_unit_test(prefixes),
      cmocka_unit_test(exceptions), cmocka_unit_test(room),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
