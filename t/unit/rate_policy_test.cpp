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
  assert_int_equal(p.windows[0].quota.count, 100);
  assert_int_equal(p.windows[0].quota.period, 60'000'000);
  assert_int_equal(p.windows[0].quota.burst, 100);
  assert_true(p.windows[0].quota.algorithm == Algorithm::gcra);
  expect_text(p.key, "$guard_client_net");
  assert_int_equal(p.windows.size(), 1);
  expect_text(p.name_of(p.windows[0]), "api");
  assert_int_equal(p.max_cost(), 100);
  assert_int_equal(p.variables.size(), 1);
  expect_text(p.variables[0], "guard_client_net");
  assert_true(p.phase == Phase::automatic);
  assert_true(p.empty == Empty::skip);
  assert_int_equal(p.zone_size, 10 << 20);
  assert_int_equal(p.status, 429);
  expect_text(p.zone_name(), "guard_rate:api");
  expect_text(p.code(), "rate.api");
  expect_text(p.detail(p.windows[0]), "Rate policy \"api\" allows 100 requests per minute");
}

void constants(void**) {
  assert_true(policy({"api", "rate=1/day"}).constant_warning().empty());
  assert_true(policy({"api", "rate=1/day", "key=all"}).constant_warning().empty());
  assert_true(policy({"api", "rate=1/day", "key=all$host"}).constant_warning().empty());
  expect_text(policy({"api", "rate=1/day", "key=email"}).constant_warning(),
              "rate policy \"api\" counts all requests as one, since its key \"email\" has no "
              "variable: write \"key=$email\", or \"key=all\" if that is meant");
  expect_text(policy({"api", "rate=1/day", "key=e-mail"}).constant_warning(),
              "rate policy \"api\" counts all requests as one, since its key \"e-mail\" has no "
              "variable: write \"key=all\" if that is meant");
}

