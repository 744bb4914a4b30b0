// What a request asks of Redis, and what becomes of it: who is asked, what the mirror learns, who
// takes over when Redis is away, what is given back.
#include "rate/shared.h"

#include <deque>
#include <string>
#include <vector>

#include "fake_queue.h"
#include "unit.h"

using namespace guard::rate;
using guard::core::RemoteStore;
using guard::core::Words;
using guard::redis::Fault;
using guard::redis::Reply;
using guard::unit::answer_first;
using guard::unit::asking;
using guard::unit::expect_text;
using guard::unit::given_back;
using guard::unit::Integers;
using guard::unit::reachable;

namespace guard::redis {
class Client {};
}  // namespace guard::redis

namespace {

constexpr std::size_t kZone = 256 * 1024;
constexpr std::uint64_t kMinute = 60'000'000;
// Of gcra, whose scale is 1 where the period is a multiple of the count.
constexpr long long kInterval = 12'000'000;  // 5/minute

guard::redis::Client clients[2];

struct Stores {
  explicit Stores(bool cluster)
      : one(clients[0], "guard:", cluster), other(clients[1], "guard:", cluster) {}
  RemoteStore one, other;
};

struct Counted {
  std::vector<std::byte> memory = std::vector<std::byte>(kZone);
  MeteredPolicy metered;

  Counted(RemoteStore* store, std::initializer_list<std::string_view> words) {
    std::vector<std::string_view> all{"guard_rate_policy"};
    all.insert(all.end(), words);
    if (store != nullptr) all.emplace_back("redis=main");
    Words parsed(all);
    metered.define(parse_policy(parsed));
    if (store != nullptr) metered.share(*store);
    metered.attach(memory);
  }
  Limiter& limiter(std::size_t i = 0) { return *metered.meters[i].limiter; }
};

// One request.
struct Request {
  Ledger ledger;
  Exchange exchange;
  int resumed = 0;
  std::deque<std::vector<Asked>> windows;
  std::deque<std::vector<SharedEntry>> entries;
  std::deque<SharedAsk> asks;
  std::uint64_t now = guard::core::microseconds();

  Request() {
    asking.clear();
    given_back.clear();
    ledger.begin(false);
  }

