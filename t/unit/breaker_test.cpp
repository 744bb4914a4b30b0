#include "core/breaker.h"

#include "core/backoff.h"
#include "unit.h"

using guard::core::Backoff;
using guard::core::Breaker;

namespace {

constexpr std::uint64_t kNow = 1'000'000;

void five_in_a_row(void**) {
  Breaker breaker;
  for (int i = 0; i < 4; ++i) assert_false(breaker.failed(kNow));
  breaker.succeeded(kNow);
  for (int i = 0; i < 4; ++i) assert_false(breaker.failed(kNow));
  assert_true(breaker.closed());
  assert_true(breaker.failed(kNow));
  assert_false(breaker.closed());
  // Only once.
  assert_false(breaker.failed(kNow));
  assert_false(breaker.open());
  breaker.close();
  assert_true(breaker.closed());
  for (int i = 0; i < 4; ++i) assert_false(breaker.failed(kNow));
}

// Three of four fail, never five in a row.
bool opens_by_share(std::uint64_t now, std::uint64_t step, int rounds) {
  Breaker breaker;
  for (int i = 0; i < rounds; ++i, now += step) {
    breaker.succeeded(now);
    for (int j = 0; j < 3; ++j) {
      if (breaker.failed(now)) return true;
    }
  }
  return false;
}

void half_of_twenty(void**) {
  assert_false(opens_by_share(kNow, 10, 4));  // 16
  assert_true(opens_by_share(kNow, 10, 5));   // 20
  assert_true(opens_by_share(kNow, 2000, 5));
  // Those of more than ten seconds ago do not count.
  assert_false(opens_by_share(kNow, 5000, 100));

  Breaker breaker;
  for (int i = 0; i < 30; ++i) {
    assert_false(breaker.failed(kNow));
    breaker.succeeded(kNow);
    breaker.succeeded(kNow);
  }
  assert_true(breaker.closed());
}

void every_second_opens_at_twenty(void**) {
  Breaker breaker;
  int count = 0;
  for (;;) {
    breaker.succeeded(kNow);
    ++count;
    ++count;
    if (breaker.failed(kNow)) break;
  }
  assert_int_equal(count, 20);
}

void backoff(void**) {
  Backoff backoff;
  std::uint64_t longest[] = {100, 200, 400, 800, 1000, 1000};
  for (std::uint64_t step : longest) {
    Backoff same = backoff;
    assert_int_equal(same.next(0), step);
    same = backoff;
    assert_int_equal(same.next(step / 2), step - step / 2);
    for (std::uint64_t random : {std::uint64_t{1}, std::uint64_t{12345}, ~std::uint64_t{0}}) {
      same = backoff;
      const std::uint64_t wait = same.next(random);
      assert_true(wait <= step && 2 * wait >= step);
    }
    backoff.next(7);
  }
  backoff.reset();
  assert_int_equal(backoff.next(0), 100);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(five_in_a_row), cmocka_unit_test(half_of_twenty),
                              cmocka_unit_test(every_second_opens_at_twenty),
                              cmocka_unit_test(backoff)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
