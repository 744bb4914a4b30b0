// The sliding log against a list of all that passed.
#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "core/sliding_log.h"
#include "unit.h"

using guard::core::SlidingLog;

namespace {

constexpr std::uint64_t kWindow = 2'000;

struct Oracle {
  std::size_t count;
  std::vector<std::uint64_t> passed;

  std::size_t used(std::uint64_t now) const {
    return static_cast<std::size_t>(std::count_if(
        passed.begin(), passed.end(), [&](std::uint64_t at) { return now - at < kWindow; }));
  }
  bool take(std::uint64_t now, std::uint64_t cost) {
    if (used(now) + cost > count) return false;
    passed.insert(passed.end(), cost, now);
    return true;
  }
  // Tries every microsecond, which is what "until" means.
  std::uint64_t until(std::uint64_t now, std::size_t used_at_most) const {
    std::uint64_t later = now;
    while (used(later) > used_at_most) ++later;
    return later - now;
  }
};

void agrees_with_a_list(void**) {
  std::mt19937_64 random(7);
  for (std::size_t count :
       {std::size_t{1}, std::size_t{3}, std::size_t{5}, SlidingLog::kMaxCount}) {
    SlidingLog log(count, kWindow);
    Oracle oracle{count, {}};
    std::array<std::uint64_t, SlidingLog::kMaxCount> memory{};
    auto stamps = std::span(memory).first(count);
    std::uint64_t now = 5;
    for (int i = 0; i < 1000; ++i) {
      now += random() % (2 * kWindow / count);
      if (random() % 100 == 0) now += kWindow;
      std::uint64_t cost = random() % 8 == 0 ? random() % (count + 1) : 1;
      SlidingLog::Decision peeked = log.peek(stamps, now, cost);
      std::size_t before = oracle.used(now);
      bool expected = oracle.take(now, cost);
      SlidingLog::Decision decision = log.take(stamps, now, cost);
      assert_int_equal(peeked.admitted, expected);
      assert_int_equal(peeked.remaining, decision.remaining);
      assert_int_equal(peeked.reset, decision.reset);
      assert_int_equal(peeked.retry, decision.retry);
      assert_int_equal(decision.admitted, expected);
      std::size_t used = oracle.used(now);
      assert_int_equal(decision.remaining, count - used);
      std::uint64_t reset = used == 0 ? 0 : oracle.until(now, used - 1);
      assert_int_equal(decision.reset, reset);
      assert_int_equal(decision.retry, expected ? 0 : oracle.until(now, count - cost));
      if (!expected) assert_int_equal(before, used);
    }
    // Exactly: no window of that length has more.
    std::sort(oracle.passed.begin(), oracle.passed.end());
    for (std::size_t i = count; i < oracle.passed.size(); ++i) {
      assert_true(oracle.passed[i] - oracle.passed[i - count] >= kWindow);
    }
  }
}

void window_is_half_open(void**) {
  SlidingLog log(1, kWindow);
  std::array<std::uint64_t, 1> stamps{};
  assert_true(log.take(stamps, 100, 1).admitted);
  assert_false(log.take(stamps, 100 + kWindow - 1, 1).admitted);
  assert_true(log.take(stamps, 100 + kWindow, 1).admitted);
}

// Another process may have read its clock a little later than this one.
void a_stamp_from_the_future_counts(void**) {
  SlidingLog log(1, kWindow);
  std::array<std::uint64_t, 1> stamps{};
  assert_true(log.take(stamps, 105, 1).admitted);
  assert_false(log.take(stamps, 100, 1).admitted);
  assert_int_equal(log.peek(stamps, 100, 1).retry, kWindow + 5);
}

void gives_back(void**) {
  SlidingLog log(3, kWindow);
  std::array<std::uint64_t, 3> stamps{};
  assert_true(log.take(stamps, 100, 1).admitted);
  assert_true(log.take(stamps, 200, 2).admitted);
  log.give_back(stamps, 200, 2);
  assert_int_equal(log.peek(stamps, 201, 0).remaining, 2);
  log.give_back(stamps, 300, 1);
  assert_int_equal(log.peek(stamps, 301, 0).remaining, 2);
}

void refuses_what_can_never_pass(void**) {
  SlidingLog log(2, kWindow);
  std::array<std::uint64_t, 2> stamps{};
  SlidingLog::Decision decision = log.take(stamps, 100, 3);
  assert_false(decision.admitted);
  assert_int_equal(decision.remaining, 2);
  log.take(stamps, 100, 1);
  assert_int_equal(log.peek(stamps, 100, 3).retry, kWindow);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_a_list),
      cmocka_unit_test(window_is_half_open),
      cmocka_unit_test(a_stamp_from_the_future_counts),
      cmocka_unit_test(gives_back),
      cmocka_unit_test(refuses_what_can_never_pass),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
