// The decaying score against the sum that it stands for.

#include "lockout/ban_score.h"

#include <cmath>
#include <random>
#include <vector>

#include "unit.h"

namespace {

using guard::lockout::DecayingScore;

struct Happened {
  std::uint64_t at;
  double weight;
};

double sum_of(const std::vector<Happened>& all, std::uint64_t half_life, std::uint64_t now) {
  double sum = 0;
  for (const Happened& one : all) {
    double age = static_cast<double>(now - one.at) / static_cast<double>(half_life);
    sum += one.weight * std::pow(2.0, -age);
  }
  return sum;
}

void expect_near(double actual, double expected) {
  if (std::abs(actual - expected) <= 1e-6 * std::max(1.0, expected)) return;
  print_error("%.9f is not %.9f\n", actual, expected);
  assert_true(false);
}

void halves_with_each_half_life(void**) {
  DecayingScore score(60'000'000);
  std::uint64_t state = score.add(0, 1'000'000, 8);
  expect_near(score.at(state, 1'000'000), 8);
  expect_near(score.at(state, 61'000'000), 4);
  expect_near(score.at(state, 121'000'000), 2);
  expect_near(score.at(state, 301'000'000), 0.25);
}

void is_nothing_at_first(void**) {
  DecayingScore score(60'000'000);
  expect_near(score.at(0, 1), 0);
  assert_int_equal(score.rank(0, 1), 0);
  assert_int_equal(score.add(0, 1, 0), 0);
}

// Random histories, whole uptimes, all half-lives: never further from the sum than rounding can be.
void agrees_with_the_sum(void**) {
  std::mt19937_64 random(20240611);
  for (int round = 0; round < 300; ++round) {
    std::uint64_t half_life = DecayingScore::kMinHalfLife +
                              random() % (round % 2 == 0 ? 600'000'000 : 86'400'000'000 * 30);
    DecayingScore score(half_life);
    std::uint64_t now = 1 + random() % (std::uint64_t{86'400'000'000} * 365 * 20);
    std::vector<Happened> all;
    std::uint64_t state = 0;
    for (int i = 0; i < 40; ++i) {
      now += random() % (half_life / 4);
      double weight = 1 + static_cast<double>(random() % 100);
      state = score.add(state, now, weight);
      assert_true(state <= DecayingScore::kStateMask);
      all.push_back({now, weight});
      expect_near(score.at(state, now), sum_of(all, half_life, now));
    }
    now += half_life * (random() % 4);
    expect_near(score.at(state, now), sum_of(all, half_life, now));
  }
}

void has_a_ceiling(void**) {
  DecayingScore score(1'000'000);
  std::uint64_t state = 0;
  for (int i = 0; i < 10; ++i) state = score.add(state, 5, DecayingScore::kMax);
  expect_near(score.at(state, 5), DecayingScore::kMax);
  // A clock that another processor reads a little later.
  expect_near(score.at(state, 4), DecayingScore::kMax);
}

// The rank orders scores as they are, whenever they were written, and ends at a half.
void ranks_by_score(void**) {
  DecayingScore score(10'000'000);
  std::uint64_t old = score.add(0, 1'000'000, 64);
  std::uint64_t fresh = score.add(0, 41'000'000, 5);
  std::uint64_t now = 41'000'000;
  expect_near(score.at(old, now), 4);
  assert_true(score.rank(old, now) < score.rank(fresh, now));
  assert_true(score.rank(fresh, now + 33'000'000) > 0);
  assert_int_equal(score.rank(fresh, now + 34'000'000), 0);
}

void lasts_for_years(void**) {
  DecayingScore score(DecayingScore::kMinHalfLife);
  std::uint64_t now = std::uint64_t{86'400'000'000} * 365 * 30;
  std::uint64_t state = score.add(0, now, 7);
  assert_true(state <= DecayingScore::kStateMask);
  expect_near(score.at(state, now + 1'000'000), 3.5);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(halves_with_each_half_life),
      cmocka_unit_test(is_nothing_at_first),
      cmocka_unit_test(agrees_with_the_sum),
      cmocka_unit_test(has_a_ceiling),
      cmocka_unit_test(ranks_by_score),
      cmocka_unit_test(lasts_for_years),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
