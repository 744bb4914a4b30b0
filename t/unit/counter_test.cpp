// The counter tables: how many keys a zone holds, races, hostile keys, inheritance, dead owners.
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "core/counter_lock.h"
#include "core/counter_log.h"
#include "core/counter_once.h"
#include "core/counter_table.h"
#include "core/gcra.h"
#include "rate/limiter.h"
#include "shared_memory.h"
#include "unit.h"

using namespace guard::core;
using guard::rate::Algorithm;
using guard::rate::Limiter;
using guard::rate::Quota;
using guard::unit::SharedMemory;

namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kNow = 1000 * kSecond;
constexpr std::size_t kMegabyte = 1 << 20;

// splitmix64: stands in for the keyed hash.
std::uint64_t mixed(std::uint64_t n) {
  n += 0x9e3779b97f4a7c15;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
  n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
  return n ^ (n >> 31);
}

CounterKey key(std::uint64_t n, std::uint64_t network) {
  return {mixed(n), mixed(~network)};
}

CounterZone gcra_zone(const SharedMemory& memory) {
  return CounterZone::attach(memory.all(), CounterKind::gcra, CounterTable::kSetSize,
                             {100, kMinute});
}

constexpr Quota kPerMinute{Algorithm::gcra, 100, kMinute, 100};

// How much of a quota a state of the GCRA uses.
std::uint64_t used_now(std::uint64_t /*tag*/, std::uint64_t state) {
  std::uint64_t now = Gcra(100, kMinute, 100).units(kNow);
  return state > now ? state - now : 0;
}

