// What a refusal says, and which of many refusals of a key are events.
#include "rate/refusals.h"

#include "metered.h"

using namespace guard::rate;
using guard::core::EventKind;
using guard::core::Refusal;
using guard::unit::expect_text;
using guard::unit::kNow;
using guard::unit::Memory;
using guard::unit::Metered;
using guard::unit::Questions;

namespace {

void one_for_all(void**) {
  Metered minute("a", "1/minute"), hour("b", "1/hour"), open("c", "5/minute");
  minute.drain(1);
  hour.drain(1);
  Questions first(minute), second(hour), third(open);
  Ledger ledger;
  ledger.begin(false);
  for (Questions* asked : {&first, &second, &third}) ledger.ask(asked->asked, false);
  Memory memory;
  Refusal refusal;
  describe_all(ledger, false, memory.space(), refusal);
  assert_int_equal(refusal.status, 429);
  expect_text(refusal.code, "rate.b");
  expect_text(refusal.policy, "b");
  expect_text(refusal.title, "Too many requests");
  assert_int_equal(refusal.retry_after, 3600);
  assert_int_equal(refusal.violated.size(), 2);
  expect_text(refusal.violated[0], "a");
  expect_text(refusal.violated[1], "b");
  assert_false(refusal.silent);
  expect_text(refusal.key_hash, "0000000000000001");
  // The same key again: no second event.
  Refusal again;
  describe_all(ledger, false, memory.space(), again);
  assert_true(again.silent);
  expect_text(again.key_hash, "");
}

void never(void**) {
  Metered minute("a", "5/minute"), hour("b", "1/hour");
  hour.drain(1);
  Questions first(minute), second(hour);
  first.asked[0].cost = 6;
  Ledger ledger;
  ledger.begin(false);
  for (Questions* asked : {&first, &second}) ledger.ask(asked->asked, false);
  Memory memory;
  Refusal refusal;
  describe_all(ledger, false, memory.space(), refusal);
  expect_text(refusal.code, "rate.b");
  assert_int_equal(refusal.retry_after, -1);
}

void without_memory(void**) {
  Metered a("a", "1/minute");
  a.drain(1);
  Questions asked(a);
  Ledger ledger;
  ledger.begin(false);
  ledger.ask(asked.asked, false);
  Memory memory;
  memory.left = 0;
  Refusal refusal;
  describe_all(ledger, false, memory.space(), refusal);
  expect_text(refusal.code, "rate.a");
  assert_true(refusal.violated.empty());
  expect_text(refusal.key_hash, "");
}

void others(void**) {
  Metered a("a", "1/minute");
  Refusal empty;
  describe_empty(a.policy, 7, kNow, empty);
  assert_int_equal(empty.status, 400);
  expect_text(empty.code, "key.missing");
  expect_text(empty.policy, "a");
  assert_false(empty.silent);

  Questions asked(a);
  Memory memory;
  Refusal unknown;
  describe_unknown(asked.asked[0], memory.space(), unknown);
  assert_int_equal(unknown.status, 503);
  expect_text(unknown.code, "rate.unavailable");
  assert_int_equal(unknown.retry_after, 1);
  assert_false(unknown.silent);
  expect_text(unknown.key_hash, "0000000000000001");
  // That of the same key for being over its limit is another event.
  Refusal over;
  describe(asked.asked[0], asked.asked[0].decision, memory.space(), over);
  assert_false(over.silent);
}

void events(void**) {
  Metered a("a", "1/minute");
  guard::core::Event pressure = pressure_event(a.policy, 3), dropped = dropped_event(a.policy, 4);
  assert_true(pressure.kind == EventKind::table_pressure);
  assert_true(dropped.kind == EventKind::table_pressure);
  expect_text(pressure.policy, "a");
  assert_int_equal(pressure.count, 3);
  assert_int_equal(dropped.count, 4);
  assert_true(pressure.detail != dropped.detail);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(one_for_all), cmocka_unit_test(never),  cmocka_unit_test(without_memory),
      cmocka_unit_test(others),      cmocka_unit_test(events),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
