// The sliding and the fixed window against lists of all that passed, which know nothing of states;
// what each can let through at most; and that it does not let through more in shared memory either.
#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "core/fixed_window.h"
#include "core/sliding_window.h"
#include "rate/limiter.h"
#include "unit.h"

using namespace guard::core;
using guard::rate::Algorithm;
using guard::rate::Limiter;

namespace {

constexpr std::uint64_t kMs = 1000;
constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;

struct Passed {
  std::uint64_t at;  // microseconds
  std::uint64_t cost;
};

// What the two algorithms promise, said naively: windows are looked for in the list of all that
// passed, and every "until" is found by trying every millisecond.
struct Oracle {
  bool sliding;
  std::uint64_t count;
  std::uint64_t period;  // milliseconds
  std::uint64_t phase;   // milliseconds
  std::vector<Passed> passed;

  std::uint64_t window_of(std::uint64_t at) const { return (at / kMs + phase) / period; }
  std::uint64_t in_window(std::uint64_t window) const {
    std::uint64_t sum = 0;
    for (const Passed& p : passed) sum += window_of(p.at) == window ? p.cost : 0;
    return sum;
  }
  bool fits(std::uint64_t now, std::uint64_t cost) const {
    std::uint64_t window = window_of(now);
    std::uint64_t current = in_window(window);
    if (!sliding) return current + cost <= count;
    std::uint64_t elapsed = now / kMs + phase - window * period;
    std::uint64_t previous = window == 0 ? 0 : in_window(window - 1);
    return previous * (period - elapsed) + (current + cost) * period <= count * period;
  }
  std::uint64_t remaining(std::uint64_t now) const {
    std::uint64_t n = 0;
    while (fits(now, n + 1)) ++n;
    return n;
  }
  std::uint64_t until(std::uint64_t now, std::uint64_t cost) const {
    if (fits(now, cost)) return 0;
    std::uint64_t later = now - now % kMs;
    while (!fits(later, cost)) later += kMs;
    return later - now;
  }
};

template <class Algorithm>
void agrees(bool sliding, std::uint64_t count, std::uint64_t period, std::uint64_t phase,
            std::mt19937_64& random) {
  Algorithm algorithm(count, period * kMs);
  Oracle oracle{sliding, count, period, phase, {}};
  std::uint64_t state = 0;
  std::uint64_t now = 1'000'000'000 + random() % kSecond;
  for (int i = 0; i < 400; ++i) {
    now += random() % (3 * period * kMs / count + 2);
    if (random() % 50 == 0) now += random() % (4 * period * kMs);
    std::uint64_t cost = random() % 6 == 0 ? random() % (count + 3) : 1;
    bool fits = cost == 0 || (cost <= count && oracle.fits(now, cost));
    WindowDecision decision = algorithm.decide(state, now, phase, cost);
    assert_int_equal(decision.admitted, fits);
    // Beyond the quota: until it is full.
    std::uint64_t retry = fits ? 0 : oracle.until(now, std::min(cost, count));
    assert_int_equal(decision.retry, retry);
    if (!fits || cost == 0) assert_true(decision.state == state);
    if (fits) oracle.passed.push_back({now, cost});
    std::uint64_t remaining = oracle.remaining(now);
    assert_int_equal(decision.remaining, remaining);
    assert_int_equal(decision.reset, remaining == count ? 0 : oracle.until(now, remaining + 1));
    state = decision.state;
    assert_int_equal(algorithm.used(state, now, phase) == 0, remaining == count);
    assert_true(state >> 63 == 0);
    auto old = [&](const Passed& p) { return oracle.window_of(p.at) + 1 < oracle.window_of(now); };
    std::erase_if(oracle.passed, old);
  }
}

void agree_with_a_list(void**) {
  std::mt19937_64 random(3);
  for (std::uint64_t count : {1, 2, 3, 7, 20, 90}) {
    for (std::uint64_t period : {1, 2, 10, 37, 60}) {
      agrees<SlidingWindow>(true, count, period, random() % period, random);
      agrees<FixedWindow>(false, count, period, random() % period, random);
    }
  }
}

// The most that passed in any time of a period: [t, t + period), t at every one that passed.
std::uint64_t most_in(const std::vector<Passed>& passed, std::uint64_t period) {
  std::uint64_t most = 0;
  std::uint64_t sum = 0;
  std::size_t first = 0;
  for (const Passed& p : passed) {
    sum += p.cost;
    while (passed[first].at + period <= p.at) sum -= passed[first++].cost;
    most = std::max(most, sum);
  }
  return most;
}

enum class Client { random, bursts, greedy, edge };

// When the client comes again. edge: at the last moment of a window with all it has, then at every
// moment in which something comes back.
std::uint64_t next(Client client, std::uint64_t now, std::uint64_t retry, std::uint64_t period,
                   std::uint64_t phase, std::mt19937_64& random) {
  switch (client) {
    case Client::random:
      return now + random() % (period / 4 + 1);
    case Client::bursts:
      return random() % 20 == 0 ? now + random() % (2 * period) : now;
    case Client::greedy:
      return now + std::max<std::uint64_t>(retry, 1);
    case Client::edge:
      if (random() % 8 == 0) {
        // The last microsecond of the window after the next one.
        std::uint64_t position = now + phase * kMs;
        return now + 3 * period - position % period - 1;
      }
      return now + (random() % 2 == 0 ? retry : random() % (2 * kMs));
  }
  return now;
}

template <class Take>
std::uint64_t most_of(Client client, std::uint64_t count, std::uint64_t period, std::uint64_t phase,
                      std::mt19937_64& random, Take&& take) {
  std::vector<Passed> passed;
  std::uint64_t now = kDay + random() % kDay;
  for (int i = 0; i < 3000; ++i) {
    std::uint64_t cost = random() % 5 == 0 ? 1 + random() % count : 1;
    std::uint64_t retry = 0;
    if (take(now, cost, retry)) passed.push_back({now, cost});
    now = next(client, now, retry, period, phase, random);
  }
  return most_in(passed, period);
}

constexpr Client kClients[] = {Client::random, Client::bursts, Client::greedy, Client::edge};
constexpr std::uint64_t kCounts[] = {1, 2, 5, 64, 1500};
constexpr std::uint64_t kPeriods[] = {kMs, 10 * kMs, kSecond, 60 * kSecond, kDay};

template <class Algorithm>
void stays_within(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::uint64_t count : kCounts) {
    for (std::uint64_t period : kPeriods) {
      Algorithm algorithm(count, period);
      for (Client client : kClients) {
        std::uint64_t phase = random() % (period / kMs);
        std::uint64_t state = 0;
        auto take = [&](std::uint64_t now, std::uint64_t cost, std::uint64_t& retry) {
          WindowDecision decision = algorithm.decide(state, now, phase, cost);
          state = decision.state;
          retry = decision.retry;
          return decision.admitted;
        };
        std::uint64_t most = most_of(client, count, period, phase, random, take);
        assert_true(most <= algorithm.bound());
        assert_true(most >= std::min<std::uint64_t>(count, 2));
      }
    }
  }
}

