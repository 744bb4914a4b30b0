// The script of lockouts against the table that it repeats, in a real redis-server, by a clock that
// the test sets.
#include "lockout/lockout_script.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "core/hex.h"
#include "hashes.h"
#include "redis_server.h"

using namespace guard::lockout;
using guard::redis::Output;
using guard::unit::expect_text;
using guard::unit::RedisServer;

namespace {

constexpr std::uint64_t kStart = 1'700'000'000'000;  // milliseconds
RedisServer* server;

void replace(std::string& text, std::string_view what, std::string_view by) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
    ++found;
  }
  assert_true(found > 0);
}

// Lives are a thousand times as long: the test is slower than its clock.
class Staged {
 public:
  explicit Staged(const LockRule& rule)
      : locks_("guard:lockout:x:", rule), text_(staged()), script_(text_) {}

  std::optional<RemoteVerdict> ask(Step step, const RemoteAttempt& attempt, std::uint64_t now) {
    server->ask(
        {"HSET", "clock", "s", std::to_string(now / 1000), "u", std::to_string(now % 1000 * 1000)});
    constexpr std::size_t kArguments = 10;
    Output out;
    script_.begin(out, true, locks_.keys(), kArguments);
    locks_.write_words(out, step, attempt);
    return RemoteLocks::read(server->ask(out));
  }

 private:
  static std::string staged() {
    std::string text(RemoteLocks::script().text());
    replace(text, "redis.call('TIME')", "redis.call('HMGET', 'clock', 's', 'u')");
    replace(text, "'PEXPIRE'", "'EXPIRE'");
    replace(text, "'PTTL'", "'TTL'");
    return text;
  }

  RemoteLocks locks_;
  std::string text_;
  guard::core::CounterScript script_;
};

RemoteAttempt attempt_of(const LockKey& key, std::uint64_t name, bool reserved) {
  RemoteAttempt attempt;
  auto digits = guard::core::hex_of(key.hash);
  attempt.tag.front() = '{';
  std::copy(digits.begin(), digits.end(), attempt.tag.begin() + 1);
  attempt.tag.back() = '}';
  guard::core::write_hex(name, attempt.name.data());
  guard::core::write_hex(key.account, attempt.account_digits.data());
  attempt.reserved = reserved;
  return attempt;
}

struct Open {
  LockKey key;
  std::uint64_t name;
  std::uint64_t place;
  std::uint64_t at;
};

void walk(const LockRule& rule, unsigned seed) {
  server->ask({"FLUSHALL"});
  std::mt19937_64 random(seed);
  std::vector<std::byte> memory(64 << 10);
  LockTable table(memory, rule);
  Staged script(rule);
  std::vector<Open> open;
  std::uint64_t now = kStart;
  std::uint64_t names = 0;
  std::size_t locks = 0;
  for (int step = 0; step < 3000; ++step) {
    // What is under way for a value may end with the time of its place, which is an older one.
    if (!rule.distinct || open.empty()) now += random() % (rule.window / 16);
    // What takes longer than a window is nobody's any more.
    std::erase_if(open, [&](const Open& one) { return one.at + rule.window <= now; });
    std::uint64_t number = random() % 2 + 1;
    LockKey key{{number * 0x9e3779b97f4a7c15, number}, number, number * 7, random() % 5 + 1};
    std::uint64_t choice = random() % 16;
    if (choice < 8) {
      std::uint64_t name = rule.distinct ? key.value : ++names;
      Decision here = table.reserve(key, now);
      auto there = script.ask(Step::reserve, attempt_of(key, name, true), now);
      assert_true(there.has_value());
      assert_int_equal(here.verdict, there->decision.verdict);
      assert_int_equal(here.retry, there->decision.retry);
      if (here.verdict == Verdict::admitted) open.push_back({key, name, here.place, now});
    } else if (choice < 15 && !open.empty()) {
      std::size_t which = random() % open.size();
      Open one = open[which];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
      RemoteAttempt attempt = attempt_of(one.key, one.name, true);
      if (choice < 13) {
        Failure here = table.fail(one.key, one.place, now);
        auto there = script.ask(Step::fail, attempt, now);
        assert_true(there.has_value());
        assert_int_equal(here.locks, there->failure.locks);
        assert_int_equal(here.length, there->failure.length);
        assert_int_equal(here.repeats, there->failure.repeats);
        locks += here.locks ? 1 : 0;
      } else {
        table.give_back(one.key, one.place);
        assert_true(script.ask(Step::give_back, attempt, now).has_value());
      }
    } else if (choice == 15 && random() % 8 == 0) {
      bool here = table.clear(key, now);
      auto there = script.ask(Step::clear, attempt_of(key, 0, false), now);
      assert_true(there.has_value());
      assert_int_equal(here, there->unlocked);
    }
  }
  assert_true(locks > 20);
}

