#include "events/event_rules.h"

#include <vector>

#include "unit.h"

namespace core = guard::core;
namespace events = guard::events;
using guard::unit::error_of;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

events::EventRule rule(std::vector<std::string_view> list) {
  list.insert(list.begin(), "guard_event");
  core::Words said(std::move(list));
  return events::parse_event_rule(said);
}

void statuses(void**) {
  const auto set = events::StatusSet::parse("401,3xx,599");
  for (int status : {401, 300, 399, 599}) {
    assert_true(set.has(static_cast<std::uint16_t>(status)));
  }
  for (int status : {0, 299, 400, 402, 598, 600, 65535}) {
    assert_false(set.has(static_cast<std::uint16_t>(status)));
  }
  const auto all = events::StatusSet::parse("all");
  assert_true(all.has(200) && all.has(599));
  assert_false(all.has(199) || all.has(600) || all.has(0));
  for (std::string_view wrong :
       {"", "6xx", "1xx", "100", "600", "40", "4010", "4Xx", "ALL", "40x"}) {
    expect_text(error_of([&] { events::StatusSet::parse(wrong); }),
                "invalid status \"" + std::string(wrong) +
                    "\" in \"on=\", a status from 200 to 599, a class like \"4xx\", or \"all\" is "
                    "expected");
  }
  expect_text(error_of([&] { events::StatusSet::parse("401,"); }),
              "invalid status \"\" in \"on=\", a status from 200 to 599, a class like \"4xx\", or "
              "\"all\" is expected");
}

void words(void**) {
  const auto one = rule({"login_failed", "on=401", "user=$email", "if=$failed"});
  assert_true(one.kind.kind == core::EventKind::login_failed && one.on.has(401));
  expect_text(one.user, "$email");
  expect_text(one.condition, "$failed");
  assert_false(one.adds || one.off);
  assert_true(rule({"+x_one", "on=all"}).adds);
  expect_text(rule({"+x_one", "on=all"}).kind.name(), "x_one");
  assert_true(rule({"off"}).off);

  expect_error(
      [] {
        rule({"rate_limited", "on=429"});
      },
      "event kind \"rate_limited\" is Guard's own, an answer of the application cannot "
      "mean it");
  expect_error(
      [] {
        rule({"x_a", "on=all", "if=failed"});
      },
      "invalid value \"failed\" of \"if=\", a variable like \"$login_failed\" is expected");
}

void opposites(void**) {
  const auto failed = rule({"login_failed", "on=200", "if=$failed"});
  const auto failed_plain = rule({"login_failed", "on=all"});
  const auto succeeded = rule({"login_succeeded", "on=200", "if=$succeeded"});
  const auto succeeded_plain = rule({"login_succeeded", "on=200"});
  const auto expect = [](const events::EventRule& stronger, const events::EventRule& weaker) {
    assert_true(events::outweighs(stronger, weaker));
    assert_false(events::outweighs(weaker, stronger));
  };
  expect(failed, succeeded_plain);
  expect(failed, succeeded);
  expect(failed_plain, succeeded_plain);
  expect(succeeded, failed_plain);
  expect(rule({"token_refused", "on=all"}), rule({"token_refreshed", "on=2xx"}));
  expect(rule({"file_refused", "on=all"}), rule({"file_uploaded", "on=2xx"}));
  assert_false(events::outweighs(failed, failed_plain));
  assert_false(events::outweighs(failed, rule({"token_refreshed", "on=2xx"})));
  assert_false(events::outweighs(rule({"x_one", "on=all"}), rule({"x_two", "on=all"})));
}

void beside(void**) {
  const auto off = rule({"off"});
  const auto one = rule({"x_one", "on=all"});
  const auto more = rule({"+x_two", "on=all"});
  expect_error([&] { events::check_beside(off, one, "off"); },
               "\"guard_event off\" beside other events of the same level");
  expect_error([&] { events::check_beside(one, off, "x_one"); },
               "\"guard_event off\" beside other events of the same level");
  expect_error(
      [&] { events::check_beside(more, one, "+x_two"); },
      "\"guard_event +x_two\": kinds with and without \"+\" cannot stand at the same level");
  expect_error([&] { events::check_beside(one, one, "x_one"); }, "duplicate event \"x_one\"");
  events::check_beside(one, rule({"x_one", "on=200"}), "x_one");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(statuses), cmocka_unit_test(words),
                              cmocka_unit_test(opposites), cmocka_unit_test(beside)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