void no_client_gets_more_than_the_bound(void**) {
  stays_within<SlidingWindow>(11);
  stays_within<FixedWindow>(12);
}

// It is a bound that is reached, not just one that holds.
template <class Algorithm>
std::uint64_t most_of_the_cleverest(std::uint64_t count, std::uint64_t period) {
  Algorithm algorithm(count, period);
  std::uint64_t state = 0;
  std::vector<Passed> passed;
  auto come = [&](std::uint64_t now) {
    for (;;) {
      WindowDecision decision = algorithm.decide(state, now, 0, 1);
      if (!decision.admitted) return;
      state = decision.state;
      passed.push_back({now, 1});
    }
  };
  const std::uint64_t window = 10 * period;
  come(window - 1);                                                         // the last microsecond
  for (std::uint64_t i = 0; i < period / kMs; ++i) come(window + i * kMs);  // each millisecond
  return most_in(passed, period);
}

void the_cleverest_client_reaches_the_bound(void**) {
  for (std::uint64_t count : kCounts) {
    for (std::uint64_t period : {kMs, 10 * kMs, kSecond, 60 * kSecond}) {
      assert_int_equal(most_of_the_cleverest<SlidingWindow>(count, period),
                       SlidingWindow(count, period).bound());
      assert_int_equal(most_of_the_cleverest<FixedWindow>(count, period), 2 * count);
    }
  }
  assert_int_equal(SlidingWindow(100, 60 * kSecond).bound(), 199);
  assert_int_equal(SlidingWindow(1, kSecond).bound(), 1);
  assert_int_equal(SlidingWindow(1'000'000, kSecond).bound(), 1'999'000);
}

