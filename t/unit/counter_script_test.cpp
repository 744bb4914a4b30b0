// The scripts against the C++ arithmetic that they repeat, in a real redis-server.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <vector>

#include "core/counter_script.h"
#include "core/fixed_window.h"
#include "core/gcra.h"
#include "core/sliding_log.h"
#include "core/sliding_window.h"
#include "redis/failures.h"
#include "redis_server.h"

using namespace guard::core;
using guard::redis::Output;
using guard::redis::Reply;
using guard::unit::expect_error;
using guard::unit::expect_text;
using guard::unit::RedisServer;

namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;

RedisServer* server;

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
    ++found;
  }
  assert_true(found > 0);
  return text;
}

// The script with a clock that the test sets, and with lives of as many seconds as it would have
// milliseconds: so a test that is slower than its own clock finds what it would find.
class Staged {
 public:
  explicit Staged(const CounterScript& script)
      : text_(replaced(replaced(std::string(script.text()), "redis.call('TIME')",
                                "redis.call('HMGET', 'clock', 's', 'u')"),
                       "'PX'", "'EX'")),
        script_(text_) {}

  void begin(Output& out, std::size_t keys, std::size_t arguments) const {
    script_.begin(out, true, keys, arguments);
  }
  static void set_clock(std::uint64_t now) {
    server->ask(
        {"HSET", "clock", "s", std::to_string(now / kSecond), "u", std::to_string(now % kSecond)});
  }

 private:
  std::string text_;
  CounterScript script_;
};

CounterTag tag(std::uint64_t n) {
  CounterTag tag{};
  char text[48];
  std::snprintf(text, sizeof(text), "{%032llx}", static_cast<unsigned long long>(n));
  std::copy_n(text, tag.size(), tag.begin());
  return tag;
}

std::string key_of(std::string_view name, std::uint64_t n, std::string_view suffix = "") {
  CounterTag t = tag(n);
  return std::string(name) + std::string(t.data(), t.size()) + std::string(suffix);
}

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) {
  return (a + b - 1) / b;
}

// A counter with the C++ arithmetic beside it.
struct Counter {
  CounterKind kind;
  std::uint64_t count, period, burst;
  std::string name;
  Gcra gcra{count, period, burst};
  SlidingWindow sliding{count, period};
  FixedWindow fixed{count, period};
  SlidingLog log{std::min<std::uint64_t>(count, SlidingLog::kMaxCount), period};
  RemoteCounter remote{kind, {count, period}, burst, "guard:" + name + ":", ".w"};

  bool is_window() const {
    return kind == CounterKind::sliding_window || kind == CounterKind::fixed_window;
  }
  std::uint64_t capacity() const { return kind == CounterKind::gcra ? burst : count; }
};

// What the script must know of one key.
struct Key {
  std::uint64_t state = 0;
  std::vector<std::uint64_t> stamps = std::vector<std::uint64_t>(SlidingLog::kMaxCount);
};

// The clock of the model begins here, that of the script at Model::base.
constexpr std::uint64_t kStart = 2 * kDay;

struct Model {
  std::uint64_t base = 0;
  std::uint64_t now = kStart;

  // Redis's.
  std::uint64_t clock() const { return base + now - kStart; }
  static std::uint64_t phase(const Counter& counter, std::uint64_t key) {
    return counter.is_window() ? counter.sliding.clock().phase_of(key * 0x9e3779b97f4a7c15) : 0;
  }

  bool passes(const Counter& c, std::uint64_t id, const Key& key, std::uint64_t cost) const {
    switch (c.kind) {
      case CounterKind::gcra:
        return c.gcra.decide(key.state, now, cost).admitted;
      case CounterKind::sliding_window:
        return c.sliding.decide(key.state, clock(), phase(c, id), cost).admitted;
      case CounterKind::fixed_window:
        return c.fixed.decide(key.state, clock(), phase(c, id), cost).admitted;
      case CounterKind::sliding_log:
      case CounterKind::lockout:
        break;
    }
    return c.log.peek(key.stamps, clock(), cost).admitted;
  }

