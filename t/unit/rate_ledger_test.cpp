#include "rate/ledger.h"

#include <cstddef>
#include <initializer_list>
#include <vector>

#include "unit.h"

using namespace guard::rate;
using guard::core::Words;
using guard::unit::expect_text;

namespace {

constexpr std::uint64_t kNow = 1'000'000'000;
constexpr std::size_t kZone = 256 * 1024;

struct Metered {
  std::vector<std::byte> memory = std::vector<std::byte>(kZone);
  Meter meter;

  Metered(std::string_view name, std::string_view rate) {
    std::string word = "rate=" + std::string(rate);
    Words words({"guard_rate_policy", name, word});
    meter.define(parse_policy(words));
    meter.limiter.emplace(memory, meter.policy.quota);
  }
  std::uint64_t remaining() { return meter.limiter->peek(1, kNow, 0).remaining; }
  void drain(std::uint64_t cost) { meter.limiter->take({1, 1}, kNow, cost); }
};

Asked asked(Metered& metered, bool dry_run = false, bool inner = false) {
  Asked made;
  made.meter = &metered.meter;
  made.key.hash = 1;
  made.now = kNow;
  made.dry_run = dry_run;
  made.inner = inner;
  return made;
}

bool charge(Ledger& ledger, bool inner = false) {
  return ledger.charge(inner, 7, [](const Asked&) {});
}

void charges_every_policy(void**) {
  Metered a("a", "5/minute"), b("b", "3/minute");
  Asked first = asked(a), second = asked(b);
  Ledger ledger;
  assert_true(ledger.empty());
  ledger.begin(false);
  ledger.ask(first, false);
  ledger.ask(second, false);
  assert_int_equal(a.remaining(), 5);
  assert_null(ledger.strictest_refusal(false));
  assert_true(charge(ledger));
  assert_int_equal(a.remaining(), 4);
  assert_int_equal(b.remaining(), 2);
  expect_text(ledger.strictest()->meter->policy.name, "b");
  assert_int_equal(ledger.strictest()->decision.remaining, 2);
}

void names_all_that_refuse(void**) {
  Metered a("a", "5/minute"), b("b", "3/minute"), c("c", "1/hour");
  b.drain(3);
  c.drain(1);
  Asked asks[] = {asked(a), asked(b), asked(c)};
  Ledger ledger;
  ledger.begin(false);
  for (Asked& ask : asks) ledger.ask(ask, false);
  std::string names;
  ledger.each_refusal(false, [&](const Asked& ask) { names += ask.meter->policy.name; });
  expect_text(names, "bc");
  expect_text(ledger.strictest_refusal(false)->meter->policy.name, "c");
  expect_text(ledger.strictest()->meter->policy.name, "c");
  assert_null(ledger.strictest_refusal(true));
}

// Between asking and charging somebody else may have taken the last one.
void a_lost_race_takes_nothing(void**) {
  Metered a("a", "5/minute"), b("b", "1/minute");
  Asked first = asked(a), second = asked(b);
  Ledger ledger;
  ledger.begin(false);
  ledger.ask(first, false);
  ledger.ask(second, false);
  b.drain(1);
  assert_false(charge(ledger));
  assert_int_equal(a.remaining(), 5);
  expect_text(ledger.strictest_refusal(false)->meter->policy.name, "b");
}

// One policy alone is not looked at twice: its answer comes with the charge.
void a_policy_alone_answers_when_it_is_charged(void**) {
  Metered a("a", "1/minute");
  Asked first = asked(a), second = asked(a);
  Ledger one, two;
  one.begin(false);
  one.ask(first, true);
  assert_false(first.refuses());
  assert_true(charge(one));
  two.begin(false);
  two.ask(second, true);
  assert_false(second.refuses());
  assert_false(charge(two));
  assert_true(second.refuses());
  expect_text(two.strictest_refusal(false)->meter->policy.name, "a");
}

void a_dry_run_refuses_nothing_and_is_not_told(void**) {
  Metered a("a", "5/minute"), b("b", "1/minute");
  b.drain(1);
  Asked first = asked(a), second = asked(b, true);
  Ledger ledger;
  ledger.begin(false);
  ledger.ask(first, false);
  ledger.ask(second, false);
  assert_false(second.decision.admitted);
  assert_false(second.refuses());
  assert_true(charge(ledger));
  assert_int_equal(a.remaining(), 4);
  expect_text(ledger.strictest()->meter->policy.name, "a");
}

void gives_back_only_its_own_gate_and_pass(void**) {
  Metered a("a", "5/minute"), b("b", "5/minute"), c("c", "5/minute");
  Asked first = asked(a), second = asked(b), inner = asked(c, false, true);
  Ledger ledger;
  ledger.begin(false);
  ledger.ask(first, false);
  assert_true(charge(ledger));
  ledger.begin(true);
  ledger.ask(inner, false);
  assert_true(charge(ledger, true));
  // After an internal redirect.
  ledger.begin(false);
  ledger.ask(second, false);
  assert_true(charge(ledger));
  assert_int_equal(a.remaining(), 4);
  ledger.give_back(false);
  assert_int_equal(a.remaining(), 4);
  assert_int_equal(b.remaining(), 5);
  assert_int_equal(c.remaining(), 4);
  ledger.give_back(false);
  assert_int_equal(b.remaining(), 5);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(charges_every_policy),
      cmocka_unit_test(names_all_that_refuse),
      cmocka_unit_test(a_lost_race_takes_nothing),
      cmocka_unit_test(a_policy_alone_answers_when_it_is_charged),
      cmocka_unit_test(a_dry_run_refuses_nothing_and_is_not_told),
      cmocka_unit_test(gives_back_only_its_own_gate_and_pass),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
