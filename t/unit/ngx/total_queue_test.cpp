// What a worker tells Redis of totals: which commands that is, what is made of the replies and of
// their absence. The client hands every command to a real redis-server when the test says so.
#include <string>
#include <vector>

#include "waiting_client.h"

#include "core/total_queue.h"

using guard::core::Hash128;
using guard::core::RemoteTotal;
using guard::core::TotalAnswer;
using guard::core::TotalAsk;
using guard::core::TotalOutcome;
using guard::core::TotalQueue;
using guard::redis::Command;
using guard::redis::Fault;
using guard::redis::Link;
using guard::redis::Output;
using guard::redis::Reply;
using guard::unit::client;
using guard::unit::reachable;
using guard::unit::server;
using guard::unit::take;
using guard::unit::waiting;

namespace {

struct Heard {
  TotalAsk ask;
  TotalAnswer answer;
};

struct Queue {
  explicit Queue(bool cluster = false)
      : queue(
            client(), cluster,
            [](void* self, const TotalAsk& ask, const TotalAnswer& answer) noexcept {
              auto& mine = *static_cast<Queue*>(self);
              mine.heard.push_back({ask, answer});
              if (mine.again-- > 0) mine.queue.ask(ask);
            },
            [](void* self) noexcept { return static_cast<Queue*>(self)->overtaken; },
            [](void* self, std::uint64_t asked_at, std::uint64_t now) noexcept {
              static_cast<Queue*>(self)->times.push_back({asked_at, now});
            },
            this) {
    assert_true(queue.prepare());
  }