// In any longer time: count * (ceil(t / period) + 1), less one for the sliding window.
void bounds_longer_times(void**) {
  const std::uint64_t count = 7, period = kSecond;
  std::mt19937_64 random(5);
  for (Client client : kClients) {
    SlidingWindow sliding(count, period);
    FixedWindow fixed(count, period);
    for (bool is_sliding : {true, false}) {
      std::uint64_t state = 0;
      std::vector<std::uint64_t> passed;
      std::uint64_t now = kDay;
      for (int i = 0; i < 4000; ++i) {
        WindowDecision decision =
            is_sliding ? sliding.decide(state, now, 400, 1) : fixed.decide(state, now, 400, 1);
        state = decision.state;
        if (decision.admitted) passed.push_back(now);
        now = next(client, now, decision.retry, period, 400, random);
      }
      for (std::size_t i = 0; i < passed.size(); ++i) {
        for (std::size_t j = i; j < passed.size() && j < i + 20 * count; ++j) {
          std::uint64_t t = passed[j] - passed[i];
          if (t < period) continue;
          std::uint64_t bound = count * ((t + period - 1) / period + 1) - (is_sliding ? 1 : 0);
          assert_true(j - i + 1 <= bound);
        }
      }
    }
  }
}

// The same clients, through the counters in shared memory: every algorithm and its bound.
void no_client_gets_more_from_shared_memory(void**) {
  std::mt19937_64 random(21);
  for (std::uint64_t count : {1, 5, 64}) {
    for (std::uint64_t period : {kSecond, 60 * kSecond, kDay}) {
      struct {
        Algorithm algorithm;
        std::uint64_t bound;
      } const cases[] = {{Algorithm::gcra, 2 * count},
                         {Algorithm::sliding_window, 2 * count - 1},
                         {Algorithm::fixed_window, 2 * count},
                         {Algorithm::sliding_log, count}};
      for (const auto& c : cases) {
        for (Client client : kClients) {
          std::vector<std::byte> memory(64 * 1024);
          Limiter limiter(memory, {c.algorithm, count, period, count});
          CounterKey key{random(), random()};
          std::uint64_t phase = WindowClock(period).phase_of(key.hash);
          auto take = [&](std::uint64_t now, std::uint64_t cost, std::uint64_t& retry) {
            auto peeked = limiter.peek(key.hash, now, cost);
            auto decision = limiter.take(key, now, cost);
            assert_int_equal(peeked.admitted, decision.admitted);
            assert_int_equal(peeked.retry, decision.retry);
            // What is given back at once changes nothing.
            if (decision.admitted && random() % 4 == 0) {
              limiter.give_back(key, now, cost);
              assert_true(limiter.take(key, now, cost).admitted);
            }
            retry = decision.retry;
            return decision.admitted;
          };
          assert_true(most_of(client, count, period, phase, random, take) <= c.bound);
        }
      }
    }
  }
}

// A client that is told to come back in `retry` passes then, and not a millisecond earlier.
template <class Algorithm>
void passes_when_told(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::uint64_t count : {1, 3, 100, 5000}) {
    for (std::uint64_t period : {kSecond, 60 * kSecond, kDay}) {
      Algorithm algorithm(count, period);
      std::uint64_t phase = random() % (period / kMs);
      std::uint64_t state = 0;
      std::uint64_t now = kDay;
      for (int i = 0; i < 5000; ++i) {
        std::uint64_t cost = 1 + random() % count;
        WindowDecision decision = algorithm.decide(state, now, phase, cost);
        state = decision.state;
        if (decision.admitted) {
          now += random() % (period / 4);
          continue;
        }
        assert_true(decision.retry > 0 && decision.retry <= 2 * period);
        assert_true(decision.reset > 0 && decision.reset <= decision.retry);
        assert_true(algorithm.decide(state, now + decision.retry, phase, cost).admitted);
        assert_false(algorithm.decide(state, now + decision.retry - 1, phase, cost).admitted);
        now += decision.retry;
      }
    }
  }
}

void clients_pass_when_they_are_told_to_come(void**) {
  passes_when_told<SlidingWindow>(31);
  passes_when_told<FixedWindow>(32);
}