void everything(void**) {
  Policy p = policy({"a-b.C_9", "rate=7/day", "burst=3", "key=$host|${http_x_user}x", "phase=inner",
                     "empty=refuse", "zone=1m", "status=503", "algorithm=gcra", "normalize=none"});
  assert_int_equal(p.windows[0].quota.count, 7);
  assert_int_equal(p.windows[0].quota.burst, 3);
  assert_int_equal(p.windows[0].quota.period, 86'400'000'000);
  assert_int_equal(p.variables.size(), 2);
  expect_text(p.variables[0], "host");
  expect_text(p.variables[1], "http_x_user");
  assert_true(p.phase == Phase::inner);
  assert_true(p.empty == Empty::refuse);
  assert_int_equal(p.zone_size, 1 << 20);
  assert_int_equal(p.status, 503);
  expect_text(p.detail(p.windows[0]),
              "Rate policy \"a-b.C_9\" allows 7 requests per day, 3 at once");
  p = policy({"x", "rate=1/hour", "algorithm=sliding_log", "empty=address", "phase=front"});
  assert_true(p.windows[0].quota.algorithm == Algorithm::sliding_log);
  assert_int_equal(p.windows[0].quota.burst, 1);
  assert_true(p.empty == Empty::address);
  assert_true(p.normalization == guard::core::Normalization::none);
  p = policy({"x", "rate=1/hour", "key=$binary_remote_addr$arg_user", "normalize=account"});
  assert_true(p.normalization == guard::core::Normalization::account);
  p = policy({"x", "rate=1/hour", "algorithm=sliding_log", "empty=address", "phase=front"});
  expect_text(p.detail(p.windows[0]), "Rate policy \"x\" allows 1 request per hour");
  assert_int_equal(policy({"x", "rate=1/second", "key=all"}).variables.size(), 0);
}

void intervals(void**) {
  Policy strict = policy({"x", "rate=1/minute", "redis=main", "sync=strict"});
  assert_false(strict.counts_by_interval());
  Policy p = policy({"x", "rate=1/minute", "redis=main", "sync=100ms"});
  assert_true(p.counts_by_interval());
  assert_int_equal(p.sync.count(), 100);
  assert_int_equal(policy({"x", "rate=1/second", "redis=main", "sync=1"}).sync.count(), 1000);
  assert_int_equal(policy({"x", "rate=1/minute", "redis=main", "sync=10s"}).sync.count(), 10'000);
  // What is in the memory depends on how, but not on how often, it is told.
  assert_true(p.layout() != strict.layout());
  assert_true(p.layout() == policy({"x", "rate=1/minute", "redis=main", "sync=5s"}).layout());
}

void layouts(void**) {
  std::uint64_t layout = policy({"a", "rate=5/minute"}).layout();
  assert_true(layout == policy({"b", "rate=5/minute", "burst=9", "zone=1m"}).layout());
  assert_true(layout != policy({"a", "rate=6/minute"}).layout());
  assert_true(layout != policy({"a", "rate=5/hour"}).layout());
  assert_true(layout != policy({"a", "rate=5/minute,5/hour"}).layout());
  for (std::string_view algorithm :
       {"algorithm=sliding_log", "algorithm=sliding_window", "algorithm=fixed_window"}) {
    assert_true(layout != policy({"a", "rate=5/minute", algorithm}).layout());
  }
}

void owners_of_keys(void**) {
  const auto owner = [](std::string_view rate) {
    return policy({"a", rate, "redis=main"}).key_owner();
  };
  expect_text(policy({"a", "rate=5/minute"}).key_owner(), "a");
  assert_true(owner("rate=5/minute") != owner("rate=6/minute"));
  expect_text(owner("rate=100/hour,5/minute"), owner("rate=5/minute,100/hour"));
  assert_true(owner("rate=100/hour,5/minute") != owner("rate=5/hour,100/minute"));
  // What Redis has of those that are written from the shortest on keeps its name.
  const Policy p = policy({"a", "rate=5/minute,100/hour", "redis=main"});
  expect_text(p.key_owner(), "a " + std::to_string(p.layout()));
}

void several_windows(void**) {
  Policy p = policy({"auth", "rate=5/minute,100/hour,1000/day", "algorithm=sliding_window"});
  assert_int_equal(p.windows.size(), 3);
  assert_int_equal(p.max_cost(), 5);
  expect_text(p.code(), "rate.auth");
  struct {
    std::string_view name, detail;
    std::uint64_t count, period;
  } const expected[] = {
      {"auth.minute", "Rate policy \"auth\" allows 5 requests per minute", 5, 60'000'000},
      {"auth.hour", "Rate policy \"auth\" allows 100 requests per hour", 100, 3'600'000'000},
      {"auth.day", "Rate policy \"auth\" allows 1000 requests per day", 1000, 86'400'000'000}};
  for (std::size_t i = 0; i < 3; ++i) {
    const Window& window = p.windows[i];
    expect_text(p.name_of(window), expected[i].name);
    expect_text(p.detail(window), expected[i].detail);
    assert_true(window.quota.algorithm == Algorithm::sliding_window);
    assert_int_equal(window.quota.count, expected[i].count);
    assert_int_equal(window.quota.burst, expected[i].count);
    assert_int_equal(window.quota.period, expected[i].period);
  }
  assert_int_equal(policy({"x", "rate=1/second,1/minute,1/hour,1/day"}).windows.size(), 4);
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
      {{"api", "rate=5/minute,"},
       "invalid value \"\" of \"rate\", a number per second, minute, hour or day is expected, as "
       "in "
       "\"5/minute\""},
      {{"api", "rate=5/minute,100/hour,6/minute"},
       "two rates per minute in \"rate=5/minute,100/hour,6/minute\""},
      {{"api", "rate=5/minute,100/hour", "burst=5"},
       "\"burst=\" has no meaning with several rates, \"rate=5/minute,100/hour\""},
      {{"api", "rate=5/minute", "algorithm=bucket"},
       "invalid value \"bucket\" of \"algorithm\", it must be \"gcra\", \"sliding_window\", "
       "\"sliding_log\" or \"fixed_window\""},
      {{"api", "rate=5/minute", "algorithm=sliding_window", "burst=5"},
       "\"burst=\" has no meaning with \"algorithm=sliding_window\""},
      {{"api", "rate=5/minute", "algorithm=fixed_window", "burst=5"},
       "\"burst=\" has no meaning with \"algorithm=fixed_window\""},
      {{"api", "rate=5/minute", "sync=strict"}, "\"sync=\" has no meaning without \"redis=\""},
      {{"api", "rate=5/minute", "redis=main", "sync=often"},
       "invalid value \"often\" of \"sync\", \"strict\" or a time from 10ms to 10s is expected"},
      {{"api", "rate=5/minute", "redis=main", "sync=9ms"},
       "invalid value \"9ms\" of \"sync\", a time from 10ms to 10s is expected"},
      {{"api", "rate=5/minute", "redis=main", "sync=11s"},
       "invalid value \"11s\" of \"sync\", a time from 10ms to 10s is expected"},
      {{"api", "rate=5/minute,9/second", "redis=main", "sync=2s"},
       "\"sync=2s\" is longer than the second of the rate: use at most 1s"},
      {{"api", "rate=5/minute", "redis=main", "sync=1s", "algorithm=sliding_log"},
       "\"sync=1s\" has no meaning with \"algorithm=sliding_log\", which remembers each request: "
       "use \"sync=strict\", or another algorithm"},
      {{"api", "rate=5/minute", "on_error=local"},
       "\"on_error=\" has no meaning without \"redis=\""},
      {{"api", "rate=5/minute", "redis=main", "on_error=fail"},
       "invalid value \"fail\" of \"on_error\", it must be \"local\", \"open\" or \"closed\""},
      {{"api", "rate=5/minute", "key=$arg_user", "normalize=name"},
       "invalid value \"name\" of \"normalize\", it must be \"none\" or \"account\""},
      {{"api", "rate=5/minute", "key=email", "normalize=account"},
       "\"normalize=account\" has no meaning with \"key=email\", did you mean \"key=$email\"?"},
      {{"api", "rate=5/minute", "normalize=account"},
       "\"normalize=account\" has no meaning with \"key=$guard_client_net\""},
      {{"api", "rate=5/minute", "key=$binary_remote_addr/$guard_client_net", "normalize=account"},
       "\"normalize=account\" has no meaning with "
       "\"key=$binary_remote_addr/$guard_client_net\""},
      {{"api", "rate=5/minute", "key=all", "normalize=account"},
       "\"normalize=account\" has no meaning with \"key=all\""},
      {{"api", "rate=5/minute", "algorithm=sliding_log", "burst=5"},
       "\"burst=\" has no meaning with \"algorithm=sliding_log\""},
      {{"api", "rate=65/minute", "algorithm=sliding_log"},
       "\"algorithm=sliding_log\" counts up to 64 requests, \"rate=65/minute\" needs another "
       "algorithm"},
      {{"api", "rate=5/minute,65/hour", "algorithm=sliding_log"},
       "\"algorithm=sliding_log\" counts up to 64 requests, \"rate=5/minute,65/hour\" needs "
       "another "
       "algorithm"},
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
  u = use({"api", "cost=$x"});
  expect_text(u.cost_text, "$x");
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

void costs(void**) {
  struct {
    std::string_view text;
    std::uint64_t cost;
  } const cases[] = {{"", 1},
                     {"0", 0},
                     {"1", 1},
                     {"007", 7},
                     {"1000000", 1'000'000},
                     {"1000001", 1'000'000},
                     {"18446744073709551617", 1'000'000},
                     {"-1", 1},
                     {"+5", 1},
                     {"5.0", 5},
                     {"2.5", 3},
                     {"0.0", 0},
                     {"0e7", 0},
                     {"0.00001", 1},
                     {"0.3e1", 3},
                     {"1e3", 1000},
                     {"1E+3", 1000},
                     {"12000e-3", 12},
                     {"12001e-3", 13},
                     {"999999.0", 999'999},
                     {"1e6", 1'000'000},
                     {"1e7", 1'000'000},
                     {"99e99999999999999999999", 1'000'000},
                     {"1e-99999999999999999999", 1},
                     {"-5.0", 1},
                     {"5.", 1},
                     {".5", 1},
                     {"5.0.0", 1},
                     {"05.0", 1},
                     {"5e", 1},
                     {"5.0 ", 1},
                     {"nan", 1},
                     {"inf", 1},
                     {"5 ", 1},
                     {" 5", 1},
                     {"0x10", 1},
                     {"ten", 1},
                     {std::string_view("5\0", 2), 1}};
  for (const auto& c : cases) assert_int_equal(read_cost(c.text), c.cost);
  // Beyond what a double holds.
  const std::string zeros(400, '0');
  assert_int_equal(read_cost("1" + zeros + ".0"), 1'000'000);
  assert_int_equal(read_cost("5" + zeros + "e-400"), 5);
  assert_int_equal(read_cost("7" + zeros + "e-1"), 1'000'000);
  assert_int_equal(read_cost("0." + zeros + "1"), 1);
  assert_int_equal(read_cost("0." + zeros + "4e401"), 4);
  assert_int_equal(read_cost("0." + zeros), 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(defaults),        cmocka_unit_test(everything),
      cmocka_unit_test(constants),       cmocka_unit_test(intervals),
      cmocka_unit_test(layouts),         cmocka_unit_test(owners_of_keys),
      cmocka_unit_test(wrong_policies),  cmocka_unit_test(uses),
      cmocka_unit_test(several_windows), cmocka_unit_test(costs),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