  void take(const Counter& c, std::uint64_t id, Key& key, std::uint64_t cost) const {
    switch (c.kind) {
      case CounterKind::gcra:
        key.state = c.gcra.decide(key.state, now, cost).state;
        break;
      case CounterKind::sliding_window:
        key.state = c.sliding.decide(key.state, clock(), phase(c, id), cost).state;
        break;
      case CounterKind::fixed_window:
        key.state = c.fixed.decide(key.state, clock(), phase(c, id), cost).state;
        break;
      case CounterKind::sliding_log:
        c.log.take(key.stamps, clock(), cost);
        break;
      case CounterKind::lockout:
        break;
    }
  }

  void refund(const Counter& c, std::uint64_t id, Key& key, std::uint64_t cost,
              std::uint64_t taken) const {
    if (c.kind == CounterKind::gcra) {
      key.state = c.gcra.give_back(key.state, cost);
    } else if (c.kind == CounterKind::sliding_log) {
      c.log.give_back(key.stamps, taken, cost);
    } else {
      key.state = c.fixed.give_back(key.state, taken, phase(c, id), cost);
    }
  }

  void expect_counts(const Counter& c, std::uint64_t id, const Key& key,
                     const RemoteAnswer& answer) const {
    if (c.kind == CounterKind::gcra) {
      std::uint64_t start = c.gcra.units(now);
      assert_int_equal(answer.level, key.state > start ? key.state - start : 0);
    } else if (c.kind == CounterKind::sliding_log) {
      std::vector<std::uint64_t> expected, told;
      for (std::uint64_t stamp : key.stamps) {
        if (c.log.lives(stamp, clock())) expected.push_back(clock() - stamp);
      }
      for (std::size_t i = 0; i < answer.size; ++i) {
        told.push_back(static_cast<std::uint64_t>(answer.age(i)));
      }
      std::sort(expected.begin(), expected.end());
      std::sort(told.begin(), told.end());
      assert_true(expected == told);
    } else {
      WindowCounts counts = c.sliding.clock().at(key.state, clock(), phase(c, id));
      bool sliding = c.kind == CounterKind::sliding_window;
      if (sliding) assert_int_equal(answer.previous, counts.previous);
      assert_int_equal(answer.current, counts.current);
    }
  }

  // Whole milliseconds from now until the state is worth nothing; 0: it is not worth anything.
  std::uint64_t life(const Counter& c, std::uint64_t id, const Key& key) const {
    if (c.kind == CounterKind::gcra) {
      std::uint64_t start = c.gcra.units(now);
      return key.state > start ? ceil_div(key.state - start, c.gcra.scale() * 1000) : 0;
    }
    if (c.kind == CounterKind::sliding_log) {
      std::uint64_t newest = *std::max_element(key.stamps.begin(), key.stamps.end());
      return c.log.lives(newest, clock()) ? ceil_div(newest + c.period - clock(), 1000) : 0;
    }
    WindowCounts counts = c.sliding.clock().at(key.state, clock(), phase(c, id));
    std::uint64_t left = c.period / 1000 - counts.elapsed;
    bool sliding = c.kind == CounterKind::sliding_window;
    if (counts.current != 0) return sliding ? left + c.period / 1000 : left;
    return sliding && counts.previous != 0 ? left : 0;
  }

  // A call of the script has just left this state in Redis.
  void expect_life(const Counter& c, std::uint64_t id, const Key& key) const {
    std::uint64_t expected = life(c, id, key);
    std::int64_t left = server->ask({"PTTL", key_of("guard:" + c.name + ":", id, ".w")}).integer();
    if (expected == 0) {
      assert_int_equal(left, -2);
      return;
    }
    assert_true(left > 0);
    // In the staged script's seconds; the machine may have been slow.
    std::uint64_t seconds = ceil_div(static_cast<std::uint64_t>(left), 1000);
    assert_true(seconds <= expected + 2 && seconds + 3 >= expected + 2);
  }
};

std::uint64_t some_cost(std::mt19937_64& random, const Counter& counter) {
  if (random() % 16 == 0) return 10'000'000'000;
  if (random() % 8 == 0) return random() % (counter.capacity() + 3);
  return random() % (std::min<std::uint64_t>(counter.capacity(), 3) + 1);
}