  TotalQueue queue;
  std::vector<Heard> heard;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> times;
  bool overtaken = false;
  int again = 0;  // how often what was answered is asked once more
};

const RemoteTotal kWindows("guard:api:", ".hour", true);

TotalAsk asking(std::uint64_t key, std::int64_t floor, std::int64_t more, bool previous = false) {
  TotalAsk ask;
  ask.counter = &kWindows;
  ask.hash = Hash128{key, 0};
  ask.number = 42;
  ask.offer = {floor, more, 100'000};
  ask.previous = previous;
  ask.meter = 3;
  ask.window = 10;
  ask.delta = more;
  ask.told = 77;
  ask.told_at = 88;
  return ask;
}

// The first command that waits, in Redis.
void run() {
  Command& command = take();
  Output out = Link::write(command);
  Link::finish(command, server->ask(out));
}

void run_all() {
  while (!waiting.empty()) run();
}

void fail_with(Fault fault) {
  Command& command = take();
  Link::write(command);
  Link::finish(command, Reply(fault));
}

// With the reply to something else.
void answer_with(std::initializer_list<std::string_view> words) {
  Command& command = take();
  Link::finish(command, server->ask(words));
}

int begin(void**) {
  server->ask({"FLUSHALL"});
  server->ask({"SCRIPT", "LOAD", RemoteTotal::script().text()});
  waiting.clear();
  stub::logged.clear();
  reachable = true;
  // Nothing is silent any more of what the last test has said.
  ngx_current_msec = ngx_current_msec + 100'000;
  return 0;
}

void an_exchange(void**) {
  Queue queue;
  assert_true(queue.queue.idle());
  queue.queue.ask(asking(7, 5, 3));
  assert_false(queue.queue.idle());
  assert_int_equal(waiting.size(), 1);
  guard::unit::expect_text(waiting[0]->route, "{07000000000000000000000000000000}");
  run();
  assert_true(queue.queue.idle());
  assert_int_equal(queue.heard.size(), 1);
  const Heard& heard = queue.heard[0];
  assert_true(heard.answer.outcome == TotalOutcome::answered);
  assert_int_equal(heard.answer.total, 8);
  assert_false(heard.answer.previous.has_value());
  // Who has asked has back what is his.
  assert_true(heard.ask.hash == (Hash128{7, 0}));
  assert_int_equal(heard.ask.meter, 3);
  assert_int_equal(heard.ask.window, 10);
  assert_int_equal(heard.ask.delta, 3);
  assert_int_equal(heard.ask.told, 77);
  assert_int_equal(heard.ask.told_at, 88);
  guard::unit::expect_text(
      server->ask({"GET", "guard:api:{07000000000000000000000000000000}.hour=42"}).text(), "8");
  assert_true(stub::logged.empty());
}

void with_the_window_before(void**) {
  server->ask({"SET", "guard:api:{07000000000000000000000000000000}.hour=41", "30"});
  Queue queue;
  queue.queue.ask(asking(7, 0, 1, true));
  queue.queue.ask(asking(8, 0, 2, true));
  queue.queue.ask(asking(9, 0, 3));
  assert_int_equal(waiting.size(), 1);
  run();
  assert_true(queue.queue.idle());
  assert_int_equal(queue.heard.size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    assert_true(queue.heard[i].answer.outcome == TotalOutcome::answered);
    assert_int_equal(queue.heard[i].ask.hash.low, 7 + i);
    assert_int_equal(queue.heard[i].answer.total, 1 + i);
  }
  assert_int_equal(queue.heard[0].answer.previous.value_or(-1), 30);
  assert_false(queue.heard[1].answer.previous.has_value());
  assert_false(queue.heard[2].answer.previous.has_value());
}

// What is asked in one turn goes into one call, until that is written, and as much as one may hold.
void many_in_one_call(void**) {
  Queue queue;
  queue.queue.ask(asking(1, 0, 1));
  queue.queue.ask(asking(2, 0, 1));
  assert_int_equal(waiting.size(), 1);
  ngx_current_msec = ngx_current_msec + 1;
  queue.queue.ask(asking(3, 0, 1));
  assert_int_equal(waiting.size(), 2);
  Command& written = *waiting[1];
  const Output out = Link::write(written);
  queue.queue.ask(asking(4, 0, 1));
  assert_int_equal(waiting.size(), 3);
  waiting.erase(waiting.begin() + 1);
  Link::finish(written, Reply(Fault::lost));
  run_all();
  assert_int_equal(queue.heard.size(), 4);

  for (std::size_t i = 0; i < TotalQueue::kMostKeys; ++i) queue.queue.ask(asking(10 + i, 0, 1));
  assert_int_equal(waiting.size(), 1);
  queue.queue.ask(asking(9, 0, 1));
  assert_int_equal(waiting.size(), 2);
  run_all();
  // The window before is a key as well.
  for (std::size_t i = 0; i < TotalQueue::kMostKeys / 2; ++i) {
    queue.queue.ask(asking(10 + i, 0, 1, true));
  }
  assert_int_equal(waiting.size(), 1);
  queue.queue.ask(asking(9, 0, 1));
  assert_int_equal(waiting.size(), 2);
  run_all();
  for (const Heard& heard : queue.heard) {
    assert_true((heard.answer.outcome == TotalOutcome::answered) == (heard.ask.hash.low != 3));
  }
  assert_true(queue.queue.idle());
}

// Whoever has started Redis anew has taken the script along.
void a_script_that_is_gone(void**) {
  server->ask({"SCRIPT", "FLUSH"});
  Queue queue;
  queue.queue.ask(asking(1, 0, 1));
  queue.queue.ask(asking(2, 5, 1));
  run();
  assert_true(queue.heard.empty());
  assert_int_equal(waiting.size(), 1);
  run();
  assert_int_equal(queue.heard.size(), 2);
  assert_int_equal(queue.heard[1].answer.total, 6);
  assert_true(stub::logged.empty());
  // It is known by then; one that never knows it is not asked for ever.
  queue.queue.ask(asking(1, 0, 1));
  answer_with({"EVALSHA", "0000000000000000000000000000000000000000", "0"});
  assert_int_equal(waiting.size(), 1);
  answer_with({"EVALSHA", "0000000000000000000000000000000000000000", "0"});
  assert_true(queue.heard.back().answer.outcome == TotalOutcome::unsent);
  assert_true(waiting.empty());
}

// Keys of different slots have calls of their own, and two that may have moved, two commands. Each
// may come first; the answer comes when both are there.
void of_a_cluster(void**) {
  server->ask({"SET", "guard:api:{07000000000000000000000000000000}.hour=41", "30"});
  for (const bool swapped : {false, true}) {
    Queue queue(true);
    queue.queue.ask(asking(7, 0, 1, true));
    assert_int_equal(waiting.size(), 2);
    guard::unit::expect_text(waiting[1]->route, waiting[0]->route);
    if (swapped) std::swap(waiting[0], waiting[1]);
    run();
    assert_true(queue.heard.empty());
    assert_false(queue.queue.idle());
    run();
    assert_int_equal(queue.heard.size(), 1);
    assert_true(queue.heard[0].answer.outcome == TotalOutcome::answered);
    assert_int_equal(queue.heard[0].answer.total, swapped ? 2 : 1);
    assert_int_equal(queue.heard[0].answer.previous.value_or(-1), 30);
  }
  // That of the window before may be missing, by itself; the total may not.
  Queue queue(true);
  queue.queue.ask(asking(7, 0, 1, true));
  run();
  fail_with(Fault::lost);
  queue.queue.ask(asking(7, 0, 1, true));
  fail_with(Fault::lost);
  run();
  assert_int_equal(queue.heard.size(), 2);
  assert_true(queue.heard[0].answer.outcome == TotalOutcome::answered);
  assert_false(queue.heard[0].answer.previous.has_value());
  assert_true(queue.heard[1].answer.outcome == TotalOutcome::unknown);
  queue.queue.ask(asking(8, 5, 3));
  queue.queue.ask(asking(9, 5, 4));
  assert_int_equal(waiting.size(), 2);
  run_all();
  assert_int_equal(queue.heard[2].answer.total, 8);
  assert_int_equal(queue.heard[3].answer.total, 9);
}

void what_nobody_answered(void**) {
  const std::pair<Fault, TotalOutcome> expected[] = {
      {Fault::unavailable, TotalOutcome::unsent},
      {Fault::overflow, TotalOutcome::unsent},
      {Fault::timeout, TotalOutcome::unknown},
      {Fault::lost, TotalOutcome::unknown},
  };
  for (const bool cluster : {false, true}) {
    Queue queue(cluster);
    for (const auto& [fault, outcome] : expected) {
      queue.queue.ask(asking(7, 5, 3));
      queue.queue.ask(asking(8, 5, 3));
      while (!waiting.empty()) fail_with(fault);
      for (int i = 0; i < 2; ++i) {
        assert_true(queue.heard[queue.heard.size() - 1 - i].answer.outcome == outcome);
      }
    }
    assert_int_equal(queue.heard.size(), 8);
    assert_true(queue.queue.idle());
  }
  assert_true(stub::logged.empty());
}

// What is refused was not counted; what makes no sense may have been.
// The successor's floor contains what it has counted, or makes up for it.
void of_one_who_was_overtaken(void**) {
  server->ask({"SET", "guard:api:{07000000000000000000000000000000}.hour=42", "30"});
  for (const bool cluster : {false, true}) {
    Queue queue(cluster);
    queue.queue.ask(asking(7, 25, 3));
    queue.queue.ask(asking(8, 5, 3, true));
    queue.overtaken = true;
    run_all();
    assert_true(queue.queue.idle());
    assert_int_equal(queue.heard.size(), 2);
    for (const Heard& heard : queue.heard) {
      assert_true(heard.answer.outcome == TotalOutcome::unknown);
    }
    // It has not been sent, but not been left out either.
    queue.queue.ask(asking(7, 25, 3));
    while (!waiting.empty()) fail_with(Fault::unavailable);
    assert_true(queue.heard.back().answer.outcome == TotalOutcome::unknown);
  }
  guard::unit::expect_text(
      server->ask({"GET", "guard:api:{07000000000000000000000000000000}.hour=42"}).text(), "30");
  assert_int_equal(
      server->ask({"EXISTS", "guard:api:{08000000000000000000000000000000}.hour=42"}).integer(), 0);
  // Who has it again tells again.
  Queue queue;
  queue.overtaken = true;
  queue.queue.ask(asking(7, 25, 3));
  run();
  queue.overtaken = false;
  queue.queue.ask(asking(7, 25, 3));
  run();
  assert_true(queue.heard.back().answer.outcome == TotalOutcome::answered);
  assert_int_equal(queue.heard.back().answer.total, 33);
}

void what_redis_refuses(void**) {
  Queue queue;
  server->ask({"CONFIG", "SET", "maxmemory", "1"});
  queue.queue.ask(asking(7, 5, 3));
  run();
  assert_true(queue.heard.back().answer.outcome == TotalOutcome::unsent);
  server->ask({"CONFIG", "SET", "maxmemory", "0"});

  for (const auto words : {std::initializer_list<std::string_view>{"ECHO", "nonsense"},
                           {"ECHO", "1.5"},
                           {"TIME"},
                           {"GET", "nobody"}}) {
    queue.queue.ask(asking(7, 5, 3));
    answer_with(words);
    assert_true(queue.heard.back().answer.outcome == TotalOutcome::unknown);
  }
}

void so_many_at_a_time(void**) {
  Queue queue;
  std::uint64_t key = 0;
  while (!queue.queue.full()) queue.queue.ask(asking(++key, 0, 1));
  assert_int_equal(key, TotalQueue::kMost);
  assert_int_equal(waiting.size(), TotalQueue::kMost / TotalQueue::kMostKeys);
  // Whoever hears of one may ask at once.
  queue.again = 100;
  run_all();
  assert_int_equal(queue.heard.size(), TotalQueue::kMost + 100);
  assert_true(queue.queue.idle());
  for (std::uint64_t i = 0; i < TotalQueue::kMost; ++i) {
    assert_int_equal(queue.heard[i].ask.hash.low, i + 1);
    assert_int_equal(queue.heard[i].answer.total, 1);
  }
  assert_int_equal(queue.heard.back().answer.total, 2);
}

void the_time(void**) {
  Queue queue;
  assert_false(queue.queue.asks_time());
  queue.queue.ask_time();
  queue.queue.ask_time();
  assert_int_equal(waiting.size(), 1);
  assert_true(queue.queue.asks_time());
  assert_true(queue.queue.idle());
  run();
  assert_false(queue.queue.asks_time());
  assert_int_equal(queue.times.size(), 1);
  assert_true(queue.times[0].first > 0);
  assert_true(queue.times[0].second > 1'700'000'000'000'000);
  // One that is not told is asked for again.
  queue.queue.ask_time();
  fail_with(Fault::timeout);
  assert_false(queue.queue.asks_time());
  queue.queue.ask_time();
  answer_with({"ECHO", "now"});
  assert_int_equal(queue.times.size(), 1);
  queue.queue.ask_time();
  run();
  assert_int_equal(queue.times.size(), 2);
}

void before_it_is_prepared(void**) {
  TotalQueue queue(
      client(), false, [](void*, const TotalAsk&, const TotalAnswer&) noexcept {},
      [](void*) noexcept { return false; }, [](void*, std::uint64_t, std::uint64_t) noexcept {},
      nullptr);
  assert_true(queue.idle());
  assert_false(queue.asks_time());
  assert_true(queue.prepare());
  assert_false(queue.full());
  assert_true(queue.prepare());
  assert_true(queue.available());
  reachable = false;
  assert_false(queue.available());
}

}  // namespace

int main() {
  guard::unit::RedisServer redis;
  server = &redis;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(an_exchange, begin),
      cmocka_unit_test_setup(with_the_window_before, begin),
      cmocka_unit_test_setup(many_in_one_call, begin),
      cmocka_unit_test_setup(a_script_that_is_gone, begin),
      cmocka_unit_test_setup(of_a_cluster, begin),
      cmocka_unit_test_setup(what_nobody_answered, begin),
      cmocka_unit_test_setup(of_one_who_was_overtaken, begin),
      cmocka_unit_test_setup(what_redis_refuses, begin),
      cmocka_unit_test_setup(so_many_at_a_time, begin),
      cmocka_unit_test_setup(the_time, begin),
      cmocka_unit_test_setup(before_it_is_prepared, begin),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
