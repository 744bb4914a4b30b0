// The GCRA against a token bucket in exact rational arithmetic, which is the same thing said
// naively.
#include <algorithm>
#include <random>
#include <vector>

#include "core/gcra.h"
#include "unit.h"

using guard::core::Gcra;

namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;

// A bucket of burst tokens; a token is `period` drops, and `count` drops flow in per microsecond.
struct Bucket {
  std::uint64_t count;
  std::uint64_t period;
  std::uint64_t burst;
  unsigned __int128 drops = static_cast<unsigned __int128>(burst) * period;
  std::uint64_t at = 0;

  void flow(std::uint64_t now) {
    drops = std::min(drops + static_cast<unsigned __int128>(now - at) * count,
                     static_cast<unsigned __int128>(burst) * period);
    at = now;
  }
  std::uint64_t tokens() const { return static_cast<std::uint64_t>(drops / period); }
  bool take(std::uint64_t now, std::uint64_t cost) {
    flow(now);
    if (cost > tokens()) return false;
    drops -= static_cast<unsigned __int128>(cost) * period;
    return true;
  }
  std::uint64_t until(std::uint64_t wanted) const {
    auto missing = static_cast<unsigned __int128>(wanted) * period - drops;
    return static_cast<std::uint64_t>((missing + count - 1) / count);
  }
};

void agrees_with_a_token_bucket(void**) {
  struct {
    std::uint64_t count, period, burst;
  } const cases[] = {{5, kMinute, 5},     {3, kHour, 3},         {100, kMinute, 100},
                     {7, kSecond, 7},     {7, kSecond, 1},       {10, kMinute, 25},
                     {1, kDay, 1},        {11, kDay, 4},         {1000, kSecond, 50},
                     {9973, kSecond, 13}, {1000000, kSecond, 10}};
  std::mt19937_64 random(42);
  for (const auto& c : cases) {
    Gcra gcra(c.count, c.period, c.burst);
    Bucket bucket{c.count, c.period, c.burst};
    std::uint64_t state = 0;
    std::uint64_t now = 1'000'000'000'000 + random() % 1000;
    bucket.at = now;
    std::uint64_t step = 2 * c.period / c.count + 2;
    for (int i = 0; i < 20000; ++i) {
      now += random() % step;
      if (random() % 500 == 0) now += random() % (3 * c.period);
      std::uint64_t cost = random() % 10 == 0 ? random() % (c.burst + 1) : 1;
      Gcra::Decision decision = gcra.decide(state, now, cost);
      bool expected = bucket.take(now, cost);
      assert_int_equal(decision.admitted, expected);
      assert_int_equal(decision.remaining, bucket.tokens());
      std::uint64_t reset = bucket.tokens() == c.burst ? 0 : bucket.until(bucket.tokens() + 1);
      assert_int_equal(decision.reset, reset);
      assert_int_equal(decision.retry, expected ? 0 : bucket.until(cost));
      if (!expected) assert_int_equal(decision.state, state);
      state = decision.state;
    }
  }
}

// At most burst + floor(t * count / period) in any t, and a greedy client gets exactly that.
void bounds_every_window(void**) {
  const std::uint64_t count = 7, period = kSecond, burst = 3;
  Gcra gcra(count, period, burst);
  std::vector<std::uint64_t> passed;
  std::uint64_t state = 0;
  for (std::uint64_t now = kHour; now < kHour + 20 * kSecond; now += 997) {
    Gcra::Decision decision = gcra.decide(state, now, 1);
    state = decision.state;
    if (decision.admitted) passed.push_back(now);
  }
  for (std::size_t i = 0; i < passed.size(); ++i) {
    for (std::size_t j = i; j < passed.size(); ++j) {
      assert_true(j - i + 1 <= burst + (passed[j] - passed[i]) * count / period);
    }
  }
  assert_in_range(passed.size(), 20 * count + burst - 2, 20 * count + burst);
}

void does_not_drift(void**) {
  Gcra gcra(7, kSecond, 2);
  assert_int_equal(gcra.scale(), 7);
  assert_int_equal(gcra.interval(), kSecond);
  std::uint64_t state = 0;
  std::uint64_t now = kSecond;
  std::uint64_t passed = 0;
  while (now < kSecond + kDay) {
    Gcra::Decision decision = gcra.decide(state, now, 1);
    if (decision.admitted) {
      state = decision.state;
      ++passed;
    }
    now += gcra.decide(state, now, 1).retry;
  }
  // Each step waits for a whole microsecond; its fraction is not lost to the next one.
  assert_in_range(passed, 7 * 86400, 7 * 86400 + 2);
}

void rounds_against_the_client_only(void**) {
  Gcra gcra(999'983, kSecond, 10);  // a prime: would need a scale of 999983
  assert_int_equal(gcra.scale(), Gcra::kMaxScale);
  assert_true(gcra.interval() * 999'983 >= kSecond * gcra.scale());
  assert_true((gcra.interval() - 1) * 999'983 < kSecond * gcra.scale());
}

void passes_what_costs_nothing(void**) {
  Gcra gcra(2, kMinute, 2);
  std::uint64_t state = gcra.decide(0, kHour, 2).state;
  assert_false(gcra.decide(state, kHour, 1).admitted);
  Gcra::Decision free = gcra.decide(state, kHour, 0);
  assert_true(free.admitted);
  assert_int_equal(free.state, state);
  assert_int_equal(free.remaining, 0);
  assert_int_equal(free.reset, 30 * kSecond);
}

void never_passes_more_than_burst_at_once(void**) {
  Gcra gcra(2, kMinute, 2);
  Gcra::Decision decision = gcra.decide(0, kHour, 3);
  assert_false(decision.admitted);
  assert_int_equal(decision.remaining, 2);
  Gcra largest(1, kDay, Gcra::kMaxBurst);
  assert_false(largest.decide(0, kHour, Gcra::kMaxBurst + 1).admitted);
  assert_true(largest.decide(0, kHour, Gcra::kMaxBurst).admitted);
}

void gives_back(void**) {
  Gcra gcra(5, kMinute, 5);
  std::uint64_t one = gcra.decide(0, kHour, 1).state;
  std::uint64_t three = gcra.decide(one, kHour + kSecond, 2).state;
  assert_int_equal(gcra.give_back(three, 2), one);
  assert_int_equal(gcra.decide(gcra.give_back(one, 1), kHour, 0).remaining, 5);
}

// A reload may lower burst: the level may then be above the capacity.
void lives_with_a_smaller_burst(void**) {
  Gcra before(60, kMinute, 60);
  Gcra after(60, kMinute, 10);
  std::uint64_t state = before.decide(0, kHour, 60).state;
  Gcra::Decision decision = after.decide(state, kHour, 1);
  assert_false(decision.admitted);
  assert_int_equal(decision.remaining, 0);
  assert_int_equal(decision.retry, 51 * kSecond);
  assert_int_equal(decision.reset, 51 * kSecond);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_a_token_bucket),
      cmocka_unit_test(bounds_every_window),
      cmocka_unit_test(does_not_drift),
      cmocka_unit_test(rounds_against_the_client_only),
      cmocka_unit_test(passes_what_costs_nothing),
      cmocka_unit_test(never_passes_more_than_burst_at_once),
      cmocka_unit_test(gives_back),
      cmocka_unit_test(lives_with_a_smaller_burst),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
