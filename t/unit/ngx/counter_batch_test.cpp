// Batches of questions to Redis: what goes into one call, who gets which answer, what is forgotten.
// The client hands every command to a real redis-server when the test says so.
#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "waiting_client.h"

#include "core/counter_batch.h"

using guard::core::CounterAnswers;
using guard::core::CounterEntry;
using guard::core::CounterItem;
using guard::core::CounterKind;
using guard::core::CounterQueue;
using guard::core::CounterTag;
using guard::core::RemoteCounter;
using guard::redis::Command;
using guard::redis::Fault;
using guard::redis::Link;
using guard::redis::Output;
using guard::redis::Reply;
using guard::unit::client;
using guard::unit::forgotten;
using guard::unit::reachable;
using guard::unit::server;
using guard::unit::take;
using guard::unit::waiting;

namespace {

std::size_t calls;    // of scripts that Redis has answered
std::size_t in_full;  // of them, with EVAL

void run(Fault fault = Fault::none) {
  while (!waiting.empty()) {
    Command& command = take();
    Output out = Link::write(command);
    if (fault != Fault::none) {
      Link::finish(command, Reply(fault));
      continue;
    }
    ++calls;
    if (out.pending().find("$4\r\nEVAL\r\n") != std::string_view::npos) ++in_full;
    Link::finish(command, server->ask(out));
  }
}

CounterTag tag(unsigned n) {
  CounterTag made{};
  char text[48];
  snprintf(text, sizeof(text), "{%032u}", n);
  std::copy_n(text, made.size(), made.begin());
  return made;
}

struct Question : CounterItem {
  CounterTag tags[2];
  CounterEntry entries[2];
  int answers = 0;
  Fault fault = Fault::none;
  std::optional<guard::core::RemoteAnswer> said[2];

