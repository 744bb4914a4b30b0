#include "redis/policy.h"

#include "unit.h"

namespace redis = guard::redis;
namespace core = guard::core;
using guard::unit::expect_text;
using std::chrono_literals::operator""ms;

namespace {

redis::Policy parse(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_redis");
  core::Words parsed(words);
  return redis::parse_policy(parsed, words.size() > 2 ? words[2] : "");
}

void expect_error(std::vector<std::string_view> words, std::string_view expected) {
  guard::unit::expect_error([&] { parse(words); }, expected);
}

void defaults(void**) {
  const redis::Policy policy = parse({"main", "redis://h"});
  expect_text(policy.name, "main");
  expect_text(policy.zone_name(), "guard_redis:main");
  assert_true(policy.timeout == 50ms);
  assert_true(policy.connect_timeout == 500ms);
  assert_int_equal(policy.pool, 1);
  assert_true(policy.tls_verify);
  expect_text(policy.prefix, "guard:");
  expect_text(policy.user, "");
  expect_text(policy.password_word, "");
}

void all_words(void**) {
  const redis::Policy policy =
      parse({"a.b-c_1", "rediss://h", "username=app", "password=file:/p", "timeout=2s",
             "connect_timeout=3s", "pool=4", "tls_ca=/ca", "tls_cert=/c", "tls_key=/k",
             "tls_name=n", "tls_verify=on", "prefix=x:"});
  expect_text(policy.user, "app");
  expect_text(policy.password_word, "file:/p");
  assert_true(policy.timeout == 2000ms);
  assert_true(policy.connect_timeout == 3000ms);
  assert_int_equal(policy.pool, 4);
  expect_text(policy.tls_ca, "/ca");
  expect_text(policy.tls_cert, "/c");
  expect_text(policy.tls_key, "/k");
  expect_text(policy.tls_name, "n");
  expect_text(policy.prefix, "x:");
  // Not shorter than a command may take, unless it is said.
  assert_true(parse({"a", "redis://h", "timeout=2s"}).connect_timeout == 2000ms);
  assert_true(parse({"a", "redis://h", "timeout=2s", "connect_timeout=1s"}).connect_timeout ==
              1000ms);
  assert_false(parse({"a", "rediss://h", "tls_verify=off"}).tls_verify);
  expect_text(parse({"a", "redis+sentinel://h/m", "sentinel_password=s"}).sentinel_password_word,
              "s");
  expect_text(parse({"a", "redis://u:p@h"}).user, "u");
}

void mistakes(void**) {
  constexpr std::string_view kNames =
      ", up to 64 letters, digits, \"_\", \".\" and \"-\" are expected, and not \"off\"";
  expect_error({"off", "redis://h"}, "invalid Redis name \"off\"" + std::string(kNames));
  expect_error({"a b", "redis://h"}, "invalid Redis name \"a b\"" + std::string(kNames));
  expect_error({"a", "redis://h", "pol=1"}, "unknown parameter \"pol=\", did you mean \"pool=\"?");
  expect_error({"a", "redis://h", "pool=0"},
               "invalid value \"0\" of \"pool\", a number from 1 to 64 is expected");
  expect_error({"a", "redis://h", "timeout=0"},
               "invalid value \"0\" of \"timeout\", a time from 1ms to 1m is expected");
  expect_error({"a", "redis://h", "connect_timeout=2m"},
               "invalid value \"2m\" of \"connect_timeout\", a time from 1ms to 1m is expected");
  expect_error({"a", "redis://h", "username=u"}, "\"username=\" without \"password=\"");
  expect_error({"a", "redis://u:p@h", "username=u"}, "\"username=\" beside a user in the URL");
  expect_error({"a", "redis://u:p@h", "password=q"}, "\"password=\" beside a password in the URL");
  expect_error({"a", "redis://h", "sentinel_password=q"},
               "\"sentinel_password=\" without a \"redis+sentinel://\" URL");
  for (std::string word : {"tls_ca", "tls_cert", "tls_key", "tls_name", "tls_verify"}) {
    const std::string said = word + "=on";
    expect_error({"a", "redis://h", said}, "\"" + word + "=\" without a \"rediss://\" URL");
  }
  expect_error({"a", "rediss://h", "tls_cert=/c"},
               "\"tls_cert=\" and \"tls_key=\" need each other");
  expect_error({"a", "rediss://h", "tls_key=/c"}, "\"tls_cert=\" and \"tls_key=\" need each other");
  expect_error({"a", "rediss://h", "tls_ca=/c", "tls_verify=off"},
               "\"tls_ca=\" beside \"tls_verify=off\"");
  expect_error({"a", "rediss://h", "tls_verify=no"},
               "invalid value \"no\" of \"tls_verify\", it must be \"on\" or \"off\"");
  for (std::string prefix : {"a b", "a{b", "a}b", "\xc3\xa9"}) {
    const std::string said = "prefix=" + prefix;
    expect_error({"a", "redis://h", said},
                 "invalid value \"" + prefix +
                     "\" of \"prefix\", up to 64 printable ASCII characters without \"{\" and "
                     "\"}\" are expected");
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(defaults), cmocka_unit_test(all_words),
                              cmocka_unit_test(mistakes)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
