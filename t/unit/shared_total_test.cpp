// Nodes that tell and hear of each other, simulated: real limiters, a Redis that is a map, a clock
// and a network of the test's own.
#include "core/shared_total.h"

#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "rate/limiter.h"
#include "shared_memory.h"
#include "unit.h"

using guard::core::Change;
using guard::core::CounterKey;
using guard::core::Gcra;
using guard::core::GcraTotal;
using guard::core::TotalOffer;
using guard::core::WindowClock;
using guard::core::WindowTotal;
using guard::rate::Algorithm;
using guard::rate::Limiter;
using guard::rate::Quota;
using guard::unit::SharedMemory;

namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;
constexpr std::uint64_t kStart = 1000 * kSecond;  // of the nodes' own clock

// As ZADD GT and ZINCRBY do it.
struct Redis {
  std::map<std::uint64_t, std::int64_t> totals;  // by number of the window
  std::int64_t add(std::uint64_t number, const TotalOffer& offer) {
    auto [total, created] = totals.try_emplace(number, offer.floor);
    total->second = std::max(total->second, offer.floor) + offer.more;
    return total->second;
  }
};

// One node and one key.
struct Node {
  SharedMemory memory{64 << 10};
  Limiter limiter;
  CounterKey key{0x123456789abcdef0, 7};
  std::uint64_t ahead;
  std::uint64_t late;

  Node(const Quota& quota, std::uint64_t clock_ahead, std::uint64_t sync)
      : limiter(memory.all(), quota, true),
        ahead(clock_ahead),
        late(sync),
        windows(quota.has_windows()) {}

  bool windows;
  std::uint64_t time(std::uint64_t now) const { return windows ? now + ahead : now; }
  bool take(std::uint64_t now, std::uint64_t cost = 1) {
    return limiter.take(key, time(now), cost).admitted;
  }
  std::uint64_t remaining(std::uint64_t now) {
    return limiter.peek(key.hash, time(now), 0).remaining;
  }

  struct OnItsWay {
    Change change;
    Limiter::Offer offer;
    std::uint64_t at = 0;
    std::int64_t total = 0;
    std::optional<std::int64_t> previous;
  };
  // What has changed, as Interval tells it.
  std::vector<OnItsWay> tell(std::uint64_t now) {
    std::vector<OnItsWay> all;
    auto sweep = limiter.deltas()->sweep();
    while (auto change = sweep.next()) {
      Limiter::Taken taken = limiter.take_delta(*change);
      change->delta = taken.delta;
      if (taken.delta == 0) continue;
      auto offer = limiter.offer(*change, taken.state, now, ahead, late);
      if (offer) all.push_back({*change, *offer, now, 0, std::nullopt});
    }
    return all;
  }
  void reach(Redis& redis, OnItsWay& one) {
    one.total = redis.add(one.offer.number, one.offer);
    auto before = redis.totals.find(one.offer.number - 1);
    if (before != redis.totals.end()) one.previous = before->second;
  }
  void hear(const OnItsWay& one, std::uint64_t now) {
    limiter.merge(one.change, one.offer.told, one.at, one.total, one.previous, now, ahead);
  }
  void exchange(Redis& redis, std::uint64_t now) {
    for (OnItsWay& one : tell(now)) {
      reach(redis, one);
      hear(one, now);
    }
  }
};

