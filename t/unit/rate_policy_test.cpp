#include "rate/policy.h"

#include <initializer_list>

#include "unit.h"

using namespace guard::rate;
using guard::core::Words;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

Policy policy(std::initializer_list<std::string_view> words) {
  std::vector<std::string_view> all{"guard_rate_policy"};
  all.insert(all.end(), words);
  Words parsed(std::move(all));
  return parse_policy(parsed);
}

Use use(std::initializer_list<std::string_view> words) {
  std::vector<std::string_view> all{"guard_rate"};
  all.insert(all.end(), words);
  Words parsed(std::move(all));
  return parse_use(parsed);
}

void defaults(void**) {
  Policy p = policy({"api", "rate=100/minute"});
  expect_text(p.name, "api");
  assert_int_equal(p.quota.count, 100);
  assert_int_equal(p.quota.period, 60'000'000);
  assert_int_equal(p.quota.burst, 100);
  assert_true(p.quota.algorithm == Algorithm::gcra);
  expect_text(p.key, "$guard_client_net");
  assert_int_equal(p.variables.size(), 1);
  expect_text(p.variables[0], "guard_client_net");
  assert_true(p.phase == Phase::automatic);
  assert_true(p.empty == Empty::skip);
  assert_int_equal(p.zone_size, 10 << 20);
  assert_int_equal(p.status, 429);
  expect_text(p.zone_name(), "guard_rate:api");
  expect_text(p.code(), "rate.api");
  expect_text(p.detail(), "Rate policy \"api\" allows 100 requests per minute");
}

