#include "core/event.h"

#include <set>
#include <string>

#include "unit.h"

namespace core = guard::core;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

core::EventKind kind_at(std::size_t i) {
  return static_cast<core::EventKind>(i);
}

void names(void**) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < core::kEventKindCount; ++i) {
    const core::EventKindInfo& info = core::info_of(kind_at(i));
    assert_true(info.kind == kind_at(i));
    assert_true(seen.insert(info.name).second);
    if (info.kind == core::EventKind::custom) continue;
    assert_true(core::event_kind_named(info.name) == info.kind);
    assert_true(info.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") ==
                std::string_view::npos);
    assert_true(info.action.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") ==
                std::string_view::npos);
    assert_false(info.action.empty());
    assert_true(info.meaning.size() > 10 && info.meaning.back() != '.');
  }
  assert_false(core::event_kind_named("").has_value());
  assert_false(core::event_kind_named("login").has_value());
  assert_false(core::event_kind_named("LOGIN_FAILED").has_value());
}

void custom_kinds(void**) {
  assert_true(core::event_kind_named("x_honeypot") == core::EventKind::custom);
  const std::string longest = "x_" + std::string(30, 'a');
  assert_true(core::event_kind_named(longest) == core::EventKind::custom);
  for (std::string_view wrong : {"x_*", "x_", "x", "x_A", "x_a-b", "X_a", "x_a\n"}) {
    assert_false(core::event_kind_named(wrong).has_value());
  }
  assert_false(core::event_kind_named(longest + "a").has_value());

  core::Event event;
  event.kind = core::EventKind::custom;
  event.custom_kind = "x_honeypot";
  expect_text(core::kind_name_of(event), "x_honeypot");
  const core::NamedKind honeypot = core::parse_event_kind("x_honeypot");
  expect_text(honeypot.name(), "x_honeypot");
  assert_true(honeypot.is(event));
  assert_false(core::parse_event_kind("x_honey").is(event));
  event.kind = core::EventKind::login_failed;
  expect_text(core::kind_name_of(event), "login_failed");
  assert_false(honeypot.is(event));
  assert_true(core::parse_event_kind("login_failed").is(event));
  assert_false(core::parse_event_kind("logout").is(event));

  expect_error([] { core::parse_event_kind("login_faild"); },
               "unknown event kind \"login_faild\", did you mean \"login_failed\"?");
  expect_error([] { core::parse_event_kind("honeypot"); },
               "unknown event kind \"honeypot\", a kind of your own begins with \"x_\"");
  expect_error([] { core::parse_event_kind("x_A"); },
               "invalid event kind \"x_A\", behind \"x_\" 1 to 30 of \"a-z0-9_\" are expected");
}

void known_rows(void**) {
  const auto& failed = core::info_of(core::EventKind::login_failed);
  assert_true(failed.name == "login_failed" && failed.category == "authentication" &&
              failed.type == "start" && failed.action == "login" &&
              failed.outcome == core::Outcome::failure);
  const auto& limited = core::info_of(core::EventKind::rate_limited);
  assert_true(limited.category == "api,web" && limited.type == "denied,access" &&
              limited.action == "rate-limit-exceeded");
  assert_true(core::info_of(core::EventKind::break_glass).severity == core::Severity::critical);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(names),
      cmocka_unit_test(custom_kinds),
      cmocka_unit_test(known_rows),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
