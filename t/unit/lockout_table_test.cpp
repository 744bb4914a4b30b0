#include "lockout/lockout_table.h"

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <deque>
#include <thread>
#include <vector>

#include "hashes.h"
#include "unit.h"

using namespace guard::lockout;
using guard::unit::hash_of;

namespace {

constexpr std::uint64_t kNow = 1'000'000;  // milliseconds
constexpr std::uint64_t kWindow = 900'000;
constexpr std::uint64_t kDuration = 1'800'000;

struct Fixture {
  explicit Fixture(LockRule own = {3, kWindow, kDuration, 1, kDuration, false},
                   std::size_t size = 64 * 1024)
      : rule(own), memory(size), table(memory, rule) {}

  LockRule rule;
  std::vector<std::byte> memory;
  LockTable table;
};

LockKey key_of(std::uint64_t number, std::uint64_t value = 0) {
  std::uint64_t spread = (number + 1) * 0x9e3779b97f4a7c15;
  return {{spread, ~spread}, number, number * 7, value};
}

// A whole attempt that fails.
Failure fail_once(LockTable& table, const LockKey& key, std::uint64_t now) {
  Decision decision = table.reserve(key, now);
  assert_true(decision.verdict == Verdict::admitted);
  return table.fail(key, decision.place, now);
}

void counts_what_is_in_force(void**) {
  Fixture f;
  const auto tally = [&](std::uint64_t first, std::uint64_t count, std::uint64_t now) {
    std::uint64_t live = 0;
    std::uint64_t locked = 0;
    f.table.tally(first, count, now, live, locked);
    return live * 10 + locked;
  };
  assert_int_equal(tally(0, f.table.sets(), kNow), 0);
  for (std::uint64_t n = 1; n <= 4; ++n) {
    for (std::uint64_t i = 0; i < (n <= 2 ? 3 : 1); ++i) fail_once(f.table, key_of(n), kNow);
  }
  assert_int_equal(tally(0, f.table.sets(), kNow + 1), 42);
  std::uint64_t sum = 0;
  for (std::uint64_t set = 0; set < f.table.sets(); ++set) sum += tally(set, 1, kNow + 1);
  assert_int_equal(sum, 42);
  // The places of the others are free again.
  assert_int_equal(tally(0, f.table.sets(), kNow + kWindow), 22);
  assert_int_equal(tally(0, f.table.sets(), kNow + kDuration) % 10, 0);
}

void locks_after_the_limit(void**) {
  Fixture f;
  LockKey key = key_of(1);
  assert_false(fail_once(f.table, key, kNow).locks);
  assert_false(fail_once(f.table, key, kNow + 1).locks);
  Failure failure = fail_once(f.table, key, kNow + 2);
  assert_true(failure.locks);
  assert_int_equal(failure.length, kDuration);
  Decision decision = f.table.reserve(key, kNow + 3);
  assert_true(decision.verdict == Verdict::locked);
  assert_int_equal(decision.retry, kDuration - 1);
  assert_true(decision.first_report);
  assert_false(f.table.peek(key, kNow + 4).first_report);
  assert_true(f.table.peek(key_of(2), kNow).verdict == Verdict::admitted);
  // Then it begins anew.
  std::uint64_t later = kNow + 2 + kDuration;
  assert_true(f.table.peek(key, later - 1).verdict == Verdict::locked);
  assert_true(f.table.peek(key, later).verdict == Verdict::admitted);
  assert_false(fail_once(f.table, key, later).locks);
}

void what_is_under_way_counts(void**) {
  Fixture f;
  LockKey key = key_of(1);
  std::vector<Decision> open;
  for (int i = 0; i < 3; ++i) open.push_back(f.table.reserve(key, kNow));
  Decision full = f.table.reserve(key, kNow);
  assert_true(full.verdict == Verdict::full);
  assert_true(full.under_way);
  f.table.give_back(key, open[0].place);
  assert_true(f.table.peek(key, kNow).verdict == Verdict::admitted);
  assert_false(f.table.fail(key, open[1].place, kNow).locks);
  f.table.leave(key, open[2].place);
  open[0] = f.table.reserve(key, kNow + 10);
  f.table.leave(key, open[0].place);
  full = f.table.reserve(key, kNow + 20);
  assert_true(full.verdict == Verdict::full);
  assert_false(full.under_way);
  // Till the first of them is out of the window.
  assert_int_equal(full.retry, kWindow - 20);
  assert_true(f.table.reserve(key, kNow + kWindow - 1).verdict == Verdict::full);
  assert_true(f.table.reserve(key, kNow + kWindow).verdict == Verdict::admitted);
}

void failures_leave_the_window(void**) {
  Fixture f;
  LockKey key = key_of(1);
  fail_once(f.table, key, kNow);
  fail_once(f.table, key, kNow + 10);
  assert_false(fail_once(f.table, key, kNow + kWindow).locks);
  assert_true(fail_once(f.table, key, kNow + kWindow + 1).locks);
}

void a_success_forgets(void**) {
  Fixture f;
  LockKey key = key_of(1);
  fail_once(f.table, key, kNow);
  fail_once(f.table, key, kNow);
  Decision open = f.table.reserve(key, kNow);
  assert_false(f.table.clear(key, kNow));
  f.table.give_back(key, open.place);
  fail_once(f.table, key, kNow);
  fail_once(f.table, key, kNow);
  assert_true(fail_once(f.table, key, kNow).locks);
  assert_true(f.table.clear(key, kNow + 1));
  assert_true(f.table.peek(key, kNow + 1).verdict == Verdict::admitted);
  assert_false(f.table.clear(key_of(9), kNow));
  // An attempt that is under way stays so.
  open = f.table.reserve(key, kNow + 2);
  f.table.clear(key, kNow + 2);
  f.table.reserve(key, kNow + 2);
  f.table.reserve(key, kNow + 2);
  assert_true(f.table.reserve(key, kNow + 2).verdict == Verdict::full);
}

void repeated_locks_grow(void**) {
  Fixture f({1, kWindow, 1000, 2, 5000, false});
  LockKey key = key_of(1);
  std::uint64_t now = kNow;
  for (std::uint64_t length : {1000, 2000, 4000, 5000, 5000}) {
    Failure failure = fail_once(f.table, key, now);
    assert_int_equal(failure.length, length);
    assert_true(f.table.peek(key, now + length - 1).verdict == Verdict::locked);
    now += length;
  }
  // As long as the longest after the last one it is a first one again.
  now += 5000;
  assert_int_equal(fail_once(f.table, key, now).length, 1000);
}

void a_lock_is_not_made_longer(void**) {
  Fixture f({2, kWindow, kDuration, 2, kDuration, false});
  LockKey key = key_of(1);
  Decision a = f.table.reserve(key, kNow);
  fail_once(f.table, key, kNow);
  f.table.fail(key, 0, kNow);
  assert_true(f.table.peek(key, kNow).verdict == Verdict::locked);
  assert_false(f.table.fail(key, a.place, kNow + 10).locks);
  assert_int_equal(f.table.peek(key, kNow + 10).retry, kDuration - 10);
}

void counts_what_was_not_reserved(void**) {
  Fixture f;
  LockKey key = key_of(1);
  for (int i = 0; i < 3; ++i) f.table.reserve(key, kNow);
  assert_false(f.table.fail(key, 0, kNow).locks);
  assert_false(f.table.fail(key, 0, kNow).locks);
  assert_true(f.table.fail(key, 0, kNow).locks);
}

void distinct_values(void**) {
  Fixture f({3, kWindow, kDuration, 1, kDuration, true});
  for (int i = 0; i < 10; ++i) assert_false(fail_once(f.table, key_of(1, 100), kNow + 1).locks);
  assert_false(fail_once(f.table, key_of(1, 200), kNow + 2).locks);
  // A value that is there needs no place of its own.
  Decision third = f.table.reserve(key_of(1, 300), kNow + 3);
  assert_true(f.table.reserve(key_of(1, 400), kNow + 3).verdict == Verdict::full);
  Decision again = f.table.reserve(key_of(1, 300), kNow + 3);
  assert_true(again.verdict == Verdict::admitted);
  assert_true(f.table.reserve(key_of(1, 100), kNow + 3).verdict == Verdict::admitted);
  f.table.give_back(key_of(1, 300), third.place);
  assert_true(f.table.peek(key_of(1, 400), kNow + 3).verdict == Verdict::full);
  f.table.give_back(key_of(1, 300), again.place);
  Decision other = f.table.reserve(key_of(1, 400), kNow + 3);
  assert_true(other.verdict == Verdict::admitted);
  assert_true(f.table.fail(key_of(1, 400), other.place, kNow + 3).locks);
}

void lists_and_unlocks(void**) {
  Fixture f;
  for (std::uint64_t number = 0; number < 20; ++number) {
    for (int i = 0; i < 3; ++i) fail_once(f.table, key_of(number), kNow + number);
  }
  std::size_t count = 0;
  f.table.list(kNow + 100, [&](const Lock& lock) {
    assert_int_equal(lock.left, kDuration - 100 + lock.account / 7);
    assert_int_equal(lock.repeats, 1);
    ++count;
    return true;
  });
  assert_int_equal(count, 20);
  std::size_t lifted = 0;
  f.table.unlock(
      kNow + 100, [](const Lock& lock) { return lock.account == 7; },
      [&](const Lock&) { ++lifted; });
  assert_int_equal(lifted, 1);
  assert_true(f.table.peek(key_of(1), kNow + 100).verdict == Verdict::admitted);
  assert_true(f.table.peek(key_of(2), kNow + 100).verdict == Verdict::locked);
  count = 0;
  f.table.list(kNow + 100, [&](const Lock&) { return ++count < 5; });
  assert_int_equal(count, 5);
}

void survives(void**) {
  Fixture f;
  LockKey key = key_of(1);
  for (int i = 0; i < 3; ++i) fail_once(f.table, key, kNow);
  // Other times, the same limit: what is locked stays so.
  LockTable next(f.memory, {3, kWindow * 2, kDuration * 2, 2, kDuration * 4, false});
  assert_true(next.attached() == guard::core::Attached::inherited);
  assert_true(next.peek(key, kNow + 1).verdict == Verdict::locked);
  LockTable other(f.memory, {4, kWindow, kDuration, 1, kDuration, false});
  assert_true(other.attached() == guard::core::Attached::replaced);
  assert_true(other.peek(key, kNow + 1).verdict == Verdict::admitted);
}

void adopts_a_lock(void**) {
  Fixture f;
  f.table.lock(key_of(1), 5000, 2, kNow);
  Decision decision = f.table.peek(key_of(1), kNow + 1000);
  assert_true(decision.verdict == Verdict::locked);
  assert_int_equal(decision.retry, 4000);
}

// Locks are the last to go, and one network never displaces those of others.
void keeps_locks_of_others(void**) {
  Fixture f({3, kWindow, kDuration, 1, kDuration, false}, 16 * 1024);
  LockKey locked = key_of(1);
  for (int i = 0; i < 3; ++i) fail_once(f.table, locked, kNow);
  for (std::uint64_t number = 100; number < 5000; ++number) {
    LockKey key = key_of(number);
    key.network = std::uint64_t{0x77} << 48 | 0x77;
    f.table.reserve(key, kNow);
  }
  assert_true(f.table.peek(locked, kNow + 1).verdict == Verdict::locked);
}

void a_stopped_owner_admits_nobody(void**) {
  Fixture f;
  LockKey key = key_of(1);
  fail_once(f.table, key, kNow);
  // This process, now: alive, and it holds the lock of every set.
  auto begin = reinterpret_cast<std::uintptr_t>(f.memory.data());
  for (std::size_t at = (64 - begin % 64) % 64; at + 8 <= f.memory.size(); at += 64) {
    auto* word = reinterpret_cast<std::uint64_t*>(f.memory.data() + at);
    if (*word == 0) *word = ~std::uint64_t{0} << 22 | static_cast<std::uint64_t>(getpid());
  }
  assert_true(f.table.reserve(key, kNow).verdict == Verdict::unavailable);
}

// Many threads guess at one key: as many as the limit get in, however they are mixed.
void exactly_the_limit(void**) {
  guard::unit::skip_under_valgrind();
  guard::core::own_counter_locks();
  Fixture f({5, kWindow, kDuration, 1, kDuration, false});
  std::atomic<int> admitted = 0;
  std::atomic<int> locks = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        Decision decision = f.table.reserve(key_of(1), kNow + 1);
        if (decision.verdict != Verdict::admitted) continue;
        ++admitted;
        if (f.table.fail(key_of(1), decision.place, kNow + 1).locks) ++locks;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  assert_int_equal(admitted, 5);
  assert_int_equal(locks, 1);
}

// Above kMostExact: HyperLogLog.

constexpr std::uint64_t kPart = kWindow / 4;
constexpr double kStandardError = 0.0325;

LockRule counting(std::uint64_t limit) {
  return {limit, kWindow, kDuration, 1, kDuration, true};
}

// A value of a key, each another one.
LockKey value_of(std::uint64_t number, std::uint64_t value) {
  return key_of(number, hash_of(number << 32 | value));
}

std::uint64_t live_entries(const LockTable& table, std::uint64_t now) {
  std::uint64_t live = 0;
  std::uint64_t locked = 0;
  table.tally(0, table.sets(), now, live, locked);
  return live;
}

// How many different values fail before the key is locked, 0: more than three times the limit.
std::uint64_t values_until_lock(Fixture& f, std::uint64_t number) {
  for (std::uint64_t value = 1; value <= 3 * f.rule.limit; ++value) {
    if (fail_once(f.table, value_of(number, value), kNow).locks) return value;
  }
  return 0;
}

void counts_many_values(void**) {
  constexpr std::pair<std::uint64_t, std::uint64_t> kLimits[] = {
      {kMostExact + 1, 30}, {100, 30}, {500, 30}, {1000, 15}, {5000, 5}, {100'000, 1}};
  for (const auto& [limit, keys] : kLimits) {
    Fixture f(counting(limit), 1 << 20);
    double sum = 0;
    for (std::uint64_t number = 0; number < keys; ++number) {
      const auto values = static_cast<double>(values_until_lock(f, number));
      const double error = values / static_cast<double>(limit) - 1;
      assert_true(std::abs(error) < 4 * kStandardError);
      sum += error;
      assert_true(f.table.peek(value_of(number, 1), kNow).verdict == Verdict::locked);
    }
    const auto count = static_cast<double>(keys);
    assert_true(std::abs(sum / count) < 3 * kStandardError / std::sqrt(count));
  }
  // Up to there it is exact.
  Fixture f(counting(kMostExact));
  assert_int_equal(values_until_lock(f, 1), kMostExact);
}

void a_value_counts_once(void**) {
  Fixture f(counting(100), 1 << 20);
  for (int i = 0; i < 300; ++i) assert_false(fail_once(f.table, value_of(1, 1), kNow).locks);
  // Nor do attempts with it take anybody's place.
  std::vector<Decision> open;
  for (int i = 0; i < 300; ++i) {
    open.push_back(f.table.reserve(value_of(1, 1), kNow));
    assert_true(open.back().verdict == Verdict::admitted);
  }
  assert_true(f.table.reserve(value_of(1, 2), kNow).verdict == Verdict::admitted);
  for (const Decision& decision : open) {
    assert_false(f.table.fail(value_of(1, 1), decision.place, kNow).locks);
  }
  assert_true(f.table.peek(value_of(2, 1), kNow).verdict == Verdict::admitted);
}

void many_values_under_way(void**) {
  Fixture f(counting(100), 1 << 20);
  std::vector<Decision> open;
  for (std::uint64_t value = 0; value < 100; ++value) {
    open.push_back(f.table.reserve(value_of(1, value), kNow + value));
    assert_true(open.back().verdict == Verdict::admitted);
    assert_true(open.back().place != 0);
  }
  Decision full = f.table.reserve(value_of(1, 100), kNow + 100);
  assert_true(full.verdict == Verdict::full);
  assert_true(full.under_way);
  // What is given back leaves nothing.
  f.table.give_back(value_of(1, 7), open[7].place);
  Decision again = f.table.reserve(value_of(1, 100), kNow + 100);
  assert_true(again.verdict == Verdict::admitted);
  open[7] = again;
  assert_int_equal(live_entries(f.table, kNow + 100), 1);
  for (std::uint64_t value = 0; value < 100; ++value) {
    f.table.give_back(value_of(1, value), open[value].place);
  }
  assert_int_equal(live_entries(f.table, kNow + 100), 0);
  // Those of a process that died end with their slice.
  for (std::uint64_t value = 0; value < 100; ++value) f.table.reserve(value_of(1, value), kNow);
  assert_true(f.table.reserve(value_of(1, 100), kNow + kWindow).verdict == Verdict::full);
  assert_true(f.table.reserve(value_of(1, 100), kNow + kWindow + kPart).verdict ==
              Verdict::admitted);
  // A place that is gone is nobody's.
  f.table.give_back(value_of(1, 0), open[0].place);
  f.table.leave(value_of(1, 0), open[0].place);
  assert_int_equal(live_entries(f.table, kNow + kWindow + kPart), 1);
}

void many_values_never_answered(void**) {
  Fixture f(counting(100), 1 << 20);
  std::uint64_t left = 0;
  Decision decision;
  for (; left < 300; ++left) {
    decision = f.table.reserve(value_of(1, left), kNow + left);
    if (decision.verdict != Verdict::admitted) break;
    f.table.leave(value_of(1, left), decision.place);
  }
  assert_true(std::abs(static_cast<double>(left) / 100 - 1) < 4 * kStandardError);
  assert_true(decision.verdict == Verdict::full);
  assert_false(decision.under_way);
  assert_int_equal(decision.retry, kWindow + kPart - left);
  // They lock nothing, and whoever is among them may go on.
  assert_false(fail_once(f.table, value_of(1, 1), kNow + left).locks);
  assert_false(f.table.fail(value_of(1, 1000), 0, kNow + left).locks);
  assert_true(f.table.peek(value_of(1, 1001), kNow + kWindow).verdict == Verdict::full);
  // The slice ends, but not for what failed.
  assert_true(f.table.peek(value_of(1, 1001), kNow + kWindow + kPart).verdict == Verdict::admitted);
  // Whoever goes on with all of them does not escape.
  Fixture g(counting(100), 1 << 20);
  for (std::uint64_t value = 0; value < 90; ++value) {
    Decision open = g.table.reserve(value_of(1, value), kNow);
    g.table.leave(value_of(1, value), open.place);
  }
  std::uint64_t locks = 0;
  for (std::uint64_t value = 0; value < 120; ++value) {
    locks += g.table.fail(value_of(1, value), 0, kNow).locks ? 1 : 0;
  }
  assert_int_equal(locks, 1);
}

// At least a window, at most a quarter of it longer.
void many_values_leave_the_window(void**) {
  Fixture f(counting(100), 1 << 20);
  for (std::uint64_t value = 0; value < 60; ++value) {
    fail_once(f.table, value_of(1, value), kNow + value);
  }
  for (std::uint64_t step = 1; step < 4; ++step) {
    for (std::uint64_t value = 0; value < 5; ++value) {
      fail_once(f.table, value_of(1, step * 100 + value), kNow + step * kPart);
    }
  }
  Fixture g(counting(100), 1 << 20);
  for (std::uint64_t value = 0; value < 60; ++value) {
    fail_once(g.table, value_of(1, value), kNow + kPart - 1);
  }
  const auto locks = [](LockTable& table, std::uint64_t from, std::uint64_t now) {
    bool any = false;
    for (std::uint64_t value = from; value < from + 70; ++value) {
      if (table.peek(value_of(1, value), now).verdict != Verdict::admitted) return any;
      any = fail_once(table, value_of(1, value), now).locks || any;
    }
    return any;
  };
  assert_false(locks(f.table, 1000, kNow + kWindow + kPart));
  assert_true(locks(g.table, 1000, kNow + kPart - 1 + kWindow - 1));
}

void many_values_are_forgotten(void**) {
  Fixture f(counting(100), 1 << 20);
  Decision open = f.table.reserve(value_of(1, 5000), kNow);
  Decision left = f.table.reserve(value_of(1, 5001), kNow);
  f.table.leave(value_of(1, 5001), left.place);
  // Of what is under way and what was left nothing locks, but it takes its room.
  std::uint64_t failed = 0;
  while (failed < 200 && !f.table.fail(value_of(1, failed), 0, kNow).locks) ++failed;
  assert_true(failed < 120);
  assert_true(f.table.clear(key_of(1), kNow + 1));
  // What was under way stays so.
  assert_int_equal(live_entries(f.table, kNow + 1), 1);
  f.table.give_back(value_of(1, 5000), open.place);
  assert_int_equal(live_entries(f.table, kNow + 1), 0);
  // A lock that is over leaves nothing of what led to it.
  const std::uint64_t values = values_until_lock(f, 2);
  const std::uint64_t later = kNow + kDuration;
  for (std::uint64_t value = 1; value < values; ++value) {
    assert_false(fail_once(f.table, value_of(2, value), later).locks);
  }
  assert_true(fail_once(f.table, value_of(2, values), later).locks);
  std::size_t lifted = 0;
  f.table.unlock(
      later, [](const Lock& lock) { return lock.account == 14; },
      [&](const Lock& lock) { lifted += lock.left == kDuration ? 1 : 0; });
  assert_int_equal(lifted, 1);
  assert_int_equal(live_entries(f.table, later), 0);
}

void many_values_survive(void**) {
  Fixture f(counting(100), 1 << 20);
  for (std::uint64_t value = 0; value < 80; ++value) {
    fail_once(f.table, value_of(1, value), kNow);
  }
  LockTable next(f.memory, {100, kWindow * 2, kDuration, 1, kDuration, true});
  assert_true(next.attached() == guard::core::Attached::inherited);
  std::uint64_t more = 80;
  while (more < 200 && !fail_once(next, value_of(1, more), kNow + kWindow).locks) ++more;
  assert_true(more < 120);
  for (const LockRule& rule : {counting(101), counting(kMostExact),
                               LockRule{100, kWindow, kDuration, 1, kDuration, false}}) {
    LockTable other(f.memory, rule);
    assert_true(other.attached() == guard::core::Attached::replaced);
    assert_true(other.peek(value_of(1, 1), kNow + 1).verdict == Verdict::admitted);
  }
}

// As many at once as there is room for, each answered when it is the oldest: no more values get
// through than the estimate allows.
void many_values_at_once(void**) {
  for (const std::uint64_t limit : {100, 1000, 20'000}) {
    Fixture f(counting(limit), 1 << 20);
    std::deque<std::pair<LockKey, Decision>> open;
    std::uint64_t through = 0;
    bool locked = false;
    for (std::uint64_t value = 0; !locked && value < 20 * limit; ++value) {
      LockKey key = value_of(1, value);
      Decision decision = f.table.reserve(key, kNow);
      if (decision.verdict == Verdict::admitted) {
        ++through;
        open.emplace_back(key, decision);
        if (open.size() < limit / 4) continue;
      }
      locked = f.table.fail(open.front().first, open.front().second.place, kNow).locks;
      open.pop_front();
    }
    assert_true(locked);
    assert_true(std::abs(static_cast<double>(through) / static_cast<double>(limit) - 1) <
                4 * kStandardError);
  }
}

void many_values_of_many_threads(void**) {
  guard::unit::skip_under_valgrind();
  guard::core::own_counter_locks();
  Fixture f(counting(200), 1 << 20);
  std::atomic<int> admitted = 0;
  std::atomic<int> locks = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 200; ++i) {
        LockKey key = value_of(1, t * 1000 + i);
        Decision decision = f.table.reserve(key, kNow + 1);
        if (decision.verdict != Verdict::admitted) continue;
        ++admitted;
        if (f.table.fail(key, decision.place, kNow + 1).locks) ++locks;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  assert_true(std::abs(admitted / 200.0 - 1) < 4 * kStandardError);
  assert_int_equal(locks, 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(locks_after_the_limit),
      cmocka_unit_test(counts_what_is_in_force),
      cmocka_unit_test(what_is_under_way_counts),
      cmocka_unit_test(failures_leave_the_window),
      cmocka_unit_test(a_success_forgets),
      cmocka_unit_test(repeated_locks_grow),
      cmocka_unit_test(a_lock_is_not_made_longer),
      cmocka_unit_test(counts_what_was_not_reserved),
      cmocka_unit_test(distinct_values),
      cmocka_unit_test(lists_and_unlocks),
      cmocka_unit_test(survives),
      cmocka_unit_test(adopts_a_lock),
      cmocka_unit_test(keeps_locks_of_others),
      cmocka_unit_test(a_stopped_owner_admits_nobody),
      cmocka_unit_test(exactly_the_limit),
      cmocka_unit_test(counts_many_values),
      cmocka_unit_test(a_value_counts_once),
      cmocka_unit_test(many_values_under_way),
      cmocka_unit_test(many_values_never_answered),
      cmocka_unit_test(many_values_leave_the_window),
      cmocka_unit_test(many_values_are_forgotten),
      cmocka_unit_test(many_values_survive),
      cmocka_unit_test(many_values_at_once),
      cmocka_unit_test(many_values_of_many_threads),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