void everything(void**) {
  Policy p = policy({"a-b.C_9", "rate=7/day", "burst=3", "key=$host|${http_x_user}x", "phase=inner",
                     "empty=refuse", "zone=1m", "status=503", "algorithm=gcra", "normalize=none"});
  assert_int_equal(p.quota.count, 7);
  assert_int_equal(p.quota.burst, 3);
  assert_int_equal(p.quota.period, 86'400'000'000);
  assert_int_equal(p.variables.size(), 2);
  expect_text(p.variables[0], "host");
  expect_text(p.variables[1], "http_x_user");
  assert_true(p.phase == Phase::inner);
  assert_true(p.empty == Empty::refuse);
  assert_int_equal(p.zone_size, 1 << 20);
  assert_int_equal(p.status, 503);
  expect_text(p.detail(), "Rate policy \"a-b.C_9\" allows 7 requests per day, 3 at once");
  p = policy({"x", "rate=1/hour", "algorithm=sliding_log", "empty=address", "phase=front"});
  assert_true(p.quota.algorithm == Algorithm::sliding_log);
  assert_int_equal(p.quota.burst, 1);
  assert_true(p.empty == Empty::address);
  expect_text(p.detail(), "Rate policy \"x\" allows 1 request per hour");
  assert_int_equal(policy({"x", "rate=1/second", "key=all"}).variables.size(), 0);
}

void layouts(void**) {
  std::uint64_t layout = policy({"a", "rate=5/minute"}).layout();
  assert_true(layout == policy({"b", "rate=5/minute", "burst=9", "zone=1m"}).layout());
  assert_true(layout != policy({"a", "rate=6/minute"}).layout());
  assert_true(layout != policy({"a", "rate=5/hour"}).layout());
  assert_true(layout != policy({"a", "rate=5/minute", "algorithm=sliding_log"}).layout());
}

void wrong_policies(void**) {
  struct {
    std::initializer_list<std::string_view> words;
    std::string_view error;
  } const cases[] = {
      {{}, "invalid number of arguments in \"guard_rate_policy\" directive"},
      {{"api"}, "\"rate=\" is missing"},
      {{"off", "rate=1/second"},
       "invalid rate policy name \"off\", up to 64 letters, digits, \"_\", \".\" and \"-\" are "
       "expected, and not \"off\""},
      {{"a\"b", "rate=1/second"},
       "invalid rate policy name \"a\"b\", up to 64 letters, digits, \"_\", \".\" and \"-\" are "
       "expected, and not \"off\""},
      {{"api", "rate=5/fortnight"},
       "invalid value \"5/fortnight\" of \"rate\", a number per second, minute, hour or day is "
       "expected, as in \"5/minute\""},
      {{"api", "rate=5"},
       "invalid value \"5\" of \"rate\", a number per second, minute, hour or day is expected, as "
       "in \"5/minute\""},
      {{"api", "rate=0/minute"},
       "invalid value \"0\" of \"rate\", a number from 1 to 1000000 is expected"},
      {{"api", "rate=/minute"},
       "invalid value \"\" of \"rate\", a number from 1 to 1000000 is expected"},
      {{"api", "rate=5/minute,100/hour"},
       "several rates in \"rate=5/minute,100/hour\" are not available in this version, define one "
       "policy for each"},
      {{"api", "rate=5/minute", "algorithm=sliding_window"},
       "\"algorithm=sliding_window\" is not available in this version"},
      {{"api", "rate=5/minute", "algorithm=fixed_window"},
       "\"algorithm=fixed_window\" is not available in this version"},
      {{"api", "rate=5/minute", "algorithm=bucket"},
       "invalid value \"bucket\" of \"algorithm\", it must be \"gcra\" or "
       "\"sliding_log\""},
      {{"api", "rate=5/minute", "redis=main"}, "\"redis=\" is not available in this version"},
      {{"api", "rate=5/minute", "sync=strict"}, "\"sync=\" is not available in this version"},
      {{"api", "rate=5/minute", "on_error=local"},
       "\"on_error=\" is not available in this version"},
      {{"api", "rate=5/minute", "normalize=account"},
       "\"normalize=account\" is not available in this version"},
      {{"api", "rate=5/minute", "algorithm=sliding_log", "burst=5"},
       "\"burst=\" has no meaning with \"algorithm=sliding_log\""},
      {{"api", "rate=65/minute", "algorithm=sliding_log"},
       "\"algorithm=sliding_log\" counts up to 64 requests, \"rate=65/minute\" needs "
       "\"algorithm=gcra\""},
      {{"api", "rate=5/minute", "burst=0"},
       "invalid value \"0\" of \"burst\", a number from 1 to 1000000 is expected"},
      {{"api", "rate=5/minute", "key=$"}, "invalid variable name in \"key=$\""},
      {{"api", "rate=5/minute", "key=${host"}, "invalid variable name in \"key=${host\""},
      {{"api", "rate=5/minute", "key=$a$b$c$d$e$f$g$h$i"},
       "more than 8 variables in \"key=$a$b$c$d$e$f$g$h$i\""},
      {{"api", "rate=5/minute", "zone=1k"},
       "invalid value \"1k\" of \"zone\", a size from 64k to 16g is expected"},
      {{"api", "rate=5/minute", "status=200"},
       "invalid value \"200\" of \"status\", a number from 400 to 599 is expected"},
      {{"api", "rate=5/minute", "phase=late"},
       "invalid value \"late\" of \"phase\", it must be \"auto\", \"front\" or \"inner\""},
      {{"api", "rate=5/minute", "empty=pass"},
       "invalid value \"pass\" of \"empty\", it must be \"skip\", \"address\" or \"refuse\""},
      {{"api", "rate=5/minute", "brust=5"},
       "unknown parameter \"brust=\", did you mean \"burst=\"?"},
      {{"api", "rate=5/minute", "rate=6/minute"}, "duplicate parameter \"rate=\""},
  };
  for (const auto& c : cases) expect_error([&] { policy(c.words); }, c.error);
}

void uses(void**) {
  Use u = use({"api"});
  expect_text(u.name, "api");
  assert_int_equal(u.cost, 1);
  assert_false(u.dry_run);
  assert_false(u.adds);
  u = use({"+api", "cost=0", "dry_run"});
  expect_text(u.name, "api");
  assert_int_equal(u.cost, 0);
  assert_true(u.dry_run);
  assert_true(u.adds);
  expect_error(
      [] {
        use({"api", "cost=$x"});
      },
      "variables in \"cost=$x\" are not available in this version");
  expect_error(
      [] {
        use({"api", "cost=-1"});
      },
      "invalid value \"-1\" of \"cost\", a number from 0 to 1000000 is expected");
  expect_error(
      [] {
        use({"api", "dryrun"});
      },
      "unexpected word \"dryrun\", did you mean \"dry_run\"?");
  expect_error([] { use({"+"}); },
               "invalid rate policy name \"\", up to 64 letters, digits, \"_\", \".\" and \"-\" "
               "are expected, and not \"off\"");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(defaults),       cmocka_unit_test(everything), cmocka_unit_test(layouts),
      cmocka_unit_test(wrong_policies), cmocka_unit_test(uses),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
