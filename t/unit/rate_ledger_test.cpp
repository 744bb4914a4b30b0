#include "rate/ledger.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "metered.h"

using namespace guard::rate;
using guard::core::Words;
using guard::unit::expect_text;
using guard::unit::kNow;
using guard::unit::kZone;
using guard::unit::Metered;
using guard::unit::Questions;

namespace {

const Asked* ask(Ledger& ledger, Questions& questions, bool alone = false) {
  return ledger.ask(questions.asked, alone);
}

bool charge(Ledger& ledger, bool inner = false) {
  return ledger.charge(inner, 7, [](const Asked&) {});
}

void charges_every_policy(void**) {
  Metered a("a", "5/minute"), b("b", "3/minute");
  Questions first(a), second(b);
  Ledger ledger;
  assert_true(ledger.empty());
  ledger.begin(false);
  ask(ledger, first);
  ask(ledger, second);
  assert_int_equal(a.remaining(), 5);
  assert_null(ledger.strictest_refusal(false));
  assert_true(charge(ledger));
  assert_int_equal(a.remaining(), 4);
  assert_int_equal(b.remaining(), 2);
  expect_text(ledger.strictest()->meter->name, "b");
  assert_int_equal(ledger.strictest()->decision.remaining, 2);
}

void names_all_that_refuse(void**) {
  Metered a("a", "5/minute"), b("b", "3/minute"), c("c", "1/hour");
  b.drain(3);
  c.drain(1);
  Questions asks[] = {Questions(a), Questions(b), Questions(c)};
  Ledger ledger;
  ledger.begin(false);
  for (Questions& questions : asks) ask(ledger, questions);
  std::string names;
  ledger.each_refusal(false, [&](const Asked& ask) { names += ask.meter->name; });
  expect_text(names, "bc");
  expect_text(ledger.strictest_refusal(false)->meter->name, "c");
  expect_text(ledger.strictest()->meter->name, "c");
  assert_null(ledger.strictest_refusal(true));
}

// Between asking and charging somebody else may have taken the last one.
void a_lost_race_takes_nothing(void**) {
  Metered a("a", "5/minute"), b("b", "1/minute");
  Questions first(a), second(b);
  Ledger ledger;
  ledger.begin(false);
  ask(ledger, first);
  ask(ledger, second);
  b.drain(1);
  assert_false(charge(ledger));
  assert_int_equal(a.remaining(), 5);
  expect_text(ledger.strictest_refusal(false)->meter->name, "b");
}

// One policy alone is not looked at twice: its answer comes with the charge.
void a_policy_alone_answers_when_it_is_charged(void**) {
  Metered a("a", "1/minute");
  Questions first(a), second(a);
  Ledger one, two;
  one.begin(false);
  ask(one, first, true);
  assert_false(first.asked[0].refuses());
  assert_true(charge(one));
  two.begin(false);
  ask(two, second, true);
  assert_false(second.asked[0].refuses());
  assert_false(charge(two));
  assert_true(second.asked[0].refuses());
  expect_text(two.strictest_refusal(false)->meter->name, "a");
}

// While Redis is away, a policy that lets all pass or none does not go by what was counted here.
void a_window_that_somebody_decided_is_not_looked_at(void**) {
  for (SharedEntry::State state : {SharedEntry::State::open, SharedEntry::State::closed}) {
    Metered a("a", "1/minute"), b("b", "5/minute");
    a.drain(1);
    Questions decided(a), other(b);
    SharedEntry entry;
    entry.state = state;
    decided.asked[0].shared = &entry;
    decided.asked[0].unknown = true;
    Ledger ledger;
    ledger.begin(false);
    assert_null(ask(ledger, decided));
    assert_null(ask(ledger, other));
    assert_null(ledger.strictest_refusal(false));
    expect_text(ledger.strictest()->meter->name, "b");
  }
}

void a_dry_run_refuses_nothing_and_is_not_told(void**) {
  Metered a("a", "5/minute"), b("b", "1/minute");
  b.drain(1);
  Questions first(a), second(b, true);
  Ledger ledger;
  ledger.begin(false);
  ask(ledger, first);
  ask(ledger, second);
  assert_false(second.asked[0].decision.admitted);
  assert_false(second.asked[0].refuses());
  assert_true(charge(ledger));
  assert_int_equal(a.remaining(), 4);
  expect_text(ledger.strictest()->meter->name, "a");
}

void all_windows_are_charged_or_none(void**) {
  Metered a("a", "5/minute,7/hour");
  assert_int_equal(a.policy.meters.size(), 2);
  Questions first(a), second(a), third(a);
  Ledger one, two, three;
  one.begin(false);
  assert_null(ask(one, first));
  assert_true(charge(one));
  assert_int_equal(a.remaining(0), 4);
  assert_int_equal(a.remaining(1), 6);
  expect_text(one.strictest()->meter->name, "a.minute");

  // The second window takes nothing: the first does not either.
  a.drain(6, 1);
  two.begin(false);
  const Asked* refusal = ask(two, second);
  expect_text(refusal->meter->name, "a.hour");
  expect_text(refusal->meter->detail, "Rate policy \"a\" allows 7 requests per hour");
  std::string names;
  two.each_refusal(false, [&](const Asked& asked) { names += asked.meter->name; });
  expect_text(names, "a.hour");
  expect_text(two.strictest()->meter->name, "a.hour");

  // It was the last one, which somebody else takes meanwhile.
  a.limiter(1).give_back({1, 1}, kNow, 1);
  three.begin(false);
  assert_null(ask(three, third));
  a.drain(1, 1);
  assert_false(charge(three));
  assert_int_equal(a.remaining(0), 4);
  expect_text(three.strictest_refusal(false)->meter->name, "a.hour");
}

// Whatever is only recorded charges as it would if it were enforced, and holds nothing else back.
void all_windows_of_a_dry_run_are_charged_or_none(void**) {
  Metered a("a", "5/minute,2/hour"), b("b", "9/minute");
  a.drain(1, 1);
  Questions first(a, true), other(b), second(a, true), another(b);
  Ledger one, two;
  one.begin(false);
  assert_null(ask(one, first));
  ask(one, other);
  a.drain(1, 1);
  assert_true(charge(one));  // lost the race: the first window gets its request back
  assert_int_equal(a.remaining(0), 5);
  assert_int_equal(b.remaining(), 8);

  two.begin(false);
  expect_text(ask(two, second)->meter->name, "a.hour");
  assert_null(ask(two, another));
  assert_true(charge(two));
  assert_int_equal(a.remaining(0), 5);
  assert_int_equal(b.remaining(), 7);
}

// The windows share the zone: each has room for as many keys.
void windows_have_room_for_as_many_keys(void**) {
  for (std::string_view rate : {"5/minute,60/hour", "1/second,2/minute,3/hour,4/day"}) {
    std::vector<std::byte> memory(kZone + 40);
    std::string word = "rate=" + std::string(rate);
    for (std::string_view algorithm : {"algorithm=gcra", "algorithm=sliding_log"}) {
      std::fill(memory.begin(), memory.end(), std::byte{0});
      Words words({"guard_rate_policy", "a", word, algorithm});
      Policy policy = parse_policy(words);
      MeteredPolicy first, again;
      first.define(policy);
      assert_false(first.attach(std::span(memory).subspan(7)));
      for (std::uint64_t key = 1; key < 200; ++key) {
        for (Meter& meter : first.meters) {
          meter.limiter->take({key * 0x9e3779b97f4a7c15, key}, kNow, 1);
        }
      }
      again.define(policy);
      assert_true(again.attach(std::span(memory).subspan(7)));
      for (std::uint64_t key = 1; key < 200; ++key) {
        for (Meter& meter : again.meters) {
          assert_int_equal(meter.limiter->stats().live_evictions, 0);
          Decision decision = meter.limiter->peek(key * 0x9e3779b97f4a7c15, kNow, 0);
          assert_int_equal(decision.remaining, meter.quota.count - 1);
        }
      }
    }
  }
}

void gives_back_only_its_own_gate_and_pass(void**) {
  Metered a("a", "5/minute"), b("b", "5/minute"), c("c", "5/minute");
  Questions first(a), second(b), inner(c, false, true);
  Ledger ledger;
  ledger.begin(false);
  ask(ledger, first);
  assert_true(charge(ledger));
  ledger.begin(true);
  ask(ledger, inner);
  assert_true(charge(ledger, true));
  // After an internal redirect.
  ledger.begin(false);
  ask(ledger, second);
  assert_true(charge(ledger));
  assert_int_equal(a.remaining(), 4);
  ledger.give_back(false);
  assert_int_equal(a.remaining(), 4);
  assert_int_equal(b.remaining(), 5);
  assert_int_equal(c.remaining(), 4);
  ledger.give_back(false);
  assert_int_equal(b.remaining(), 5);
}

void a_dry_run_is_told_once_it_is_meant(void**) {
  Metered a("a", "5/minute"), b("b", "2/minute,9/hour"), c("c", "1/minute");
  c.drain(1);
  Questions first(a), dry(b, true), other(c, true);
  Ledger ledger;
  ledger.begin(false);
  for (Questions* questions : {&first, &dry, &other}) ask(ledger, *questions);
  assert_true(charge(ledger));
  expect_text(ledger.strictest()->meter->name, "a");
  // After an internal redirect.
  ledger.begin(false);
  ledger.mean(b.policy);
  ledger.mean(c.policy);
  assert_true(charge(ledger));
  expect_text(ledger.strictest()->meter->name, "b.minute");
  std::string names;
  ledger.each_told([&](const Asked& asked) { names += asked.meter->name + " "; });
  expect_text(names, "a b.minute b.hour ");
  assert_int_equal(b.remaining(), 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(charges_every_policy),
      cmocka_unit_test(names_all_that_refuse),
      cmocka_unit_test(a_lost_race_takes_nothing),
      cmocka_unit_test(a_policy_alone_answers_when_it_is_charged),
      cmocka_unit_test(a_window_that_somebody_decided_is_not_looked_at),
      cmocka_unit_test(a_dry_run_refuses_nothing_and_is_not_told),
      cmocka_unit_test(all_windows_are_charged_or_none),
      cmocka_unit_test(all_windows_of_a_dry_run_are_charged_or_none),
      cmocka_unit_test(windows_have_room_for_as_many_keys),
      cmocka_unit_test(gives_back_only_its_own_gate_and_pass),
      cmocka_unit_test(a_dry_run_is_told_once_it_is_meant),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