void agrees_with_the_table(void**) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    walk({3, 60'000, 5'000, 1, 5'000, false}, seed);
    walk({2, 10'000, 1'000, 2, 8'000, false}, seed);
  }
}

void agrees_about_distinct_values(void**) {
  for (unsigned seed = 1; seed <= 3; ++seed) walk({3, 60'000, 5'000, 3, 50'000, true}, seed);
}

void lifts_and_forgets(void**) {
  server->ask({"FLUSHALL"});
  LockRule rule{1, 60'000, 5'000, 1, 5'000, true};
  Staged script(rule);
  LockKey key{{1, 2}, 3, 4, 5};
  script.ask(Step::reserve, attempt_of(key, 5, true), kStart);
  assert_true(script.ask(Step::fail, attempt_of(key, 5, true), kStart)->failure.locks);
  expect_text(server
                  ->ask({"HGET",
                         "guard:lockout:x:{"
                         "0100000000000000"
                         "0200000000000000"
                         "}.lock",
                         "account"})
                  .text(),
              "0000000000000004");
  assert_true(script.ask(Step::reserve, attempt_of(key, 6, true), kStart)->decision.verdict ==
              Verdict::locked);
  assert_true(script.ask(Step::lift, attempt_of(key, 0, false), kStart).has_value());
  assert_int_equal(server->ask({"DBSIZE"}).integer(), 1);  // the clock
  assert_true(script.ask(Step::reserve, attempt_of(key, 6, true), kStart)->decision.verdict ==
              Verdict::admitted);
}

// Above kMostExact: HyperLogLog, of which Redis's has a standard error of 0.81 %.

constexpr std::uint64_t kWindow = 40'000;
constexpr std::uint64_t kPart = kWindow / 4;

LockRule counting(std::uint64_t limit) {
  return {limit, kWindow, 5'000, 1, 5'000, true};
}

bool is_about(std::uint64_t count, std::uint64_t limit) {
  return std::abs(static_cast<double>(count) / static_cast<double>(limit) - 1) < 4 * 0.0081;
}

// Of one key.
class Values {
 public:
  explicit Values(std::uint64_t limit) : limit_(limit), script_(counting(limit)) {
    server->ask({"FLUSHALL"});
  }

  RemoteVerdict ask(Step step, std::uint64_t value, bool reserved = true) {
    LockKey key{{1, 2}, 3, 4, 5};
    auto verdict =
        script_.ask(step, attempt_of(key, guard::unit::hash_of(value), reserved), kStart + now_);
    assert_true(verdict.has_value());
    return *verdict;
  }

  Decision reserve(std::uint64_t value) { return ask(Step::reserve, value).decision; }

  bool fail(std::uint64_t value) {
    assert_true(reserve(value).verdict == Verdict::admitted);
    return ask(Step::fail, value).failure.locks;
  }

  // How many values from this one on fail before the key is locked.
  std::uint64_t until_lock(std::uint64_t first) {
    for (std::uint64_t count = 1; count <= 3 * limit_; ++count) {
      if (fail(first + count)) return count;
    }
    return 0;
  }

  // Time passes, and takes keys with it.
  void pass(std::uint64_t time) {
    now_ += time;
    for (const std::string& key : keys()) {
      const std::int64_t left =
          server->ask({"TTL", key}).integer() - static_cast<std::int64_t>(time);
      server->ask({"EXPIRE", key, std::to_string(std::max<std::int64_t>(left, 0))});
    }
  }

  static std::vector<std::string> keys() {
    std::vector<std::string> keys;
    guard::redis::Reply reply = server->ask({"KEYS", "guard:*"});
    for (std::size_t i = 0; i < reply.size(); ++i) keys.emplace_back(reply[i].text());
    return keys;
  }

 private:
  std::uint64_t limit_;
  Staged script_;
  std::uint64_t now_ = 0;
};

void counts_many_values(void**) {
  for (const std::uint64_t limit : {kMostExact + 1, std::uint64_t{500}, std::uint64_t{4000}}) {
    Values values(limit);
    for (int i = 0; i < 100; ++i) assert_false(values.fail(0));
    assert_true(is_about(values.until_lock(0) + 1, limit));
    assert_true(values.reserve(0).verdict == Verdict::locked);
    // Nothing is left of it when the lock is over.
    values.pass(5'000);
    assert_true(is_about(values.until_lock(0), limit));
  }
}

void many_values_under_way(void**) {
  Values values(100);
  for (std::uint64_t value = 0; value < 100; ++value) {
    assert_true(values.reserve(value).verdict == Verdict::admitted);
  }
  Decision full = values.reserve(100);
  assert_true(full.verdict == Verdict::full);
  assert_true(full.under_way);
  assert_true(values.reserve(7).verdict == Verdict::admitted);
  values.ask(Step::give_back, 7);
  values.ask(Step::give_back, 7);
  assert_true(values.reserve(100).verdict == Verdict::admitted);
  for (std::uint64_t value = 0; value <= 100; ++value) values.ask(Step::give_back, value);
  assert_true(Values::keys().empty());
}

// As many as Lua does not unpack at once.
void very_many_values_end_at_once(void**) {
  Values values(20'000);
  for (std::uint64_t value = 0; value < 9'000; ++value) values.reserve(value);
  values.pass(kWindow);
  assert_true(values.reserve(0).verdict == Verdict::admitted);
  values.ask(Step::give_back, 0);
  assert_true(Values::keys().empty());
}

void many_values_never_answered(void**) {
  Values values(100);
  assert_false(values.fail(1000));
  values.pass(1'000);
  for (std::uint64_t value = 0; value < 99; ++value) values.reserve(value);
  values.pass(38'000);
  Decision full = values.reserve(100);
  assert_true(full.verdict == Verdict::full);
  assert_true(full.under_way);
  // Nobody waits for them any more: they are in the way of new values alone, and lock nothing.
  constexpr std::uint64_t kLong = 100 * kWindow;
  Staged patient({100, kLong, 5'000, 1, 5'000, true});
  LockKey key{{7, 8}, 3, 4, 5};
  const auto ask = [&](Step step, std::uint64_t value, std::uint64_t now) {
    return *patient.ask(step, attempt_of(key, guard::unit::hash_of(value), true), now);
  };
  ask(Step::reserve, 1000, kStart);
  ask(Step::fail, 1000, kStart);
  for (std::uint64_t value = 0; value < 99; ++value) ask(Step::reserve, value, kStart + 1);
  const std::uint64_t later = kStart + kLong / 2;
  full = ask(Step::reserve, 100, later).decision;
  assert_true(full.verdict == Verdict::full);
  assert_false(full.under_way);
  assert_int_equal(full.retry, kLong / 2 + 1);
  for (const std::uint64_t value : {1000, 50}) {
    assert_true(ask(Step::reserve, value, later).decision.verdict == Verdict::admitted);
    assert_false(ask(Step::fail, value, later).failure.locks);
  }
  assert_true(ask(Step::reserve, 100, kStart + 1 + kLong).decision.verdict == Verdict::admitted);
}

// At least a window, at most a quarter of it longer.
void many_values_leave_the_window(void**) {
  for (const bool over : {false, true}) {
    Values values(100);
    for (std::uint64_t value = 0; value < 60; ++value) values.fail(value);
    for (std::uint64_t step = 1; step < 4; ++step) {
      values.pass(kPart);
      for (std::uint64_t value = 0; value < 5; ++value) values.fail(step * 100 + value);
    }
    values.pass(over ? 2 * kPart : kPart - 1);
    bool locked = false;
    for (std::uint64_t value = 0; value < 70 && !locked; ++value) {
      locked = values.fail(1000 + value);
    }
    assert_true(locked != over);
  }
}

void many_values_are_forgotten(void**) {
  Values values(100);
  for (std::uint64_t value = 0; value < 50; ++value) values.fail(value);
  values.reserve(1000);
  assert_false(values.ask(Step::clear, 0, false).unlocked);
  assert_int_equal(Values::keys().size(), 2);  // what is under way
  values.ask(Step::give_back, 1000);
  assert_true(Values::keys().empty());
  for (int i = 0; i < 2; ++i) {
    assert_true(is_about(values.until_lock(0), 100));
    if (i == 0) assert_true(values.ask(Step::clear, 0, false).unlocked);
  }
  values.ask(Step::lift, 0, false);
  assert_true(Values::keys().empty());
}

void strange_answers_are_none(void**) {
  using guard::redis::Fault;
  using guard::redis::Reply;
  for (Fault fault : {Fault::error, Fault::unavailable, Fault::timeout, Fault::lost}) {
    assert_false(RemoteLocks::read(Reply(fault)).has_value());
  }
  for (std::string_view text : {"return 1", "return {0, 0}", "return {9, 0, 0}",
                                "return {1, -1, 0}", "return {0, 'x', 0}", "return {}"}) {
    assert_false(RemoteLocks::read(server->ask({"EVAL", text, "0"})).has_value());
  }
}

}  // namespace

int main() {
  RedisServer own;
  server = &own;
  const CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_the_table),      cmocka_unit_test(agrees_about_distinct_values),
      cmocka_unit_test(lifts_and_forgets),          cmocka_unit_test(counts_many_values),
      cmocka_unit_test(many_values_under_way),      cmocka_unit_test(very_many_values_end_at_once),
      cmocka_unit_test(many_values_never_answered), cmocka_unit_test(many_values_leave_the_window),
      cmocka_unit_test(many_values_are_forgotten),  cmocka_unit_test(strange_answers_are_none),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
