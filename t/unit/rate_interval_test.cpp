// Rounds: what is told, when, and what becomes of it. The queue is a list that the test answers.
#include "rate/interval.h"

#include <unistd.h>

#include <deque>
#include <string>
#include <vector>

#include "core/clock.h"
#include "fake_queue.h"
#include "unit.h"

using guard::core::RemoteStore;
using guard::core::TotalAnswer;
using guard::core::TotalAsk;
using guard::core::TotalOutcome;
using guard::core::TotalQueue;
using guard::core::Words;
using guard::rate::Interval;
using guard::rate::MeteredPolicy;

namespace guard::redis {
class Client {};
}  // namespace guard::redis

namespace {

std::deque<TotalAsk> told;
bool time_asked;
bool there = true;
std::size_t room = TotalQueue::kMost;
TotalQueue::Answered answered;
TotalQueue::Overtaken overtaken;
TotalQueue::Told time_told;
void* asker;

guard::redis::Client client;

}  // namespace

namespace guard::core {

struct TotalQueue::State {};
TotalQueue::TotalQueue(redis::Client& to, bool cluster, Answered hear, Overtaken late, Told learn,
                       void* context) noexcept
    : client_(to),
      cluster_(cluster),
      answered_(hear),
      overtaken_(late),
      told_(learn),
      context_(context) {
  answered = hear;
  overtaken = late;
  time_told = learn;
  asker = context;
}
TotalQueue::~TotalQueue() = default;
bool TotalQueue::prepare() noexcept {
  return true;
}
bool TotalQueue::available() const noexcept {
  return there;
}
bool TotalQueue::full() const noexcept {
  return told.size() >= room;
}
bool TotalQueue::idle() const noexcept {
  return told.empty();
}
bool TotalQueue::asks_time() const noexcept {
  return time_asked && there;
}
void TotalQueue::ask(const TotalAsk& ask) noexcept {
  assert_false(full());
  told.push_back(ask);
}
void TotalQueue::ask_time() noexcept {
  time_asked = true;
}

}  // namespace guard::core

namespace {

// Redis's clock is far ahead of ours.
constexpr std::uint64_t kAhead = 1'000'000'000'000'000;

struct Counted {
  std::vector<std::byte> memory = std::vector<std::byte>(256 << 10);
  RemoteStore store{client, "guard:", false};
  MeteredPolicy metered;
  std::unique_ptr<Interval> interval;

  explicit Counted(std::initializer_list<std::string_view> words) {
    told.clear();
    time_asked = false;
    there = true;
    room = TotalQueue::kMost;
    std::vector<std::string_view> all{"guard_rate_policy", "api"};
    all.insert(all.end(), words);
    all.emplace_back("redis=main");
    all.emplace_back("sync=100ms");
    Words parsed(all);
    metered.define(guard::rate::parse_policy(parsed));
    metered.attach(memory);
    interval = std::make_unique<Interval>(metered, store);
  }