  explicit Question(const RemoteCounter& counter, unsigned key, std::uint64_t cost = 1) {
    first = entries;
    count = 1;
    tags[0] = tag(key);
    entries[0].counter = &counter;
    entries[0].tag = &tags[0];
    entries[0].how.cost = cost;
    answered = [](CounterItem& item, const CounterAnswers& reply) noexcept {
      auto& self = static_cast<Question&>(item);
      ++self.answers;
      self.fault = reply.fault();
      for (std::size_t i = 0; i < self.count; ++i) self.said[i] = reply[self.entries[i]];
    };
  }
  void add(const RemoteCounter& counter, unsigned key) {
    count = 2;
    tags[1] = tag(key);
    entries[1].counter = &counter;
    entries[1].tag = &tags[1];
    entries[0].next = &entries[1];
  }
  bool admitted(std::size_t i = 0) const {
    assert_int_equal(answers, 1);
    assert_true(said[i].has_value());
    return said[i]->admitted;
  }
};

int begin(void**) {
  server->ask({"FLUSHALL"});
  waiting.clear();
  forgotten.clear();
  calls = in_full = 0;
  reachable = true;
  return 0;
}

constexpr std::uint64_t kHour = 3'600'000'000;
const RemoteCounter& two_an_hour() {
  static const RemoteCounter counter(CounterKind::gcra, {2, kHour}, 2, "guard:a:", "");
  return counter;
}
const RemoteCounter& one_an_hour() {
  static const RemoteCounter counter(CounterKind::fixed_window, {1, kHour}, 1, "guard:b:", "");
  return counter;
}
const RemoteCounter& log_of_two() {
  static const RemoteCounter counter(CounterKind::sliding_log, {2, kHour}, 2, "guard:c:", ".hour");
  return counter;
}

void one_turn_is_one_call(void**) {
  CounterQueue queue(client(), two_an_hour());
  std::deque<Question> questions;
  for (unsigned i = 0; i < 10; ++i) questions.emplace_back(two_an_hour(), i % 3);
  for (Question& question : questions) assert_true(queue.ask(question));
  assert_int_equal(waiting.size(), 1);
  run();
  for (unsigned i = 0; i < 10; ++i) assert_int_equal(questions[i].admitted(), i < 6);
  assert_true(calls <= 2);  // the first of all tests is told NOSCRIPT
}

// Costs of 1 are not sent; one that is not among them has all of them sent.
void costs_of_a_call(void**) {
  CounterQueue queue(client(), two_an_hour());
  for (std::uint64_t cost : {0, 1, 2, 3}) {
    server->ask({"FLUSHALL"});
    Question first(two_an_hour(), 1), second(two_an_hour(), 2, cost), third(two_an_hour(), 2);
    for (Question* question : {&first, &second, &third}) assert_true(queue.ask(*question));
    assert_int_equal(waiting.size(), 1);
    run();
    assert_true(first.admitted());
    assert_int_equal(second.admitted(), cost <= 2);
    assert_int_equal(third.admitted(), cost != 2);
  }
}

void a_call_has_so_many_keys(void**) {
  CounterQueue queue(client(), two_an_hour());
  std::deque<Question> questions;
  for (unsigned i = 0; i < 2 * CounterQueue::kMaxKeys + 1; ++i) {
    questions.emplace_back(two_an_hour(), i);
  }
  for (Question& question : questions) assert_true(queue.ask(question));
  assert_int_equal(waiting.size(), 3);
  run();
  for (Question& question : questions) assert_true(question.admitted());
}

void groups_share_a_call(void**) {
  CounterQueue queue(client());
  Question first(two_an_hour(), 1), second(two_an_hour(), 1), third(log_of_two(), 1);
  first.add(one_an_hour(), 1);
  second.add(one_an_hour(), 1);
  for (Question* question : {&first, &second, &third}) assert_true(queue.ask(*question));
  assert_int_equal(waiting.size(), 1);
  run();
  assert_true(first.admitted(0) && first.admitted(1));
  assert_true(second.admitted(0));
  assert_false(second.admitted(1));
  assert_true(third.admitted(0));
  assert_int_equal(third.said[0]->size, 1);
  // The second group was not taken from.
  Question after(two_an_hour(), 1);
  queue.ask(after);
  run();
  assert_true(after.admitted());
  // 36 entries of two keys are 72 keys.
  std::deque<Question> many;
  for (unsigned i = 0; i < 36; ++i) many.emplace_back(two_an_hour(), 100 + i);
  for (Question& question : many) question.add(log_of_two(), 100);
  for (Question& question : many) queue.ask(question);
  assert_int_equal(waiting.size(), 2);
  run();
  for (unsigned i = 0; i < 36; ++i) assert_int_equal(many[i].admitted(1), i < 2);
}

void a_script_that_redis_forgot_is_sent_again(void**) {
  server->ask({"SCRIPT", "FLUSH"});
  CounterQueue hot(client(), two_an_hour()), group(client());
  Question a(two_an_hour(), 1), b(two_an_hour(), 2), c(one_an_hour(), 3);
  hot.ask(a);
  hot.ask(b);
  group.ask(c);
  run();
  assert_true(a.admitted() && b.admitted() && c.admitted());
  assert_int_equal(calls, 4);
  assert_int_equal(in_full, 2);
  Question d(two_an_hour(), 1);
  hot.ask(d);
  run();
  assert_true(d.admitted());
  assert_int_equal(calls, 5);
  assert_int_equal(in_full, 2);
}

void who_is_gone_asks_nothing(void**) {
  CounterQueue queue(client(), two_an_hour());
  Question a(two_an_hour(), 1, 2), gone(two_an_hour(), 2, 2), b(two_an_hour(), 3, 2);
  for (Question* question : {&a, &gone, &b}) queue.ask(*question);
  queue.forget(gone);
  assert_false(gone.waiting());
  queue.forget(gone);
  run();
  assert_true(a.admitted() && b.admitted());
  assert_int_equal(gone.answers, 0);
  assert_int_equal(server->ask({"DBSIZE"}).integer(), 2);
}

// Once the call has left, the others' answers stay where they were.
void who_goes_later_is_not_answered(void**) {
  CounterQueue queue(client(), two_an_hour());
  Question drain(two_an_hour(), 3, 2);
  queue.ask(drain);
  run();
  Question a(two_an_hour(), 1), gone(two_an_hour(), 2), b(two_an_hour(), 3);
  for (Question* question : {&a, &gone, &b}) queue.ask(*question);
  Command& command = *waiting.front();
  Output out = Link::write(command);
  queue.forget(gone);
  assert_true(forgotten.empty());
  Link::finish(command, server->ask(out));
  assert_true(a.admitted());
  assert_false(b.admitted());
  assert_int_equal(gone.answers, 0);
}

void a_call_that_nobody_waits_for_is_forgotten(void**) {
  CounterQueue queue(client(), two_an_hour());
  Question a(two_an_hour(), 1), b(two_an_hour(), 2);
  queue.ask(a);
  queue.ask(b);
  Command* command = waiting.front();
  queue.forget(a);
  assert_true(forgotten.empty());
  queue.forget(b);
  assert_int_equal(forgotten.size(), 1);
  assert_ptr_equal(forgotten[0], command);
  assert_true(waiting.empty());
  // Its memory serves the next one, also of another queue.
  CounterQueue other(client());
  Question c(one_an_hour(), 1);
  other.ask(c);
  assert_ptr_equal(waiting.front(), command);
  Question d(two_an_hour(), 1);
  queue.ask(d);
  assert_int_equal(waiting.size(), 2);
  run();
  assert_true(c.admitted() && d.admitted());
}

void faults_reach_everybody(void**) {
  CounterQueue queue(client(), two_an_hour());
  for (Fault fault : {Fault::timeout, Fault::unavailable, Fault::lost, Fault::overflow}) {
    Question a(two_an_hour(), 1), b(two_an_hour(), 2);
    queue.ask(a);
    queue.ask(b);
    run(fault);
    for (const Question* question : {&a, &b}) {
      assert_int_equal(question->answers, 1);
      assert_int_equal(question->fault, fault);
      assert_false(question->said[0].has_value());
    }
  }
}

// An answer that is none of the script's.
void nonsense_is_no_answer(void**) {
  CounterQueue queue(client(), two_an_hour());
  Question a(two_an_hour(), 1);
  queue.ask(a);
  Command& command = *waiting.front();
  waiting.clear();
  Link::write(command);
  Link::finish(command, server->ask({"EVAL", "return {'x', 5}", "0"}));
  assert_int_equal(a.fault, Fault::none);
  assert_false(a.said[0].has_value());
  // Not even one that says NOSCRIPT for ever.
  Question b(two_an_hour(), 1);
  queue.ask(b);
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(b.answers, 0);
    Command& again = *waiting.front();
    waiting.clear();
    Link::write(again);
    Link::finish(again, server->ask({"EVALSHA", "x", "0"}));
  }
  assert_int_equal(b.answers, 1);
  assert_int_equal(b.fault, Fault::error);
}