// Another process may have read its clock a little later than this one, in the next window.
template <class Algorithm>
void a_state_from_the_next_window(void**) {
  Algorithm algorithm(3, kSecond);
  std::uint64_t state = algorithm.decide(0, 10 * kSecond - 1, 0, 1).state;
  state = algorithm.decide(state, 10 * kSecond, 0, 2).state;
  WindowDecision early = algorithm.decide(state, 10 * kSecond - 1, 0, 1);
  WindowDecision then = algorithm.decide(state, 10 * kSecond, 0, 1);
  assert_int_equal(early.admitted, then.admitted);
  assert_int_equal(early.remaining, then.remaining);
  assert_int_equal(early.reset, then.reset + 1);
  assert_int_equal(early.retry, then.admitted ? 0 : then.retry + 1);
  assert_true(early.state == then.state);
  // From further ahead it is no state of this clock.
  assert_int_equal(algorithm.decide(state, 8 * kSecond - 1, 0, 1).remaining, 2);
}

// Two clients that share nothing but the policy do not begin anew at the same moment.
void phases_are_spread(void**) {
  WindowClock clock(60 * kSecond);
  std::mt19937_64 random(8);
  std::vector<int> in_second(60);
  for (int i = 0; i < 60'000; ++i) {
    std::uint64_t phase = clock.phase_of(random());
    assert_true(phase < 60'000);
    ++in_second[phase / 1000];
  }
  for (int n : in_second) assert_in_range(n, 800, 1200);
  // The table knows a key by its tag only.
  CounterKey key{random(), random()};
  assert_int_equal(clock.phase_of(key.hash), clock.phase_of(tag_of(key)));
}

template <class Algorithm>
void gives_back(void**) {
  Algorithm algorithm(10, kSecond);
  const std::uint64_t last = 10 * kSecond - 2;
  std::uint64_t one = algorithm.decide(0, last, 0, 4).state;
  std::uint64_t two = algorithm.decide(one, last + 1, 0, 3).state;
  assert_true(algorithm.give_back(two, last + 1, 0, 3) == one);
  // The next window has begun meanwhile.
  std::uint64_t now = 10 * kSecond + 500 * kMs;
  std::uint64_t later = algorithm.decide(two, now, 0, 1).state;
  std::uint64_t without = algorithm.decide(one, now, 0, 1).state;
  assert_true(algorithm.give_back(later, last + 1, 0, 3) == without);
  // The window of what is given back is over and done with.
  assert_true(algorithm.give_back(later, last - 2 * kSecond, 0, 3) == later);
  // Never more than there is.
  assert_int_equal(algorithm.used(algorithm.give_back(one, last, 0, 9), last, 0), 0);
}

// 2^23 windows later, if nobody has come meanwhile; and the largest counts fit beside it.
void largest_values_fit(void**) {
  SlidingWindow sliding(WindowClock::kMaxCount, kDay);
  std::uint64_t state = sliding.decide(0, kDay - 1, 0, WindowClock::kMaxCount).state;
  WindowDecision decision = sliding.decide(state, kDay, 0, 1);
  assert_false(decision.admitted);
  assert_int_equal(decision.retry, 87 * kMs);  // the first millisecond after 86.4
  state = sliding.decide(state, 2 * kDay - kMs, 0, WindowClock::kMaxCount - 1).state;
  decision = sliding.decide(state, 2 * kDay - kMs, 0, 1);
  assert_int_equal(decision.remaining, 0);
  assert_int_equal(sliding.decide(state, 3 * kDay, 0, 0).remaining, WindowClock::kMaxCount);

  FixedWindow fixed(5, kSecond);
  state = fixed.decide(0, kSecond, 0, 5).state;
  const std::uint64_t turn = (std::uint64_t{1} << 23) * kSecond;
  assert_int_equal(fixed.decide(state, turn - kSecond, 0, 0).remaining, 5);
  assert_int_equal(fixed.decide(state, turn + kSecond, 0, 0).remaining, 0);
  assert_int_equal(fixed.decide(state, turn + 2 * kSecond, 0, 0).remaining, 5);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(agree_with_a_list),
      cmocka_unit_test(no_client_gets_more_than_the_bound),
      cmocka_unit_test(the_cleverest_client_reaches_the_bound),
      cmocka_unit_test(bounds_longer_times),
      cmocka_unit_test(no_client_gets_more_from_shared_memory),
      cmocka_unit_test(clients_pass_when_they_are_told_to_come),
      cmocka_unit_test(a_state_from_the_next_window<SlidingWindow>),
      cmocka_unit_test(a_state_from_the_next_window<FixedWindow>),
      cmocka_unit_test(phases_are_spread),
      cmocka_unit_test(gives_back<SlidingWindow>),
      cmocka_unit_test(gives_back<FixedWindow>),
      cmocka_unit_test(largest_values_fit),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