// At most 40 bytes of zone per tracked key.
void ten_megabytes_hold_262144_keys(void**) {
  for (std::uint64_t networks : {std::uint64_t{1}, std::uint64_t{50'000}}) {
    SharedMemory memory(10 * kMegabyte);
    Limiter limiter(memory.all(), kPerMinute);
    const std::uint64_t keys = 10 * kMegabyte / 40;
    assert_int_equal(keys, 262'144);
    for (std::uint64_t n = 0; n < keys; ++n) limiter.take(key(n, n % networks), kNow, 1);
    std::uint64_t tracked = 0;
    for (std::uint64_t n = 0; n < keys; ++n) {
      tracked += limiter.peek(mixed(n), kNow, 0).remaining == 99;
    }
    assert_true(tracked >= keys - keys / 1000);
    assert_int_equal(keys - tracked, limiter.stats().live_evictions);
  }
}

void a_full_table_refuses_nobody(void**) {
  SharedMemory memory(64 * 1024);
  Limiter limiter(memory.all(), kPerMinute);
  for (std::uint64_t n = 0; n < 100'000; ++n) {
    assert_true(limiter.take(key(n, n), kNow, 1).admitted);
  }
  assert_true(limiter.stats().live_evictions > 90'000);
  assert_int_equal(limiter.pressure(kNow), limiter.stats().live_evictions);
  limiter.take(key(200'000, 1), kNow, 1);
  limiter.take(key(200'001, 1), kNow, 1);
  assert_int_equal(limiter.pressure(kNow + kSecond - 1), 0);
  assert_in_range(limiter.pressure(kNow + kSecond), 1, 2);
}

void what_is_restored_makes_room_silently(void**) {
  SharedMemory memory(64 * 1024);
  Limiter limiter(memory.all(), kPerMinute);
  for (std::uint64_t round = 0; round < 20; ++round) {
    for (std::uint64_t n = 0; n < 1000; ++n) {
      limiter.take(key(round * 1000 + n, n), kNow + round * kSecond, 1);
    }
  }
  assert_int_equal(limiter.stats().live_evictions, 0);
}

// Ten times the table's capacity of keys from one network, against limited keys of others.
template <class Check>
void flood(Limiter& limiter, std::uint64_t capacity, std::uint64_t honest, std::uint64_t burst,
           std::uint64_t networks, Check check) {
  for (std::uint64_t n = 0; n < honest; ++n) {
    assert_true(limiter.take(key(n, 1000 + n), kNow, burst).admitted);
    assert_false(limiter.take(key(n, 1000 + n), kNow, 1).admitted);
  }
  for (std::uint64_t n = 0; n < 10 * capacity; ++n) {
    limiter.take(key(1'000'000'000 + n, n % networks), kNow + n % 1000, 1);
  }
  std::uint64_t limited = 0;
  for (std::uint64_t n = 0; n < honest; ++n) limited += !limiter.peek(mixed(n), kNow, 1).admitted;
  check(limited);
}

void hostile_keys_do_not_wash_out_others(void**) {
  const std::size_t size = kMegabyte;
  const std::uint64_t capacity = size / sizeof(Pair);
  const std::uint64_t honest = capacity / 4;
  SharedMemory memory(size);
  Limiter limiter(memory.all(), kPerMinute);
  // Those that a flood of any length displaces are those that met a full set among themselves.
  flood(limiter, capacity, honest, 100, 1,
        [&](std::uint64_t limited) { assert_int_equal(limited, honest); });
  assert_true(limiter.stats().live_evictions > 8 * capacity);
  assert_true(limiter.pressure(kNow + kMinute) > 0);
}

// Barely used keys of others are protected from one network as well, by its share.
void hostile_keys_do_not_wash_out_the_unlimited(void**) {
  const std::size_t size = kMegabyte;
  const std::uint64_t capacity = size / sizeof(Pair);
  const std::uint64_t honest = capacity / 8;
  SharedMemory memory(size);
  Limiter limiter(memory.all(), kPerMinute);
  for (std::uint64_t n = 0; n < capacity; ++n) {
    limiter.take(key(1'000'000'000 + n, 7), kNow, 50);
  }
  // Now the table is full of one network's well used keys, and others come.
  for (std::uint64_t n = 0; n < honest; ++n) limiter.take(key(n, 1000 + n), kNow, 1);
  for (std::uint64_t n = 0; n < 10 * capacity; ++n) {
    limiter.take(key(2'000'000'000 + n, 7), kNow + 1, 50);
  }
  std::uint64_t kept = 0;
  for (std::uint64_t n = 0; n < honest; ++n) {
    kept += limiter.peek(mixed(n), kNow, 0).remaining == 99;
  }
  assert_int_equal(kept, honest);
}

// The same for the counters by windows, whose states say nothing to the table by themselves. A key
// that was used up is worth more than any number of keys that were used once.
void hostile_keys_do_not_wash_out_windows(void**) {
  for (Algorithm algorithm : {Algorithm::sliding_window, Algorithm::fixed_window}) {
    for (std::uint64_t networks : {1, 500}) {
      const std::uint64_t capacity = kMegabyte / sizeof(Pair);
      const std::uint64_t honest = capacity / 4;
      SharedMemory memory(kMegabyte);
      // So far into the day that no window ends while the flood lasts, but for those few whose
      // phase says so.
      Limiter limiter(memory.all(), {algorithm, 100, 86400 * kSecond, 100});
      flood(limiter, capacity, honest, 100, networks,
            [&](std::uint64_t limited) { assert_int_equal(limited, honest); });
      assert_true(limiter.stats().live_evictions > 8 * capacity);
    }
  }
}

// What was used in windows that are over is given up without a word.
void windows_that_are_over_make_room_silently(void**) {
  for (Algorithm algorithm : {Algorithm::sliding_window, Algorithm::fixed_window}) {
    SharedMemory memory(64 * 1024);
    Limiter limiter(memory.all(), {algorithm, 100, kSecond, 100});
    for (std::uint64_t round = 0; round < 20; ++round) {
      for (std::uint64_t n = 0; n < 1000; ++n) {
        limiter.take(key(round * 1000 + n, n), kNow + round * 2 * kSecond, 100);
      }
    }
    assert_int_equal(limiter.stats().live_evictions, 0);
  }
}

// Enough networks fill the table; those who are limited then outlast the keys that are used once.
void many_hostile_networks_do_not_free_the_limited(void**) {
  const std::size_t size = kMegabyte;
  const std::uint64_t capacity = size / sizeof(Pair);
  const std::uint64_t honest = capacity / 4;
  SharedMemory memory(size);
  Limiter limiter(memory.all(), kPerMinute);
  flood(limiter, capacity, honest, 100, 500,
        [&](std::uint64_t limited) { assert_int_equal(limited, honest); });
}

void hostile_keys_do_not_wash_out_logs(void**) {
  const std::size_t size = kMegabyte;
  const Quota quota{Algorithm::sliding_log, 5, kMinute, 5};
  const std::uint64_t capacity = size / CounterLog::set_size(5) * CounterLog::kWays;
  const std::uint64_t honest = capacity / 8;
  SharedMemory memory(size);
  Limiter limiter(memory.all(), quota);
  flood(limiter, capacity, honest, 5, 1,
        [&](std::uint64_t limited) { assert_int_equal(limited, honest); });
  assert_true(limiter.stats().live_evictions > 8 * capacity);
}

void victims(void**) {
  std::vector<Standing> set(8);
  for (std::size_t i = 0; i < 8; ++i) set[i] = {static_cast<std::uint16_t>(i), true, 100 - i};
  assert_int_equal(choose_victim(set, 99, 2), 7);
  set[3].live = false;
  assert_int_equal(choose_victim(set, 99, 2), 3);
  set[3] = {2, true, 1};
  assert_int_equal(choose_victim(set, 2, 2), 3);  // holds its share
  set[3].used = 1000;
  assert_int_equal(choose_victim(set, 2, 2), 2);  // still its own, the further restored
  assert_int_equal(choose_victim(set, 1, 2), 7);  // below its share: the furthest of all
  set[4] = {2, true, 2000};
  assert_int_equal(choose_victim(set, 1, 2), 2);  // network 2 holds more than its share
  set[2].kept = true;
  assert_int_equal(choose_victim(set, 1, 2), 3);  // the other one of it
  set[3].kept = set[4].kept = true;
  assert_int_equal(choose_victim(set, 2, 2), 7);  // all of its own is kept
  for (Standing& one : set) one.kept = true;
  assert_int_equal(choose_victim(set, 2, 2), 2);
}

template <class Body>
void in_threads(int count, Body body) {
  std::atomic<int> waiting{count};
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) {
    threads.emplace_back([&, t] {
      --waiting;
      while (waiting.load() > 0) {
      }
      body(t);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void racing_inserts_leave_no_duplicate(void**) {
  SharedMemory memory(4 * kMegabyte);
  CounterTable table(gcra_zone(memory));
  Gcra gcra(100, kMinute, 3);
  const std::uint64_t keys = 50'000;
  std::vector<std::atomic<int>> admitted(keys);
  std::atomic<std::uint64_t> meeting{0};
  in_threads(4, [&](int t) {
    for (std::uint64_t n = 0; n < keys; ++n) {
      // Keeps the threads close to each other.
      if (n % 16 == 0) {
        ++meeting;
        while (meeting.load() < (n / 16 + 1) * 4) std::this_thread::yield();
      }
      Gcra::Decision decision;
      // Different networks: the threads choose different places.
      table.update(key(n, static_cast<std::uint64_t>(t)), used_now, [&](std::uint64_t state) {
        decision = gcra.decide(state, kNow, 1);
        return decision.state;
      });
      if (decision.admitted) ++admitted[n];
    }
  });
  for (std::uint64_t n = 0; n < keys; ++n) assert_int_equal(admitted[n].load(), 3);
  for (std::uint64_t n = 0; n < keys; ++n) assert_int_equal(table.count_entries(mixed(n)), 1);
}

// In a single, full set: every insert evicts, and the same few keys come back all the time. At any
// time there is at most one entry a key.
void churn_leaves_no_duplicate(void**) {
  SharedMemory memory(sizeof(CounterHeader) + CounterTable::kSetSize);
  CounterTable table(gcra_zone(memory));
  assert_int_equal(table.zone().sets(), 1);
  Gcra gcra(100, kMinute, 100);
  in_threads(4, [&](int t) {
    std::uint64_t random = static_cast<std::uint64_t>(t);
    for (int i = 0; i < 100'000; ++i) {
      random = mixed(random);
      table.update(key(random % 24, random % 3), used_now, [&](std::uint64_t state) {
        return gcra.decide(state, kNow + random % 64, 1).state;
      });
    }
  });
  for (std::uint64_t n = 0; n < 24; ++n) assert_true(table.count_entries(mixed(n)) <= 1);
  assert_int_equal(table.zone().stats().unavailable, 0);
}

void threads_share_one_quota(Algorithm algorithm, std::uint64_t count) {
  SharedMemory memory(kMegabyte);
  Limiter limiter(memory.all(), {algorithm, count, kMinute, count});
  std::atomic<std::uint64_t> admitted{0};
  in_threads(2, [&](int) {
    for (int i = 0; i < 50'000; ++i) admitted += limiter.take(key(1, 1), kNow, 1).admitted;
  });
  assert_int_equal(limiter.stats().unavailable, 0);
  assert_int_equal(admitted.load(), count);
}

void two_threads_admit_exactly_the_quota(void**) {
  guard::unit::skip_under_valgrind();
  for (int i = 0; i < 5; ++i) {
    threads_share_one_quota(Algorithm::gcra, 20'000);
    threads_share_one_quota(Algorithm::sliding_window, 20'000);
    threads_share_one_quota(Algorithm::fixed_window, 20'000);
    threads_share_one_quota(Algorithm::sliding_log, 64);
  }
}

// Takes and gives back by two threads leave what was there.
void refunds_race_exactly(void**) {
  for (Algorithm algorithm : {Algorithm::gcra, Algorithm::sliding_window, Algorithm::sliding_log,
                              Algorithm::fixed_window}) {
    SharedMemory memory(kMegabyte);
    Limiter limiter(memory.all(), {algorithm, 60, kMinute, 60});
    limiter.take(key(1, 1), kNow, 7);
    in_threads(2, [&](int t) {
      std::uint64_t now = kNow + static_cast<std::uint64_t>(t);
      for (int i = 0; i < 20'000; ++i) {
        assert_true(limiter.take(key(1, 1), now, 3).admitted);
        limiter.give_back(key(1, 1), now, 3);
      }
    });
    assert_int_equal(limiter.peek(mixed(1), kNow + 1, 0).remaining, 53);
  }
}

void survives_and_notices(void**) {
  SharedMemory memory(kMegabyte);
  {
    Limiter first(memory.all(), kPerMinute);
    assert_int_equal(static_cast<int>(first.attached()), static_cast<int>(Attached::created));
    first.take(key(1, 1), kNow, 30);
  }
  Quota wider = kPerMinute;
  wider.burst = 200;
  Limiter second(memory.all(), wider);
  assert_int_equal(static_cast<int>(second.attached()), static_cast<int>(Attached::inherited));
  assert_int_equal(second.peek(mixed(1), kNow, 0).remaining, 170);

  Quota other = kPerMinute;
  other.count = 101;
  Limiter third(memory.all(), other);
  assert_int_equal(static_cast<int>(third.attached()), static_cast<int>(Attached::replaced));
  assert_int_equal(third.peek(mixed(1), kNow, 0).remaining, 100);

  Limiter log(memory.all(), {Algorithm::sliding_log, 5, kMinute, 5});
  assert_int_equal(static_cast<int>(log.attached()), static_cast<int>(Attached::replaced));
  Limiter again(memory.all(), {Algorithm::sliding_log, 5, kMinute, 5});
  assert_int_equal(static_cast<int>(again.attached()), static_cast<int>(Attached::inherited));

  // Garbage is not taken for a table.
  memset(memory.all().data(), 0x5a, memory.all().size());
  Limiter fresh(memory.all(), kPerMinute);
  assert_int_equal(static_cast<int>(fresh.attached()), static_cast<int>(Attached::created));
  assert_int_equal(fresh.stats().live_evictions, 0);
  assert_true(fresh.first_report(mixed(1), kNow));
}

void refuses_a_zone_without_room(void**) {
  SharedMemory memory(4096);
  guard::unit::expect_error(
      [&] {
        CounterZone::attach(memory.all().first(300), CounterKind::gcra, CounterTable::kSetSize, {});
      },
      "the shared memory zone is too small");
}

void unaligned_memory_is_aligned(void**) {
  SharedMemory memory(kMegabyte);
  for (std::size_t skip = 0; skip < 16; ++skip) {
    Limiter limiter(memory.all().subspan(skip, 64 * 1024 + skip), kPerMinute);
    assert_int_equal(limiter.take(key(skip, 1), kNow, 1).remaining, 99);
    assert_true(limiter.first_report(mixed(skip), kNow));
  }
}

void a_dead_owner_does_not_keep_the_lock(void**) {
  SharedMemory memory(kMegabyte);
  CounterLog log(CounterZone::attach(memory.all(), CounterKind::sliding_log,
                                     CounterLog::set_size(5), {5, kMinute}),
                 SlidingLog(5, kMinute));
  log.take(key(1, 1), kNow, 3);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    CounterLock lock(log.lock_of(mixed(1)));
    raise(SIGKILL);
    _exit(1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  assert_true(load(log.lock_of(mixed(1))) != 0);

  CounterLog::Decision decision = log.take(key(1, 1), kNow + 1, 1);
  assert_true(decision.available);
  assert_int_equal(decision.remaining, 1);
  assert_true(load(log.lock_of(mixed(1))) == 0);
}

// A live owner that was stopped keeps it for the lease only; until then requests pass uncounted.
void a_stopped_owner_delays_but_does_not_block(void**) {
  SharedMemory memory(kMegabyte);
  CounterLog log(CounterZone::attach(memory.all(), CounterKind::sliding_log,
                                     CounterLog::set_size(5), {5, kMinute}),
                 SlidingLog(5, kMinute));
  {
    CounterLock lock(log.lock_of(mixed(1)));
    assert_true(lock.held());
    CounterLog::Decision decision = log.take(key(1, 1), kNow, 1);
    assert_false(decision.available);
    assert_true(decision.admitted);
    assert_int_equal(log.zone().stats().unavailable, 1);

    // As if it had been taken two seconds ago.
    std::uint64_t& word = log.lock_of(mixed(1));
    word -= (2 * CounterLock::kLease) << 22;
    decision = log.take(key(1, 1), kNow, 1);
    assert_true(decision.available);
    // The old owner's release, when it wakes up, must not release what is not its own any more.
    word = 4711;
  }
  assert_int_equal(load(log.lock_of(mixed(1))), 4711);
}

void reports_once_per_window(void**) {
  std::vector<std::uint64_t> words(1024);
  CounterOnce once(words);
  assert_true(once.first(mixed(1), kNow, kMinute));
  assert_false(once.first(mixed(1), kNow + kMinute - 1000, kMinute));
  assert_true(once.first(mixed(2), kNow, kMinute));
  assert_true(once.first(mixed(1), kNow + kMinute + 1000, kMinute));
  std::atomic<int> reports{0};
  in_threads(4, [&](int) {
    for (std::uint64_t n = 10; n < 500; ++n) reports += once.first(mixed(7), kNow + n, kMinute);
  });
  assert_int_equal(reports.load(), 1);
}

// However many keys are refused, and however often: never twice within the window.
void reports_once_of_each_of_many(void**) {
  std::vector<std::uint64_t> words(1024);
  CounterOnce once(words);
  const std::uint64_t keys = 10'000;
  std::vector<std::uint64_t> said(keys);
  std::uint64_t reports = 0;
  for (std::uint64_t step = 0; step < 30 * keys; ++step) {
    std::uint64_t n = mixed(step) % keys;
    std::uint64_t now = kNow + step * 1000;
    if (!once.first(mixed(n), now, kMinute)) continue;
    assert_true(said[n] == 0 || now >= said[n] + kMinute);
    said[n] = now;
    ++reports;
  }
  // As many as the table holds, in each of the five minutes.
  assert_in_range(reports, 4 * 1024, 6 * 1024);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(ten_megabytes_hold_262144_keys),
      cmocka_unit_test(a_full_table_refuses_nobody),
      cmocka_unit_test(what_is_restored_makes_room_silently),
      cmocka_unit_test(hostile_keys_do_not_wash_out_others),
      cmocka_unit_test(hostile_keys_do_not_wash_out_the_unlimited),
      cmocka_unit_test(many_hostile_networks_do_not_free_the_limited),
      cmocka_unit_test(hostile_keys_do_not_wash_out_logs),
      cmocka_unit_test(hostile_keys_do_not_wash_out_windows),
      cmocka_unit_test(windows_that_are_over_make_room_silently),
      cmocka_unit_test(victims),
      cmocka_unit_test(racing_inserts_leave_no_duplicate),
      cmocka_unit_test(churn_leaves_no_duplicate),
      cmocka_unit_test(two_threads_admit_exactly_the_quota),
      cmocka_unit_test(refunds_race_exactly),
      cmocka_unit_test(survives_and_notices),
      cmocka_unit_test(refuses_a_zone_without_room),
      cmocka_unit_test(unaligned_memory_is_aligned),
      cmocka_unit_test(a_dead_owner_does_not_keep_the_lock),
      cmocka_unit_test(a_stopped_owner_delays_but_does_not_block),
      cmocka_unit_test(reports_once_per_window),
      cmocka_unit_test(reports_once_of_each_of_many),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