  // Whether the mirror admits.
  bool ask(Counted& counted, std::uint64_t cost = 1, bool dry_run = false) {
    std::size_t count = counted.metered.meters.size();
    auto& asked = windows.emplace_back(count);
    for (std::size_t i = 0; i < count; ++i) {
      asked[i].meter = &counted.metered.meters[i];
      asked[i].key.hash = 77;
      asked[i].now = now;
      asked[i].cost = cost;
      asked[i].dry_run = dry_run;
      bool shared = counted.metered.shared.has_value();
      if (shared && asked[i].meter->quota.algorithm != Algorithm::gcra) {
        asked[i].ahead = counted.metered.shared->store->clock.ahead();
      }
    }
    if (counted.metered.shared) {
      entries.emplace_back(count);
      asks.emplace_back().begin(asked, entries.back().data(), {77, 1});
    }
    return ledger.ask(asked, false) == nullptr;
  }
  bool start() {
    return exchange.start(
        ledger, false, 9, [](void* self) noexcept { ++static_cast<Request*>(self)->resumed; },
        this);
  }
  bool charge() {
    exchange.finish();
    return ledger.charge(false, 9, [](const Asked&) {});
  }
  Asked& window(std::size_t policy, std::size_t i = 0) { return windows[policy][i]; }
};

long long redis_now(const RemoteStore& store) {
  return static_cast<long long>(guard::core::microseconds() + store.clock.ahead());
}

int begin(void**) {
  reachable = true;
  guard::unit::forgotten = 0;
  return 0;
}

void redis_decides(void**) {
  Stores stores(false);
  Counted a(&stores.one, {"a", "rate=5/minute"});
  Request first;
  assert_true(first.ask(a));
  assert_true(first.start());
  assert_int_equal(asking.size(), 1);
  assert_false(asking[0].group);
  assert_int_equal(asking[0].item->count, 1);
  answer_first(Integers({3 * kInterval}).reply());
  assert_int_equal(first.resumed, 1);
  assert_true(first.charge());
  assert_int_equal(first.window(0).decision.remaining, 2);
  // What others have taken is in the mirror now.
  assert_int_equal(a.limiter().peek(77, first.now, 0).remaining, 2);

  Request refused;
  assert_true(refused.ask(a));
  assert_true(refused.start());
  answer_first(Integers({-5 * kInterval - 1}).reply());
  assert_false(refused.charge());
  assert_true(refused.window(0).refuses());
  assert_in_range(refused.window(0).decision.retry, kInterval - 10, kInterval);
  assert_true(given_back.empty());

  // A flood is refused without Redis.
  Request flood;
  assert_false(flood.ask(a));
  assert_false(flood.start());
  assert_true(asking.empty());
  // What costs nothing is asked for all the same: others may have given back.
  Request free;
  assert_true(free.ask(a, 0));
  assert_true(free.start());
  answer_first(Integers({0}).reply());
  assert_true(free.charge());
  assert_int_equal(a.limiter().peek(77, free.now, 0).remaining, 5);
}

void one_question_for_all_policies(void**) {
  Stores stores(false);
  Counted a(&stores.one, {"a", "rate=5/minute"}), b(&stores.one, {"b", "rate=2/minute,9/hour"}),
      c(&stores.one, {"c", "rate=3/minute", "algorithm=fixed_window"}),
      d(&stores.one, {"d", "rate=3/minute", "algorithm=sliding_log"}),
      here(nullptr, {"e", "rate=7/day"});
  Request request;
  request.ask(a);
  request.ask(b, 1, true);
  request.ask(c);
  request.ask(d, 1, true);
  request.ask(here);
  assert_true(request.start());
  assert_int_equal(asking.size(), 1);
  assert_true(asking[0].group);
  assert_int_equal(asking[0].item->count, 5);
  std::string parts;
  for (const guard::core::CounterEntry* e = asking[0].item->first; e != nullptr; e = e->next) {
    parts += static_cast<char>('0' + e->how.part);
  }
  expect_text(parts, "01102");
  // a passes, both windows of b, c, and d does not: the policy that is only tried.
  Integers log({0, 1000, 2000, 3000});
  Integers answer({redis_now(stores.one), kInterval, 30'000'000, 400'000'000, 1});
  answer.add(log);
  answer_first(answer.reply());
  assert_true(request.charge());
  assert_int_equal(request.window(0).decision.remaining, 4);
  assert_int_equal(request.window(1, 0).decision.remaining, 1);
  assert_int_equal(request.window(2).decision.remaining, 2);
  assert_int_equal(request.window(3).decision.remaining, 0);
  assert_false(request.window(3).decision.admitted);
  assert_false(request.window(3).charged);
  assert_int_equal(here.limiter().peek(77, request.now, 0).remaining, 6);
  // The mirror knows that d is full.
  Request again;
  assert_true(again.ask(a));
  assert_false(again.ask(d));
}

void a_refusal_of_one_takes_nothing_of_others(void**) {
  Stores stores(false);
  Counted a(&stores.one, {"a", "rate=5/minute"}), b(&stores.one, {"b", "rate=5/minute"}),
      here(nullptr, {"e", "rate=7/day"});
  Request request;
  request.ask(here);
  request.ask(a);
  request.ask(b);
  request.start();
  answer_first(Integers({redis_now(stores.one), kInterval, -5 * kInterval - 1}).reply());
  assert_false(request.charge());
  assert_false(request.window(1).charged);
  assert_true(given_back.empty());
  assert_int_equal(here.limiter().peek(77, request.now, 0).remaining, 7);
  expect_text(request.ledger.strictest_refusal(false)->meter->name, "b");
}

// Between asking and charging somebody else took the last one here.
void what_redis_took_is_given_back(void**) {
  Stores stores(false);
  Counted a(&stores.one, {"a", "rate=5/minute"}),
      w(&stores.one, {"w", "rate=5/minute", "algorithm=sliding_window"}),
      l(&stores.one, {"l", "rate=5/minute", "algorithm=sliding_log"}),
      here(nullptr, {"e", "rate=1/day"});
  Request request;
  for (Counted* counted : {&a, &w, &l}) request.ask(*counted, 2);
  request.ask(here);
  request.start();
  here.limiter().take({77, 9}, request.now, 1);
  long long now = redis_now(stores.one);
  Integers log({1, 0, 0});
  Integers answer({now, 2 * kInterval, 2});
  answer.add(log);
  answer_first(answer.reply());
  assert_false(request.charge());
  assert_int_equal(given_back.size(), 3);
  for (const auto& back : given_back) {
    assert_int_equal(back.how.cost, 2);
    assert_int_equal(back.how.refund, now);
    expect_text({back.tag.data(), back.tag.size()}, "{4d000000000000000100000000000000}");
  }
  // Once.
  request.ledger.give_back(false);
  assert_int_equal(given_back.size(), 3);
  Request again;
  for (Counted* counted : {&a, &w, &l}) {
    again.ask(*counted, 0);
    assert_int_equal(again.windows.back()[0].decision.remaining, 5);
  }
}

void what_the_hot_script_took_is_given_back_as_well(void**) {
  Stores stores(false);
  Counted a(&stores.one, {"a", "rate=5/minute"});
  Request request;
  request.ask(a);
  request.start();
  answer_first(Integers({kInterval}).reply());
  assert_true(request.charge());
  request.ledger.give_back(false);
  assert_int_equal(given_back.size(), 1);
  assert_true(given_back[0].how.refund != 0);
  assert_int_equal(a.limiter().peek(77, request.now, 0).remaining, 5);
}

// Each on its own in a cluster, and where two policies count in two servers.
void several_servers(void**) {
  for (bool cluster : {true, false}) {
    Stores stores(cluster);
    Counted a(&stores.one, {"a", "rate=5/minute"}),
        b(cluster ? &stores.one : &stores.other, {"b", "rate=5/minute"});
    Request request;
    request.ask(a);
    request.ask(b);
    assert_true(request.start());
    assert_int_equal(asking.size(), 2);
    answer_first(Integers({kInterval}).reply());
    assert_int_equal(request.resumed, 0);
    assert_true(request.exchange.waiting());
    answer_first(Integers({-5 * kInterval - 1}).reply());
    assert_int_equal(request.resumed, 1);
    assert_false(request.charge());
    assert_int_equal(given_back.size(), 1);
  }
}

void when_redis_is_away(void**) {
  for (std::string_view on_error : {"on_error=local", "on_error=open", "on_error=closed"}) {
    for (int how = 0; how < 6; ++how) {
      Stores stores(false);
      Counted a(&stores.one, {"a", "rate=5/minute", on_error}), here(nullptr, {"e", "rate=7/day"});
      // The mirror has heard of two.
      Request before;
      before.ask(a);
      before.start();
      answer_first(Integers({2 * kInterval}).reply());
      assert_true(before.charge());

      Request request;
      request.ask(a);
      request.ask(here);
      reachable = how != 0;
      assert_int_equal(request.start(), how != 0);
      constexpr Fault kFaults[] = {Fault::unavailable, Fault::overflow, Fault::timeout,
                                   Fault::lost};
      if (how == 5) {
        answer_first(Integers({-17, 5, 5, 5}).reply().ok() ? Integers({}).reply()
                                                           : Reply(Fault::lost));
      } else if (how != 0) {
        answer_first(Reply(kFaults[how - 1]));
      }
      assert_int_equal(request.resumed, how != 0);
      reachable = true;
      const Asked* closed = request.ledger.closed(false, false);
      if (on_error == "on_error=closed") {
        assert_ptr_equal(closed, &request.window(0));
        assert_null(request.ledger.closed(false, true));
        assert_null(request.ledger.closed(true, false));
        assert_true(request.window(0).unknown);
        continue;
      }
      assert_null(closed);
      assert_true(request.charge());
      assert_int_equal(here.limiter().peek(77, request.now, 0).remaining, 6);
      bool local = on_error == "on_error=local";
      assert_int_equal(a.limiter().peek(77, request.now, 0).remaining, local ? 2 : 3);
      assert_int_equal(request.window(0).unknown, !local);
      expect_text(request.ledger.strictest()->meter->name, local ? "a" : "e");
      // What the mirror has counted is given back to it alone.
      request.ledger.give_back(false);
      assert_true(given_back.empty());
      assert_int_equal(a.limiter().peek(77, request.now, 0).remaining, 3);
    }
  }
}

// on_error=local counts on with every algorithm where Redis left off.
void the_mirror_counts_on(void**) {
  for (std::string_view algorithm : {"algorithm=gcra", "algorithm=sliding_window",
                                     "algorithm=sliding_log", "algorithm=fixed_window"}) {
    Stores stores(false);
    // Redis's clock is nowhere near ours.
    stores.one.clock.assume(0, 1'000'000'000'000'000);
    Counted a(&stores.one, {"a", "rate=5/day", algorithm});
    Request before;
    before.ask(a);
    before.start();
    bool hot = !asking[0].group;
    Integers log({1, 5000, 4000, 0});
    Integers answer(hot ? std::vector<long long>{3 * 17'280'000'000}
                        : std::vector<long long>{redis_now(stores.one)});
    if (algorithm == "algorithm=sliding_log") {
      answer.add(log);
    } else if (!hot) {
      answer.add(3);
    }
    answer_first(answer.reply());
    assert_true(before.charge());
    assert_int_equal(before.window(0).decision.remaining, 2);
    reachable = false;
    for (int i = 0; i < 3; ++i) {
      Request request;
      assert_int_equal(request.ask(a), i < 2);
      if (i == 2) break;
      assert_false(request.start());
      assert_true(request.charge());
      assert_int_equal(request.window(0).decision.remaining, 1 - i);
    }
    reachable = true;
  }
}

void redis_s_clock_is_followed(void**) {
  Stores stores(false);
  for (long long hours : {-1000, 0, 1000}) {
    Counted w(&stores.one, {"w", "rate=5/minute", "algorithm=fixed_window"});
    Request request;
    request.ask(w);
    request.start();
    long long now =
        static_cast<long long>(guard::core::wall_microseconds()) + hours * 3'600'000'000;
    answer_first(Integers({now, 5}).reply());
    assert_true(request.charge());
    long long told = redis_now(stores.one) - now;
    assert_in_range(told, 0, 1'000'000);
    Request flood;
    assert_false(flood.ask(w));
  }
}

void who_goes_away_is_not_resumed(void**) {
  Stores stores(true);
  Counted a(&stores.one, {"a", "rate=5/minute"}), b(&stores.one, {"b", "rate=5/minute"});
  Request request;
  request.ask(a);
  request.ask(b);
  request.start();
  answer_first(Integers({kInterval}).reply());
  request.exchange.abandon();
  assert_true(asking.empty());
  assert_int_equal(guard::unit::forgotten, 1);
  assert_false(request.exchange.waiting());
  assert_false(request.exchange.started());
  request.exchange.abandon();
  assert_int_equal(guard::unit::forgotten, 1);
  assert_int_equal(request.resumed, 0);
}

// The policies of a location to which the request was redirected meanwhile.
void a_later_pass_asks_only_for_its_own(void**) {
  Stores stores(false);
  Counted a(&stores.one, {"a", "rate=5/minute"}), b(&stores.one, {"b", "rate=5/minute"});
  Request request;
  request.ask(a);
  request.start();
  answer_first(Integers({kInterval}).reply());
  assert_true(request.charge());
  request.ledger.begin(false);
  request.ask(b);
  assert_true(request.start());
  assert_int_equal(asking[0].item->count, 1);
  answer_first(Integers({-5 * kInterval - 1}).reply());
  assert_false(request.charge());
  assert_true(given_back.empty());
}

void wrong_numbers_harm_nobody(void**) {
  Stores stores(false);
  for (std::string_view algorithm : {"algorithm=sliding_window", "algorithm=fixed_window"}) {
    Counted w(&stores.one, {"w", "rate=5/minute", algorithm});
    Request request;
    request.ask(w);
    request.start();
    answer_first(Integers({redis_now(stores.one), -(1LL << 40)}).reply());
    assert_false(request.charge());
    assert_in_range(request.window(0).decision.retry, 1, 2 * kMinute);
  }
  Counted l(&stores.one, {"l", "rate=2/minute", "algorithm=sliding_log"});
  Request request;
  request.ask(l);
  request.start();
  // More than there can be, from before time began and from after.
  Integers log({0, 1LL << 62, -(1LL << 62), 5, 6, 7});
  Integers answer({redis_now(stores.one)});
  answer.add(log);
  answer_first(answer.reply());
  assert_false(request.charge());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(redis_decides, begin),
      cmocka_unit_test_setup(one_question_for_all_policies, begin),
      cmocka_unit_test_setup(a_refusal_of_one_takes_nothing_of_others, begin),
      cmocka_unit_test_setup(what_redis_took_is_given_back, begin),
      cmocka_unit_test_setup(what_the_hot_script_took_is_given_back_as_well, begin),
      cmocka_unit_test_setup(several_servers, begin),
      cmocka_unit_test_setup(when_redis_is_away, begin),
      cmocka_unit_test_setup(the_mirror_counts_on, begin),
      cmocka_unit_test_setup(redis_s_clock_is_followed, begin),
      cmocka_unit_test_setup(who_goes_away_is_not_resumed, begin),
      cmocka_unit_test_setup(a_later_pass_asks_only_for_its_own, begin),
      cmocka_unit_test_setup(wrong_numbers_harm_nobody, begin),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
