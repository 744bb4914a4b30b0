#include "rate/fields.h"

#include "unit.h"

using namespace guard::rate;
using guard::unit::expect_text;

namespace {

constexpr std::uint64_t kSecond = 1'000'000;

std::string rate_limit(std::string_view name, const Decision& decision) {
  char out[kRateLimitMax];
  std::size_t size = write_rate_limit(name, decision, out);
  assert_true(size <= kRateLimitMax);
  return std::string(out, size);
}

void policy_items(void**) {
  auto item = [](const Quota& quota) { return policy_item("api", quota); };
  expect_text(item({Algorithm::gcra, 100, 60 * kSecond, 100}), "\"api\";q=100;w=60");
  // A burst of its own: what passes at once, and the time in which that comes back.
  expect_text(item({Algorithm::gcra, 100, 60 * kSecond, 20}), "\"api\";q=20;w=12");
  expect_text(item({Algorithm::gcra, 100, kSecond, 7}), "\"api\";q=7;w=1");
  for (Algorithm algorithm :
       {Algorithm::sliding_window, Algorithm::sliding_log, Algorithm::fixed_window}) {
    expect_text(item({algorithm, 5, 60 * kSecond, 5}), "\"api\";q=5;w=60");
  }
}

void rate_limits(void**) {
  expect_text(rate_limit("api", {true, 50, 30 * kSecond, 0}), "\"api\";r=50;t=30");
  expect_text(rate_limit("api", {false, 0, 1, 1}), "\"api\";r=0;t=1");
  expect_text(rate_limit("api", {true, 100, 0, 0}), "\"api\";r=100");
  std::string name = std::string(kMaxName, 'x') + ".second";
  expect_text(rate_limit(name, {true, UINT64_MAX, UINT64_MAX - kSecond, 0}),
              "\"" + name + "\";r=18446744073709551615;t=18446744073709");
}

void waits_round_up(void**) {
  assert_int_equal(ceil_seconds(0), 0);
  assert_int_equal(ceil_seconds(1), 1);
  assert_int_equal(ceil_seconds(kSecond), 1);
  assert_int_equal(ceil_seconds(kSecond + 1), 2);
  auto after = [](const Decision& refusal) { return retry_after(refusal, refusal); };
  assert_int_equal(after({false, 0, 0, 0}), 1);
  assert_int_equal(after({false, 0, kSecond, 3 * kSecond + 1}), 4);
  // RateLimit tells of another one, which is only observed here.
  assert_int_equal(retry_after({false, 0, kSecond, kSecond}, {false, 0, 5 * kSecond, kSecond}), 5);
}

void strictness(void**) {
  Decision passed{true, 10, kSecond, 0};
  Decision close{true, 1, kSecond, 0};
  Decision refused{false, 5, kSecond, kSecond};
  Decision longer{false, 9, kSecond, 2 * kSecond};
  assert_true(stricter(close, passed));
  assert_false(stricter(passed, close));
  assert_true(stricter(refused, close));
  assert_true(stricter(longer, refused));
  assert_false(stricter(passed, passed));
  Decision slower = passed;
  slower.reset = 2 * kSecond;
  assert_true(stricter(slower, passed));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(policy_items),
      cmocka_unit_test(rate_limits),
      cmocka_unit_test(waits_round_up),
      cmocka_unit_test(strictness),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
