// guard_rate on one level and the next: what may stand together, what is taken over.
#include "rate/uses.h"

#include "metered.h"

using namespace guard::rate;
using guard::core::Words;
using guard::unit::expect_error;
using guard::unit::expect_text;
using guard::unit::Metered;

namespace {

struct Policies {
  Metered a{"a", "5/minute"}, b{"b", "9/hour,100/day"}, minute{"a.minute", "1/hour"};
  std::vector<MeteredPolicy*> all{&a.policy, &b.policy};
};

void add(Uses& uses, Policies& policies, std::string_view word, std::string_view cost = {}) {
  std::vector<std::string_view> text{"guard_rate", word};
  if (!cost.empty()) text.push_back(cost);
  Words words(text);
  uses.expect(word);
  Use use = parse_use(words);
  uses.add(use, word, *find_policy(policies.all, use.name), nullptr);
}

std::string names(const Uses& uses) {
  std::string text;
  for (const Applied& use : uses.list()) text += use.policy->policy.name + " ";
  return text;
}

void one_level(void**) {
  Policies policies;
  Uses uses;
  add(uses, policies, "a", "cost=5");
  add(uses, policies, "b");
  expect_text(names(uses), "a b ");
  assert_int_equal(uses.list()[0].cost, 5);
  expect_error([&] { add(uses, policies, "a"); },
               "rate policy \"a\" is applied twice at the same level");
  expect_error([&] { uses.turn_off(); },
               "\"guard_rate off\" beside other \"guard_rate\" of the same level");

  Uses mixed;
  add(mixed, policies, "+a");
  expect_error([&] { add(mixed, policies, "b"); },
               "\"guard_rate b\": names with and without \"+\" cannot stand at the same level");

  Uses off;
  off.turn_off();
  expect_error([&] { add(off, policies, "a"); },
               "\"guard_rate a\" beside \"guard_rate off\" of the same level");
}

void no_more_than_ever_passes(void**) {
  Policies policies;
  Uses uses;
  expect_error([&] { add(uses, policies, "a", "cost=6"); },
               "\"cost=6\" is more than rate policy \"a\" ever lets through at once, 5");
  expect_error([&] { add(uses, policies, "b", "cost=10"); },
               "\"cost=10\" is more than rate policy \"b\" ever lets through at once, 9");
  assert_true(uses.list().empty());
}

void levels(void**) {
  Policies policies;
  Uses around;
  add(around, policies, "a", "cost=2");

  Uses silent;
  expect_text(silent.inherit(around), "");
  expect_text(names(silent), "a ");
  assert_int_equal(silent.list()[0].cost, 2);

  Uses replaces;
  add(replaces, policies, "b");
  expect_text(replaces.inherit(around), "\"a\"");
  expect_text(names(replaces), "b ");

  Uses adds;
  add(adds, policies, "+b");
  expect_text(adds.inherit(around), "");
  expect_text(names(adds), "a b ");

  // The same policy at another cost.
  Uses again;
  add(again, policies, "+a", "cost=3");
  expect_text(again.inherit(around), "");
  expect_text(names(again), "a ");
  assert_int_equal(again.list()[0].cost, 3);

  Uses off;
  off.turn_off();
  expect_text(off.inherit(around), "");
  expect_text(names(off), "");
  // What is off stays off further in.
  Uses inner;
  expect_text(inner.inherit(off), "");
  expect_text(names(inner), "");

  Uses both;
  add(both, policies, "a");
  add(both, policies, "b");
  Uses third;
  add(third, policies, "b");
  expect_text(third.inherit(both), "\"a\", \"b\"");
}

void bounded(void**) {
  std::deque<Metered> many;
  Policies policies;
  Uses around, within;
  for (std::size_t i = 0; i <= kMaxUses; ++i) {
    MeteredPolicy& policy = many.emplace_back("p" + std::to_string(i), "1/minute").policy;
    policies.all.push_back(&policy);
  }
  for (std::size_t i = 0; i < kMaxUses; ++i) add(around, policies, "p" + std::to_string(i));
  const std::string last = "p" + std::to_string(kMaxUses);
  expect_error([&] { add(around, policies, last); },
               "more than 16 rate policies at the same level");
  add(within, policies, "+" + last);
  expect_error([&] { within.inherit(around); }, "more than 16 rate policies in one location");
}

void by_name(void**) {
  Policies policies;
  assert_ptr_equal(find_policy(policies.all, "b"), &policies.b.policy);
  assert_null(find_policy(policies.all, "c"));
  expect_error([&] { fail_unknown(policies.all, "x-y-z"); },
               "unknown rate policy \"x-y-z\", a policy must be defined before it is used");
  check_names(policies.all, policies.minute.policy);
  Metered two{"a", "5/minute,7/hour"};
  std::vector<MeteredPolicy*> all{&two.policy};
  expect_error([&] { check_names(all, policies.minute.policy); },
               "rate policies \"a\" and \"a.minute\" would both be called \"a.minute\" in "
               "\"RateLimit-Policy\"");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(one_level), cmocka_unit_test(no_more_than_ever_passes),
      cmocka_unit_test(levels),    cmocka_unit_test(bounded),
      cmocka_unit_test(by_name),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