  std::uint64_t time(std::uint64_t now) { return now + interval->ahead(); }
  // One request with this key: of every window.
  void take(std::uint64_t hash, std::uint64_t cost = 1) {
    std::uint64_t now = guard::core::microseconds();
    for (auto& meter : metered.meters) {
      meter.limiter->take({hash, 1, ~hash}, meter.quota.has_windows() ? time(now) : now, cost);
    }
  }
  std::uint64_t remaining(std::uint64_t hash, std::size_t meter = 0) {
    std::uint64_t now = guard::core::microseconds();
    auto& m = metered.meters[meter];
    return m.limiter->peek(hash, m.quota.has_windows() ? time(now) : now, 0).remaining;
  }
  void tell_time() {
    assert_true(time_asked);
    time_asked = false;
    std::uint64_t now = guard::core::microseconds();
    time_told(asker, now, now + kAhead);
  }
  // The first that is waiting.
  void answer(std::int64_t total, TotalOutcome outcome = TotalOutcome::answered,
              std::optional<std::int64_t> previous = {}) {
    TotalAsk ask = told.front();
    told.pop_front();
    answered(asker, ask, {outcome, total, previous});
  }
  // As if nobody else counted.
  void answer_all() {
    if (time_asked) tell_time();
    while (!told.empty()) answer(told.front().offer.floor + told.front().offer.more);
  }
};

void nothing_is_told_before_the_clock_is_known(void**) {
  Counted counted({"rate=100/minute", "algorithm=fixed_window"});
  counted.take(5);
  counted.interval->run(true);
  assert_true(time_asked);
  assert_true(told.empty());
  // Who quits waits for the clock, to tell by it.
  assert_true(counted.interval->busy());
  counted.interval->run(false);
  assert_true(told.empty());
  counted.tell_time();
  assert_in_range(counted.interval->ahead(), kAhead - 1000, kAhead + 1000);
  // What was counted by another clock is of a window that is none of this one's.
  counted.take(5);
  counted.interval->run(false);
  assert_true(counted.interval->busy());
  assert_int_equal(told.size(), 1);
  assert_int_equal(told[0].offer.more, 1);
  assert_false(told[0].previous);
  counted.answer_all();
  assert_false(counted.interval->busy());
  // And nothing is asked while nothing has changed.
  time_asked = false;
  counted.interval->run(false);
  assert_false(time_asked);
  assert_true(told.empty());
}

void a_round_tells_each_key_once(void**) {
  Counted counted({"rate=100/minute,1000/day", "algorithm=sliding_window"});
  counted.interval->run(true);
  counted.tell_time();
  for (std::uint64_t key = 1; key <= 50; ++key) {
    for (std::uint64_t i = 0; i < key; ++i) counted.take(key << 56 | key);
  }
  counted.interval->run(false);
  assert_int_equal(told.size(), 100);
  std::int64_t sum = 0;
  for (const TotalAsk& ask : told) {
    assert_true(ask.previous);
    assert_int_equal(ask.offer.floor, 0);
    sum += ask.offer.more;
  }
  assert_int_equal(sum, 2 * 50 * 51 / 2);
  // Rounds do not overlap: what is due meanwhile follows at once.
  counted.take(7);
  counted.interval->run(false);
  assert_int_equal(told.size(), 100);
  counted.answer(1);
  while (told.size() > 2) counted.answer(told.front().offer.more);
  counted.answer(told.front().offer.more);
  assert_int_equal(told.size(), 1);
  counted.answer(told.front().offer.more);
  assert_int_equal(told.size(), 2);
  assert_true(told[0].hash == (guard::core::Hash128{7, ~std::uint64_t{7}}));
  counted.answer_all();
  assert_false(counted.interval->busy());
}

void the_queue_is_never_overfilled(void**) {
  Counted counted({"rate=100/minute"});
  counted.interval->run(true);
  counted.tell_time();
  room = 8;
  for (std::uint64_t key = 1; key <= 100; ++key) counted.take(key << 54 | key);
  counted.interval->run(false);
  assert_int_equal(told.size(), 8);
  std::size_t all = 0;
  while (!told.empty()) {
    ++all;
    counted.answer(told.front().offer.floor + told.front().offer.more);
    assert_in_range(told.size(), 0, 8);
  }
  assert_int_equal(all, 100);
  assert_true(counted.interval->busy());
  counted.tell_time();
  assert_false(counted.interval->busy());
}

void others_are_heard(void**) {
  for (std::string_view algorithm :
       {"algorithm=gcra", "algorithm=sliding_window", "algorithm=fixed_window"}) {
    Counted counted({"rate=100/day", algorithm});
    counted.interval->run(true);
    counted.tell_time();
    bool gcra = algorithm == "algorithm=gcra";
    std::int64_t one = gcra ? 864'000'000 : 1;
    for (int i = 0; i < 10; ++i) counted.take(5);
    counted.interval->run(false);
    assert_int_equal(told.size(), 1);
    // Taken before the answer.
    counted.take(5, 3);
    TotalAsk ask = told.front();
    counted.answer(ask.offer.floor + ask.offer.more + 20 * one);
    assert_in_range(counted.remaining(5), 67, 67);
    counted.interval->run(false);
    assert_int_equal(told.front().offer.more, 3 * one);
    counted.answer_all();
    assert_int_equal(counted.remaining(5), 67);
    // The window before is of the sliding one alone.
    counted.take(5);
    counted.interval->run(false);
    ask = told.front();
    counted.answer(ask.offer.floor + ask.offer.more, TotalOutcome::answered, 50);
    if (algorithm == "algorithm=sliding_window") {
      assert_in_range(counted.remaining(5), 16, 66);
    } else {
      assert_int_equal(counted.remaining(5), 66);
    }
  }
}

void what_was_not_sent_is_told_later(void**) {
  Counted counted({"rate=100/day", "algorithm=fixed_window"});
  counted.interval->run(true);
  counted.tell_time();
  counted.take(5);
  counted.interval->run(false);
  counted.take(5);
  there = false;
  counted.answer(0, TotalOutcome::unsent);
  assert_false(counted.interval->busy());
  assert_true(counted.interval->available() == false);
  counted.interval->run(false);
  assert_true(told.empty());
  assert_int_equal(counted.interval->header().away, 1);
  there = true;
  // All workers hear it from the one who speaks to Redis.
  assert_false(counted.interval->available());
  // It may be another Redis, with another clock.
  counted.interval->run(false);
  assert_true(told.empty());
  assert_false(counted.interval->available());
  counted.tell_time();
  assert_true(counted.interval->available());
  assert_int_equal(told.size(), 1);
  assert_int_equal(told[0].offer.more, 2);
  assert_int_equal(told[0].offer.floor, 0);
  // Nobody knows whether this one came.
  counted.answer(0, TotalOutcome::unknown);
  counted.take(5);
  counted.interval->run(false);
  assert_int_equal(told[0].offer.more, 1);
  assert_int_equal(told[0].offer.floor, 2);
}

void redis_goes_away_in_a_round(void**) {
  Counted counted({"rate=100/minute,1000/day"});
  counted.interval->run(true);
  counted.tell_time();
  room = 4;
  for (std::uint64_t key = 1; key <= 20; ++key) counted.take(key << 58 | key);
  counted.interval->run(false);
  there = false;
  while (!told.empty()) counted.answer(0, TotalOutcome::unsent);
  assert_false(counted.interval->busy());
  there = true;
  room = TotalQueue::kMost;
  counted.interval->run(false);
  counted.tell_time();
  assert_int_equal(told.size(), 40);
}

void whoever_takes_over_finds_all(void**) {
  Counted counted({"rate=100/minute"});
  counted.interval->run(true);
  counted.tell_time();
  counted.take(5);
  // Its predecessor had begun to sweep, and died.
  auto sweep = counted.metered.meters[0].limiter->deltas()->sweep();
  assert_true(sweep.next().has_value());
  counted.interval->run(false);
  assert_true(told.empty());
  Interval next(counted.metered, counted.store);
  next.run(true);
  counted.tell_time();
  assert_int_equal(told.size(), 1);
  counted.answer_all();
}

// It was stopped for so long that another worker has the job.
void whoever_is_overtaken_tells_nothing(void**) {
  Counted counted({"rate=100/minute"});
  counted.interval->run(true);
  counted.tell_time();
  std::uint64_t& lease = counted.interval->header().lease;
  assert_false(overtaken(asker));
  lease = static_cast<std::uint64_t>(getpid());
  assert_false(overtaken(asker));
  lease = 1;
  assert_true(overtaken(asker));
  counted.take(5);
  counted.interval->run(false);
  assert_true(told.empty());
  lease = 0;
  counted.interval->run(false);
  assert_int_equal(told.size(), 1);
  counted.answer_all();
}

// Its own connection has not failed yet, which says nothing of Redis.
void whoever_takes_over_does_not_end_an_outage(void**) {
  Counted counted({"rate=100/minute"});
  counted.interval->run(true);
  counted.tell_time();
  there = false;
  counted.interval->run(false);
  there = true;
  Interval next(counted.metered, counted.store);
  next.run(true);
  next.run(false);
  assert_false(next.available());
  counted.tell_time();
  assert_true(next.available());
}

void what_finds_no_room_is_reported_once(void**) {
  Counted counted({"rate=100/minute", "zone=64k"});
  assert_int_equal(counted.interval->dropped(), 0);
  for (std::uint64_t key = 1; key <= 20'000; ++key) {
    counted.take(key * 0x9e3779b97f4a7c15);
  }
  assert_true(counted.interval->dropped() > 0);
  assert_int_equal(counted.interval->dropped(), 0);
}

void a_quota_that_takes_centuries(void**) {
  guard::unit::expect_error(
      [] {
        Counted counted({"rate=1/day", "burst=40000"});
      },
      "\"burst=40000\" takes more than 36500 days to come back, which Redis "
      "cannot count");
  Counted fine({"rate=1/day", "burst=36500"});
  assert_int_equal(fine.interval->period(), 50);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_told_before_the_clock_is_known),
      cmocka_unit_test(a_round_tells_each_key_once),
      cmocka_unit_test(the_queue_is_never_overfilled),
      cmocka_unit_test(others_are_heard),
      cmocka_unit_test(what_was_not_sent_is_told_later),
      cmocka_unit_test(redis_goes_away_in_a_round),
      cmocka_unit_test(whoever_takes_over_finds_all),
      cmocka_unit_test(whoever_is_overtaken_tells_nothing),
      cmocka_unit_test(whoever_takes_over_does_not_end_an_outage),
      cmocka_unit_test(what_finds_no_room_is_reported_once),
      cmocka_unit_test(a_quota_that_takes_centuries),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