std::vector<Quota> quotas() {
  std::vector<Quota> all;
  for (Algorithm algorithm :
       {Algorithm::gcra, Algorithm::sliding_window, Algorithm::fixed_window}) {
    all.push_back({algorithm, 100, kDay, 100});
    all.push_back({algorithm, 7, 60 * kSecond, 7});
    all.push_back({algorithm, 9973, kSecond, 9973});
    all.push_back({algorithm, 1000, 3600 * kSecond, 1000});
  }
  all.push_back({Algorithm::gcra, 100, kSecond, 1});
  all.push_back({Algorithm::gcra, 16383, kSecond, 500});
  all.push_back({Algorithm::gcra, 999'983, kSecond, 1'000'000});
  return all;
}

// Somebody who is alone is told nothing new, ever: the same as without Redis.
void one_node_is_as_without_redis(void**) {
  std::mt19937_64 random(2);
  for (const Quota& quota : quotas()) {
    Redis redis;
    // A clock that is far ahead, and one that wraps: Redis's is behind.
    for (std::uint64_t ahead : {std::uint64_t{1'795'000'000'123'457}, std::uint64_t{0} - 999}) {
      redis.totals.clear();
      Node shared(quota, ahead, 100'000);
      Node alone(quota, ahead, 100'000);
      std::uint64_t now = kStart;
      std::uint64_t interval = std::max<std::uint64_t>(quota.period / quota.count, 1);
      for (int step = 0; step < 4000; ++step) {
        switch (random() % 8) {
          case 0:
            shared.exchange(redis, now);
            break;
          case 1:
            now += random() % (20 * interval);
            break;
          case 2:
            if (random() % 50 == 0) now += random() % (3 * quota.period);
            break;
          case 3:
            if (shared.remaining(now) < 5) break;
            shared.limiter.take(shared.key, shared.time(now), 2);
            alone.limiter.take(alone.key, alone.time(now), 2);
            shared.limiter.give_back(shared.key, shared.time(now), 2);
            alone.limiter.give_back(alone.key, alone.time(now), 2);
            break;
          default: {
            std::uint64_t cost = random() % 3;
            assert_int_equal(shared.take(now, cost), alone.take(now, cost));
          }
        }
        assert_int_equal(shared.remaining(now), alone.remaining(now));
      }
    }
  }
}

constexpr std::uint64_t kEach = 100'000;
constexpr std::size_t kWorkers = 3;

// What is used of a quota when workers have taken kEach, and given back every so many of them,
// while one told all the time.
std::uint64_t used_beside_exchanges(const Quota& quota, std::uint64_t given_back) {
  Redis redis;
  Node node(quota, 1'795'000'000'123'457, 100'000);
  std::vector<pid_t> workers;
  for (std::size_t i = 0; i < kWorkers; ++i) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
      node.limiter.enter(getpid());
      for (std::uint64_t n = 1; n <= kEach; ++n) {
        node.take(kStart);
        if (n % given_back == 0) node.limiter.give_back(node.key, node.time(kStart), 1);
      }
      _exit(0);
    }
    workers.push_back(pid);
  }
  while (!workers.empty()) {
    node.exchange(redis, kStart);
    std::erase_if(workers, [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) == pid; });
  }
  node.exchange(redis, kStart);
  return quota.count - node.remaining(kStart);
}

// Neither is what other workers of the node are just counting told twice: they may be held up
// between any two steps, for longer than an exchange takes.
void workers_count_while_one_tells(void**) {
  for (Algorithm algorithm :
       {Algorithm::gcra, Algorithm::sliding_window, Algorithm::fixed_window}) {
    Quota quota{algorithm, 1'000'000, kDay, 1'000'000};
    assert_int_equal(used_beside_exchanges(quota, kEach + 1), kWorkers * kEach);
    // To be missed, one must be taken and given back within two steps of who tells. A busy machine
    // may hold him up there more often: of three times one must do.
    constexpr std::uint64_t kLeft = kWorkers * (kEach - kEach / 4);
    constexpr std::uint64_t kMost = kLeft + kLeft / 10'000;
    std::uint64_t used = 0;
    for (int tries = 0; tries < 3 && (used < kLeft || used > kMost); ++tries) {
      used = used_beside_exchanges(quota, 4);
      assert_true(used >= kLeft);
    }
    assert_in_range(used, kLeft, kMost);
  }
}

// Once all have told and heard, all know the same, and that is what one node would know.
void all_know_the_same(void**) {
  std::mt19937_64 random(3);
  for (const Quota& quota : quotas()) {
    if (quota.period < 60 * kSecond || quota.count < 100) continue;
    Redis redis;
    std::deque<Node> nodes;
    for (std::uint64_t i = 0; i < 4; ++i) {
      nodes.emplace_back(quota, 1'795'000'000'000'000 + i * 1000, 100'000);
    }
    std::uint64_t taken = 0;
    std::uint64_t now = kStart;
    while (taken < quota.count / 2) {
      now += 1000;
      taken += nodes[random() % nodes.size()].take(now);
      if (random() % 5 == 0) nodes[random() % nodes.size()].exchange(redis, now);
    }
    // Who has nothing to tell hears nothing; and who tells last hears all.
    for (int round = 0; round < 2; ++round) {
      for (Node& node : nodes) {
        taken += node.take(now);
        node.exchange(redis, now);
      }
    }
    // Of the last round, nobody has heard of those who came behind him.
    std::uint64_t left = quota.count - taken;
    std::uint64_t tolerance = 1;  // the GCRA gives back meanwhile, and rounds
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      std::uint64_t expected = left + (nodes.size() - 1 - i);
      assert_in_range(nodes[i].remaining(now), expected, expected + tolerance);
    }
  }
}

// The bound that is promised: offered is what each node is asked for, trip is there and back.
struct Fleet {
  std::size_t nodes;
  std::uint64_t offered;  // a second and node
  std::uint64_t sync;
  std::uint64_t trip;
  std::uint64_t cost;
  bool loses;  // half of all answers, or of all that is told, are lost
};

// How much all nodes let through in `seconds` of load on one key, with the exchanges of each at a
// phase of its own.
std::uint64_t load(const Quota& quota, const Fleet& fleet, double seconds, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Redis redis;
  std::deque<Node> nodes;
  std::vector<std::uint64_t> next_round(fleet.nodes);
  struct Travelling {
    std::size_t node;
    Node::OnItsWay one;
    std::uint64_t reaches;
    std::uint64_t comes_back;
    bool reached = false;
  };
  std::deque<Travelling> travelling;
  std::vector<int> under_way(fleet.nodes);
  for (std::size_t i = 0; i < fleet.nodes; ++i) {
    nodes.emplace_back(quota, 1'795'000'000'000'000 + random() % 1'000'000'000'000, fleet.sync);
    // All count by one clock: that of Redis.
    nodes.back().ahead = 1'795'000'000'000'000;
    next_round[i] = kStart + random() % (fleet.sync / 2);
  }
  std::uint64_t admitted = 0;
  std::uint64_t gap = kSecond / (fleet.offered * fleet.nodes);
  std::uint64_t end = kStart + static_cast<std::uint64_t>(seconds * kSecond);
  std::uint64_t next_request = kStart;
  for (std::uint64_t now = kStart; now < end; now += 100) {
    for (Travelling& t : travelling) {
      if (!t.reached && now >= t.reaches) {
        t.reached = true;
        nodes[t.node].reach(redis, t.one);
      }
    }
    while (!travelling.empty() && now >= travelling.front().comes_back) {
      Travelling& t = travelling.front();
      if (!fleet.loses || random() % 2 == 0) nodes[t.node].hear(t.one, now);
      --under_way[t.node];
      travelling.pop_front();
    }
    for (std::size_t i = 0; i < fleet.nodes; ++i) {
      if (now < next_round[i] || under_way[i] != 0) continue;
      next_round[i] += fleet.sync / 2;
      for (Node::OnItsWay& one : nodes[i].tell(now)) {
        if (fleet.loses && random() % 2 == 0) continue;
        travelling.push_back({i, one, now + fleet.trip / 2, now + fleet.trip});
        ++under_way[i];
      }
    }
    while (now >= next_request) {
      next_request += gap;
      admitted += nodes[random() % fleet.nodes].take(now, fleet.cost) * fleet.cost;
    }
  }
  return admitted;
}

void over_admission_is_bounded(void**) {
  std::mt19937_64 random(4);
  for (Algorithm algorithm :
       {Algorithm::gcra, Algorithm::sliding_window, Algorithm::fixed_window}) {
    for (int round = 0; round < 40; ++round) {
      Fleet fleet{};
      fleet.nodes = 2 + random() % 5;
      fleet.sync = (10 + random() % 200) * 1000;
      fleet.trip = (1 + random() % (fleet.sync / 2000)) * 1000;
      fleet.offered = 50 + random() % 1000;
      fleet.cost = 1 + random() % 3;
      std::uint64_t count = 20 + random() % 1000;
      Quota quota{algorithm, count, kDay, count};
      std::uint64_t admitted = load(quota, fleet, 3, random());
      // Requests come to nodes by chance: to each, up to twice its share now and then.
      std::uint64_t blind =
          2 * fleet.cost * fleet.offered * (fleet.sync + fleet.trip) / kSecond + 12 * fleet.cost;
      std::uint64_t bound = count + (fleet.nodes - 1) * std::min(count, blind);
      assert_in_range(admitted, 0, bound);
      // And nothing is held back: all was asked for, and the day is long.
      std::uint64_t offered = fleet.offered * fleet.nodes * fleet.cost * 2;
      if (offered > count) assert_true(admitted + fleet.cost > count);
    }
  }
}

// The same as a rate: in a long time no more passes than the quota, its burst, and once the bound.
void debts_are_remembered(void**) {
  for (std::uint64_t nodes : {2, 4}) {
    Fleet fleet{nodes, 500, 100'000, 2000, 1, false};
    Quota quota{Algorithm::gcra, 200, kSecond, 200};
    std::uint64_t admitted = load(quota, fleet, 20, nodes);
    std::uint64_t blind = 500 * 102'000 / kSecond * 2;
    assert_in_range(admitted, 20 * 200, 200 + 20 * 200 + (nodes - 1) * blind);
    quota.algorithm = Algorithm::sliding_window;
    admitted = load(quota, fleet, 20, nodes);
    assert_in_range(admitted, 16 * 200, 21 * 200 + 20 * (nodes - 1) * blind);
  }
}

// Lost answers and lost offers only blind a node for a round more.
void losses_do_no_lasting_harm(void**) {
  for (Algorithm algorithm :
       {Algorithm::gcra, Algorithm::sliding_window, Algorithm::fixed_window}) {
    Fleet fleet{3, 300, 40'000, 4000, 1, true};
    Quota quota{algorithm, 500, kDay, 500};
    std::uint64_t admitted = load(quota, fleet, 10, 9);
    assert_in_range(admitted, 500, 500 + 2 * 500);
  }
}

// Who stays below the limit, spread over nodes, is never refused.
void who_stays_below_is_not_refused(void**) {
  std::mt19937_64 random(5);
  for (Algorithm algorithm :
       {Algorithm::gcra, Algorithm::sliding_window, Algorithm::fixed_window}) {
    for (int round = 0; round < 10; ++round) {
      Fleet fleet{};
      fleet.nodes = 2 + random() % 4;
      fleet.sync = (10 + random() % 100) * 1000;
      fleet.trip = 2000;
      fleet.cost = 1;
      fleet.offered = 800 / fleet.nodes;
      Quota quota{algorithm, 1000, kSecond, 1000};
      std::uint64_t admitted = load(quota, fleet, 5, random());
      std::uint64_t gap = kSecond / (fleet.offered * fleet.nodes);
      assert_in_range(admitted, 5 * kSecond / gap - 1, 5 * kSecond / gap + 1);
    }
  }
}

// Redis forgets everything; the nodes' floors tell it again.
void a_redis_that_forgets(void**) {
  for (Algorithm algorithm :
       {Algorithm::gcra, Algorithm::sliding_window, Algorithm::fixed_window}) {
    Quota quota{algorithm, 100, kDay, 100};
    Redis redis;
    Node one(quota, 5'000'000'000, 100'000), other(quota, 5'000'000'000, 100'000);
    for (int i = 0; i < 30; ++i) assert_true(one.take(kStart));
    one.exchange(redis, kStart);
    assert_true(other.take(kStart));
    other.exchange(redis, kStart);
    assert_int_equal(other.remaining(kStart), 69);
    redis.totals.clear();
    assert_true(other.take(kStart));
    other.exchange(redis, kStart);
    assert_int_equal(other.remaining(kStart), 68);
    assert_true(one.take(kStart));
    one.exchange(redis, kStart);
    assert_int_equal(one.remaining(kStart), 67);
  }
}

// What a node has counted while Redis was away for long has come back meanwhile.
void a_long_absence(void**) {
  Quota quota{Algorithm::gcra, 100, 60 * kSecond, 100};
  Redis redis;
  Node one(quota, 5'000'000'000, 100'000), other(quota, 5'000'000'000, 100'000);
  std::uint64_t now = kStart;
  // An hour at half of the rate.
  for (int i = 0; i < 3000; ++i) {
    now += 1'200'000;
    assert_true(one.take(now));
    assert_true(other.take(now));
  }
  one.exchange(redis, now);
  other.exchange(redis, now);
  assert_true(one.take(now));
  one.exchange(redis, now);
  assert_in_range(one.remaining(now), 90, 99);
}

// Windows that are over: of a fixed window nobody needs to know, of a sliding one the one before.
void windows_that_are_over(void**) {
  WindowClock clock(60 * kSecond);
  auto index = [&](std::uint64_t now) { return clock.at(0, now, 0).index; };
  auto state = [&](std::uint64_t now, std::uint64_t previous, std::uint64_t current) {
    auto counts = clock.at(0, now, 0);
    counts.previous = previous;
    counts.current = current;
    return WindowClock::pack(counts);
  };
  std::uint64_t window = 10'000 * 60 * kSecond;
  WindowTotal sliding(clock, true), fixed(clock, false);
  auto now = window + 20 * kSecond;
  auto offer = sliding.offer(state(now, 9, 5), index(now), 3, now, 0);
  assert_true(offer.has_value());
  assert_int_equal(offer->number, 10'000);
  assert_int_equal(offer->floor, 2);
  assert_int_equal(offer->more, 3);
  assert_int_equal(offer->count, 5);
  assert_int_equal(offer->life, 100'000);
  assert_int_equal(fixed.offer(state(now, 9, 5), index(now), 3, now, 0)->life, 40'000);
  // The last millisecond of its life: a key never lives shorter than kLeastLife.
  auto last = window + 60 * kSecond - 1000;
  assert_int_equal(fixed.offer(state(last, 0, 1), index(last), 1, last, 0)->life, 1000);

  auto later = now + 60 * kSecond;
  offer = sliding.offer(state(now, 9, 5), index(now), 3, later, 0);
  assert_int_equal(offer->number, 10'000);
  assert_int_equal(offer->floor, 2);
  offer = sliding.offer(state(later, 5, 1), index(now), 3, later, 0);
  assert_int_equal(offer->count, 5);
  assert_false(fixed.offer(state(later, 5, 1), index(now), 3, later, 0).has_value());
  assert_false(sliding.offer(state(now, 9, 5), index(now), 3, later + 60 * kSecond, 0).has_value());
  // Somebody whose clock is ahead has begun the next one.
  offer = sliding.offer(state(later, 5, 1), index(later), 1, now + 39 * kSecond, 0);
  assert_true(offer.has_value());
  assert_int_equal(offer->number, 10'001);

  // Answers to what has become the window before; and that of the window before.
  std::uint64_t heard = sliding.merge(state(later, 5, 1), index(now), 5, 0, 25, 70, later, 0);
  assert_int_equal(heard, state(later, 25, 1));
  assert_int_equal(fixed.merge(state(later, 5, 1), index(now), 5, 0, 25, {}, later, 0),
                   state(later, 5, 1));
  heard = sliding.merge(state(now, 9, 5), index(now), 5, 0, 6, 70, now, 0);
  assert_int_equal(heard, state(now, 70, 6));
  // Nothing is lowered, and no state is changed where nothing is new.
  assert_int_equal(sliding.merge(state(now, 9, 5), index(now), 5, 0, 1, 2, later, 0),
                   state(now, 9, 5));
  assert_int_equal(sliding.merge(0, index(now), 5, 0, 1, 2, now, 0), 0);
}

// Numbers that only a Redis of somebody else's making says.
void wrong_numbers_harm_nobody(void**) {
  std::mt19937_64 random(6);
  constexpr std::int64_t kWild[] = {
      INT64_MIN,       INT64_MIN + 1, -1,       0, 1, 1LL << 40, 1LL << 53,
      (1LL << 53) + 1, INT64_MAX - 1, INT64_MAX};
  for (const Quota& quota : quotas()) {
    for (std::int64_t total : kWild) {
      for (std::int64_t previous : kWild) {
        Node node(quota, 1'795'000'000'000'000, 100'000);
        for (int i = 0; i < 5; ++i) node.take(kStart);
        for (auto& one : node.tell(kStart)) {
          one.total = total;
          one.previous = previous;
          node.hear(one, kStart + random() % 1000);
        }
        auto decision = node.limiter.peek(node.key.hash, node.time(kStart), 1);
        assert_in_range(decision.remaining, 0, quota.burst);
        std::uint64_t longest = 17 * (quota.window() + 2) + 2 * quota.period;
        assert_in_range(decision.reset, 0, longest);
        assert_in_range(decision.retry, 0, longest);
      }
    }
  }
}

// Just after the machine has started, times before its start are negative.
void a_young_clock(void**) {
  Gcra gcra(1, kDay, 1000);
  GcraTotal total(gcra, 0);
  std::uint64_t now = 5 * kSecond;
  std::uint64_t state = gcra.units(now) + 3 * gcra.interval();
  TotalOffer offer = total.offer(state, 3, now, 100);
  assert_int_equal(offer.floor, static_cast<std::int64_t>(now) + 100);
  assert_int_equal(offer.more, 3 * kDay);
  // More was taken than is used: long ago.
  offer = total.offer(state, 900, now, 100);
  assert_int_equal(offer.floor + offer.more, static_cast<std::int64_t>(state) + 100);
  assert_int_equal(offer.more, 3 * kDay);
  offer = total.offer(state, -2, now, 100);
  assert_int_equal(offer.more, -2 * static_cast<std::int64_t>(kDay));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(one_node_is_as_without_redis),
      cmocka_unit_test(workers_count_while_one_tells),
      cmocka_unit_test(all_know_the_same),
      cmocka_unit_test(over_admission_is_bounded),
      cmocka_unit_test(debts_are_remembered),
      cmocka_unit_test(losses_do_no_lasting_harm),
      cmocka_unit_test(who_stays_below_is_not_refused),
      cmocka_unit_test(a_redis_that_forgets),
      cmocka_unit_test(a_long_absence),
      cmocka_unit_test(windows_that_are_over),
      cmocka_unit_test(wrong_numbers_harm_nobody),
      cmocka_unit_test(a_young_clock),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