// What could not be written takes more only as long as that costs them next to none of their time.
void a_call_that_waits_is_soon_closed(void**) {
  for (auto [timeout, later] : {std::pair{50, 3}, {15, 0}, {1000, 62}}) {
    client().settings().policy.timeout = std::chrono::milliseconds(timeout);
    CounterQueue queue(client(), two_an_hour());
    Question a(two_an_hour(), 1), b(two_an_hour(), 2), c(two_an_hour(), 3);
    const ngx_msec_t begin = ngx_current_msec;
    queue.ask(a);
    ngx_current_msec = begin + static_cast<ngx_msec_t>(later);
    queue.ask(b);
    assert_int_equal(waiting.size(), 1);
    ngx_current_msec = begin + static_cast<ngx_msec_t>(later) + 1;
    queue.ask(c);
    assert_int_equal(waiting.size(), 2);
    server->ask({"FLUSHALL"});
    run();
    assert_true(a.admitted() && b.admitted() && c.admitted());
  }
}

void a_cluster_gets_one_slot_a_call(void**) {
  CounterQueue queue(client(), two_an_hour());
  Question a(two_an_hour(), 1), b(two_an_hour(), 2);
  alignas(16) std::byte memory[2][CounterQueue::kOwnSize];
  queue.ask(a, memory[0]);
  queue.ask(b, memory[1]);
  assert_int_equal(waiting.size(), 2);
  guard::unit::expect_text(waiting[0]->route, "{00000000000000000000000000000001}");
  guard::unit::expect_text(waiting[1]->route, "{00000000000000000000000000000002}");
  queue.forget(b);
  assert_int_equal(forgotten.size(), 1);
  run();
  assert_true(a.admitted());
  assert_int_equal(b.answers, 0);
}

void what_is_given_back_can_be_taken_again(void**) {
  CounterQueue queue(client());
  for (const RemoteCounter* counter : {&two_an_hour(), &one_an_hour(), &log_of_two()}) {
    std::uint64_t all = counter == &one_an_hour() ? 1 : 2;
    Question a(*counter, 9, all), b(*counter, 9, all), c(*counter, 9, all);
    queue.ask(a);
    queue.ask(b);
    run();
    assert_true(a.admitted());
    assert_false(b.admitted());
    RemoteCounter::Entry how = a.entries[0].how;
    how.refund = a.said[0]->now;
    reachable = false;
    queue.refund(*counter, a.tags[0], how);
    assert_true(waiting.empty());
    reachable = true;
    server->ask({"SCRIPT", "FLUSH"});
    queue.refund(*counter, a.tags[0], how);
    guard::unit::expect_text(waiting.front()->route, "{00000000000000000000000000000009}");
    run();
    queue.ask(c);
    run();
    assert_true(c.admitted());
  }
}

}  // namespace

int main() {
  guard::unit::RedisServer started;
  server = &started;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(one_turn_is_one_call, begin),
      cmocka_unit_test_setup(costs_of_a_call, begin),
      cmocka_unit_test_setup(a_call_has_so_many_keys, begin),
      cmocka_unit_test_setup(groups_share_a_call, begin),
      cmocka_unit_test_setup(a_script_that_redis_forgot_is_sent_again, begin),
      cmocka_unit_test_setup(who_is_gone_asks_nothing, begin),
      cmocka_unit_test_setup(who_goes_later_is_not_answered, begin),
      cmocka_unit_test_setup(a_call_that_nobody_waits_for_is_forgotten, begin),
      cmocka_unit_test_setup(faults_reach_everybody, begin),
      cmocka_unit_test_setup(nonsense_is_no_answer, begin),
      cmocka_unit_test_setup(a_call_that_waits_is_soon_closed, begin),
      cmocka_unit_test_setup(a_cluster_gets_one_slot_a_call, begin),
      cmocka_unit_test_setup(what_is_given_back_can_be_taken_again, begin),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