void gcra_agrees(void**) {
  const Counter counters[] = {{CounterKind::gcra, 5, kMinute, 5, "a"},
                              {CounterKind::gcra, 100, kMinute, 20, "b"},
                              {CounterKind::gcra, 7, kSecond, 7, "c"},
                              {CounterKind::gcra, 1, kDay, 1, "d"},
                              {CounterKind::gcra, 16381, kDay, 16381, "e"},
                              {CounterKind::gcra, 999'983, kDay, 1'000'000, "f"},
                              {CounterKind::gcra, 1000, kSecond, 50, "g"},
                              {CounterKind::gcra, 1'000'000, kSecond, 3, "h"},
                              {CounterKind::gcra, 1, kDay, 1'000, "i"},
                              {CounterKind::gcra, 3, kHour, 1, "j"}};
  std::mt19937_64 random(1);
  Staged script(CounterScript::gcra());
  for (const Counter& counter : counters) {
    std::uint64_t seconds = RemoteCounter::kRound / kSecond / counter.gcra.scale();
    std::uint64_t rounds = seconds > 1'700'000'000 ? 1 : 1'700'000'000 / seconds;
    Model model;
    model.base = rounds * seconds * kSecond - counter.period;  // the clock's round is soon over
    Key keys[5];
    for (int i = 0; i < 1000; ++i) {
      if (random() % 4 != 0) model.now += random() % (2 * counter.period / counter.count + 2);
      if (random() % 50 == 0) model.now += random() % (counter.period + 1);
      Staged::set_clock(model.clock());
      std::vector<std::uint64_t> ids, costs;
      for (std::uint64_t id = 0; id < 5; ++id) {
        if (random() % 3 == 0) continue;
        ids.push_back(id);
        costs.push_back(some_cost(random, counter));
      }
      // Those of 1 need not be said.
      bool said = random() % 3 != 0;
      if (!said) std::ranges::fill(costs, 1);
      Output out;
      script.begin(out, ids.size(), RemoteCounter::kQuotaWords + (said ? ids.size() : 0));
      for (std::uint64_t id : ids) counter.remote.put_key(out, tag(id));
      counter.remote.put_quota(out);
      for (std::uint64_t cost : costs) {
        if (said) counter.remote.put_cost(out, cost);
      }
      Reply reply = server->ask(out);
      assert_int_equal(reply.size(), ids.size());
      std::vector<std::size_t> taken;
      for (std::size_t k = 0; k < ids.size(); ++k) {
        auto answer = read_gcra_answer(reply, k);
        assert_true(answer.has_value());
        Key& key = keys[ids[k]];
        std::uint64_t cost = std::min(costs[k], counter.burst + 1);
        Gcra::Decision expected = counter.gcra.decide(key.state, model.now, cost);
        key.state = expected.state;
        assert_int_equal(answer->admitted, expected.admitted);
        model.expect_counts(counter, ids[k], key, *answer);
        // It says enough to tell the client all.
        std::uint64_t state = counter.gcra.units(model.now) + answer->level;
        Gcra::Decision told = counter.gcra.decide(state, model.now, answer->admitted ? 0 : cost);
        assert_int_equal(told.remaining, expected.remaining);
        assert_int_equal(told.reset, expected.reset);
        assert_int_equal(told.retry, expected.retry);
        if (expected.admitted && cost != 0) taken.push_back(k);
      }
      if (i % 8 == 0 && !taken.empty()) {
        std::uint64_t id = ids[taken.back()];
        model.expect_life(counter, id, keys[id]);
      }
    }
    assert_true(model.clock() / kSecond > rounds * seconds);
  }
}

struct Asked {
  const Counter* counter;
  std::uint64_t id;
  RemoteCounter::Entry entry;
  std::uint64_t model_now = 0;
};

// Random groups of random entries, some of which give back what an earlier one took.
void groups_agree(void**) {
  const Counter counters[] = {{CounterKind::gcra, 5, kMinute, 5, "ga"},
                              {CounterKind::gcra, 999'983, kDay, 200'000, "gb"},
                              {CounterKind::sliding_window, 5, kMinute, 5, "sa"},
                              {CounterKind::sliding_window, 1'000'000, kSecond, 1, "sb"},
                              {CounterKind::sliding_window, 7, kDay, 1, "sc"},
                              {CounterKind::fixed_window, 3, kHour, 1, "fa"},
                              {CounterKind::fixed_window, 100, kSecond, 1, "fb"},
                              {CounterKind::sliding_log, 5, kMinute, 1, "la"},
                              {CounterKind::sliding_log, 64, kSecond, 1, "lb"},
                              {CounterKind::sliding_log, 1, kHour, 1, "lc"}};
  constexpr std::uint64_t kKeys = 3;
  std::mt19937_64 random(2);
  Staged script(CounterScript::group());
  Model model;
  model.base = 1'700'000'000 * kSecond;
  std::map<const Counter*, std::array<Key, kKeys>> states;
  std::vector<Asked> taken;
  std::uint64_t admitted = 0, refused = 0, withheld = 0, refunds = 0;
  for (int i = 0; i < 12000; ++i) {
    std::uint64_t spread = random() % 3 == 0 ? 30 * kSecond : kSecond / 2;
    if (random() % 200 == 0) spread = kDay;
    if (random() % 8 != 0) model.now += random() % spread;
    Staged::set_clock(model.clock());

    std::vector<std::vector<Asked>> groups(1 + random() % 3);
    std::size_t entries = 0;
    for (auto& group : groups) {
      bool refunding = !taken.empty() && random() % 4 == 0;
      for (std::uint64_t n = 1 + random() % 4; n > 0; --n) {
        Asked asked{&counters[random() % std::size(counters)], random() % kKeys, {}};
        if (refunding && !taken.empty()) {
          std::size_t which = random() % taken.size();
          asked = taken[which];
          taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(which));
        }
        bool again = std::any_of(group.begin(), group.end(), [&](const Asked& other) {
          return other.counter == asked.counter && other.id == asked.id;
        });
        if (again) continue;
        if (asked.entry.refund == 0) {
          asked.entry.cost = some_cost(random, *asked.counter);
          asked.entry.part = static_cast<std::uint8_t>(random() % 2 == 0 ? 0 : random() % 3);
          asked.entry.phase = Model::phase(*asked.counter, asked.id);
        }
        group.push_back(asked);
      }
      entries += group.size();
    }

    Output out;
    script.begin(out, entries, groups.size() + entries * RemoteCounter::kEntryWords);
    for (const auto& group : groups) {
      for (const Asked& asked : group) asked.counter->remote.put_key(out, tag(asked.id));
    }
    for (const auto& group : groups) {
      out.bulk(static_cast<std::uint64_t>(group.size()));
      for (const Asked& asked : group) asked.counter->remote.put_entry(out, asked.entry);
    }
    Reply reply = server->ask(out);
    expect_text(reply.text(), "");
    assert_int_equal(reply.size(), entries + 1);

    std::size_t at = 0;
    std::map<const Counter*, std::uint64_t> written;
    for (const auto& group : groups) {
      std::array<bool, 10> refuses{};
      for (const Asked& asked : group) {
        const Key& key = states[asked.counter][asked.id];
        bool passes = model.passes(*asked.counter, asked.id, key, asked.entry.cost);
        if (asked.entry.refund == 0 && !passes) refuses[asked.entry.part] = true;
      }
      for (const Asked& asked : group) {
        const Counter& counter = *asked.counter;
        Key& key = states[&counter][asked.id];
        auto answer = read_group_answer(counter.kind, reply, at++);
        assert_true(answer.has_value());
        assert_int_equal(answer->now, model.clock());
        bool writes = asked.entry.cost != 0;
        if (asked.entry.refund != 0) {
          model.refund(counter, asked.id, key, asked.entry.cost, asked.entry.refund);
          ++refunds;
        } else {
          bool passes = model.passes(counter, asked.id, key, asked.entry.cost);
          assert_int_equal(answer->admitted, passes);
          writes = writes && passes && !refuses[0] && !refuses[asked.entry.part];
          if (writes) {
            model.take(counter, asked.id, key, asked.entry.cost);
            Asked back = asked;
            back.entry.refund = model.clock();
            taken.push_back(back);
            if (taken.size() > 8) taken.erase(taken.begin());
          }
          ++(writes ? admitted : passes ? withheld : refused);
        }
        model.expect_counts(counter, asked.id, key, *answer);
        // A refund that finds nothing to give back leaves a key to its old life.
        if (writes && asked.entry.refund == 0) written[&counter] = asked.id;
      }
    }
    for (auto [counter, id] : written) model.expect_life(*counter, id, states[counter][id]);
  }
  assert_true(admitted > 5000 && refused > 2000 && withheld > 1000 && refunds > 1000);
}

Reply ask_gcra(const RemoteCounter& counter, bool in_full, std::uint64_t id, std::uint64_t cost) {
  Output out;
  CounterScript::gcra().begin(out, in_full, 1, RemoteCounter::kQuotaWords + 1);
  counter.put_key(out, tag(id));
  counter.put_quota(out);
  counter.put_cost(out, cost);
  return server->ask(out);
}

RemoteAnswer ask_group(const RemoteCounter& counter, std::uint64_t id,
                       const RemoteCounter::Entry& entry) {
  Output out;
  CounterScript::group().begin(out, true, 1, 1 + RemoteCounter::kEntryWords);
  counter.put_key(out, tag(id));
  out.bulk(std::uint64_t{1});
  counter.put_entry(out, entry);
  auto answer = read_group_answer(counter.kind(), server->ask(out), 0);
  assert_true(answer.has_value());
  return *answer;
}

void redis_knows_the_scripts_by_our_names(void**) {
  server->ask({"SCRIPT", "FLUSH"});
  server->ask({"FLUSHALL"});
  RemoteCounter counter(CounterKind::gcra, {2, kHour}, 2, "guard:p:", "");
  assert_true(is_unknown_script(ask_gcra(counter, false, 1, 1)));
  assert_true(read_gcra_answer(ask_gcra(counter, true, 1, 1), 0)->admitted);
  assert_true(read_gcra_answer(ask_gcra(counter, false, 1, 1), 0)->admitted);
  assert_false(read_gcra_answer(ask_gcra(counter, false, 1, 1), 0)->admitted);
  Reply other = server->ask({"EVALSHA", "?", "0"});
  assert_true(is_unknown_script(other));
  assert_false(is_unknown_script(server->ask({"EVAL", "return redis.error_reply('OOM')", "0"})));
  assert_false(is_unknown_script(server->ask({"PING"})));
}

// On the real clock: a key is there exactly as long as it says something.
void keys_live_as_long_as_they_matter(void**) {
  struct {
    CounterKind kind;
    std::uint64_t count, period, life;  // milliseconds, after one request
  } const cases[] = {{CounterKind::gcra, 10, 10 * kSecond, 1000},
                     {CounterKind::sliding_log, 3, kSecond, 1000},
                     {CounterKind::sliding_window, 3, kDay, 0},
                     {CounterKind::fixed_window, 3, kDay, 0}};
  for (const auto& c : cases) {
    server->ask({"FLUSHALL"});
    RemoteCounter counter(c.kind, {c.count, c.period}, c.count, "guard:p:", ".w");
    RemoteAnswer answer = ask_group(counter, 7, {});
    std::string key = key_of("guard:p:", 7, ".w");
    auto left = static_cast<std::uint64_t>(server->ask({"PTTL", key}).integer());
    std::uint64_t day = kDay / 1000;
    std::uint64_t rest = day - answer.now / 1000 % day;
    std::uint64_t life = c.life;
    if (c.kind == CounterKind::fixed_window) life = rest;
    if (c.kind == CounterKind::sliding_window) life = rest + day;
    assert_in_range(left, life > 1000 ? life - 1000 : 1, life + 2);
    if (c.life == 0) continue;
    usleep(static_cast<useconds_t>(life + 3) * 1000);
    assert_int_equal(server->ask({"EXISTS", key}).integer(), 0);
  }
}

void what_is_given_back_leaves_nothing_behind(void**) {
  for (auto kind : {CounterKind::gcra, CounterKind::sliding_log, CounterKind::sliding_window,
                    CounterKind::fixed_window}) {
    server->ask({"FLUSHALL"});
    RemoteCounter counter(kind, {5, kDay}, 5, "guard:p:", "");
    RemoteCounter::Entry entry{.cost = 3};
    entry.refund = ask_group(counter, 1, entry).now;
    assert_int_equal(server->ask({"DBSIZE"}).integer(), 1);
    // A window may have ended in between, but then its counts are worth less.
    ask_group(counter, 1, entry);
    assert_int_equal(server->ask({"DBSIZE"}).integer(), 0);
    ask_group(counter, 1, entry);
    assert_int_equal(server->ask({"DBSIZE"}).integer(), 0);
  }
}

// A failover to a server whose clock is behind.
void a_clock_that_is_set_back_forgets_nothing(void**) {
  Staged script(CounterScript::group());
  for (auto kind : {CounterKind::gcra, CounterKind::sliding_log, CounterKind::sliding_window,
                    CounterKind::fixed_window}) {
    server->ask({"FLUSHALL"});
    RemoteCounter counter(kind, {5, kMinute}, 5, "guard:p:", "");
    std::uint64_t start = 1'700'000'000 * kSecond / kMinute * kMinute;
    auto ask = [&](std::uint64_t now) {
      Staged::set_clock(now);
      Output out;
      script.begin(out, 1, 1 + RemoteCounter::kEntryWords);
      counter.put_key(out, tag(1));
      out.bulk(std::uint64_t{1});
      counter.put_entry(out, {.cost = 2});
      auto answer = read_group_answer(kind, server->ask(out), 0);
      assert_true(answer.has_value());
      return *answer;
    };
    assert_true(ask(start).admitted);
    assert_true(ask(start).admitted);
    RemoteAnswer answer = ask(start - 10 * kSecond);
    assert_false(answer.admitted);
    if (kind != CounterKind::sliding_log) continue;
    assert_int_equal(answer.size, 4);
    assert_int_equal(answer.age(0), -10 * static_cast<std::int64_t>(kSecond));
  }
}

void other_answers_are_none(void**) {
  auto reply = [](const char* lua) { return server->ask({"EVAL", lua, "0"}); };
  const char* const bad[] = {"return 1",
                             "return 'x'",
                             "return {}",
                             "return {'1','x'}",
                             "return {1,{}}",
                             "return {1,'5'}",
                             "return {1,{1,'x'}}",
                             "return {0,0}",
                             "return {-5,0}",
                             "return {1,9007199254740992}",
                             "return {1,-9223372036854775808}",
                             "return redis.error_reply('ERR x')",
                             "return {{1},{{}}}"};
  for (const char* lua : bad) {
    Reply said = reply(lua);
    for (auto kind : {CounterKind::gcra, CounterKind::sliding_log, CounterKind::sliding_window,
                      CounterKind::fixed_window}) {
      assert_false(read_group_answer(kind, said, 0).has_value());
      assert_false(read_group_answer(kind, said, 7).has_value());
    }
    assert_false(read_gcra_answer(said, 7).has_value());
  }
  assert_false(read_group_answer(CounterKind::fixed_window, reply("return {1, 1099511627776}"), 0)
                   .has_value());
  std::string many = "local t = {1} for i = 1, 65 do t[#t + 1] = 1 end return {1, t}";
  assert_false(read_group_answer(CounterKind::sliding_log, reply(many.c_str()), 0).has_value());
  assert_false(read_gcra_answer(Reply(guard::redis::Fault::timeout), 0).has_value());
}

void a_burst_beyond_counting_is_refused(void**) {
  auto made = [](std::uint64_t count, std::uint64_t period, std::uint64_t burst) {
    RemoteCounter(CounterKind::gcra, {count, period}, burst, "guard:p:", "");
  };
  made(999'983, kDay, 2'000'000);
  expect_error([&] { made(999'983, kDay, 3'000'000); },
               "\"burst=3000000\" takes more than 2 days to come back, which Redis cannot count");
  made(1, kDay, 30'000);
  expect_error([&] { made(1, kDay, 40'000); },
               "\"burst=40000\" takes more than 34722 days to come back, which Redis cannot count");
}

}  // namespace

int main() {
  RedisServer started;
  server = &started;
  const CMUnitTest tests[] = {
      cmocka_unit_test(gcra_agrees),
      cmocka_unit_test(groups_agree),
      cmocka_unit_test(redis_knows_the_scripts_by_our_names),
      cmocka_unit_test(keys_live_as_long_as_they_matter),
      cmocka_unit_test(what_is_given_back_leaves_nothing_behind),
      cmocka_unit_test(a_clock_that_is_set_back_forgets_nothing),
      cmocka_unit_test(other_answers_are_none),
      cmocka_unit_test(a_burst_beyond_counting_is_refused),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
