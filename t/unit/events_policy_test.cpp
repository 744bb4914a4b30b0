#include "events/policy.h"

#include <vector>

#include "events/request_facts.h"
#include "unit.h"

namespace core = guard::core;
namespace events = guard::events;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

events::LogPolicy log(std::vector<std::string_view> list) {
  list.insert(list.begin(), "guard_event_log");
  core::Words said(std::move(list));
  return events::parse_event_log(said);
}

void log_words(void**) {
  const auto policy = log({"logs/events.json", "min=warning", "format=ecs"});
  expect_text(policy.path, "logs/events.json");
  assert_true(policy.takes(core::Severity::warning));
  assert_true(policy.takes(core::Severity::critical));
  assert_false(policy.takes(core::Severity::notice));
  assert_true(log({"a"}).takes(core::Severity::info));
  assert_true(log({"off"}).off);

  expect_error([] { log({}); }, "invalid number of arguments in \"guard_event_log\" directive");
  expect_error([] { log({""}); }, "empty path in \"guard_event_log\" directive");
  expect_error(
      [] {
        log({"a", "min=warn"});
      },
      "invalid value \"warn\" of \"min=\", it must be \"critical\", \"error\", "
      "\"warning\", \"notice\" or \"info\"");
  expect_error(
      [] {
        log({"a", "format=cef"});
      },
      "invalid value \"cef\" of \"format=\", it must be \"ecs\"");
  expect_error([] { log({"syslog:server=a"}); },
               "event log \"syslog:\" is not supported in this version, only a path is");
  expect_error([] { log({"redis:a:b"}); },
               "event log \"redis:\" is not supported in this version, only a path is");
  expect_error([] { log({"a", "rotate=1m"}); }, "\"rotate=\" is not supported in this version");
  expect_error([] { log({"a", "keep=1"}); }, "\"keep=\" is not supported in this version");
  expect_error(
      [] {
        log({"a", "chain=file:/secret"});
      },
      "\"chain=\" is not supported in this version");
  expect_error(
      [] {
        log({"a", "mni=error"});
      },
      "unknown parameter \"mni=\", did you mean \"min=\"?");
  expect_error([] { log({"off", "min=error"}); }, "unexpected word \"min=error\" after \"off\"");
}

events::PrivacyPolicy privacy(std::vector<std::string_view> list) {
  list.insert(list.begin(), "guard_event_privacy");
  core::Words said(std::move(list));
  return events::parse_event_privacy(said);
}

void privacy_words(void**) {
  using events::AddressPrivacy;
  using events::UserPrivacy;
  const events::PrivacyPolicy defaults;
  assert_true(defaults.user == UserPrivacy::hash && defaults.address == AddressPrivacy::clear &&
              !defaults.query);
  assert_true(privacy({"user=off", "address=network", "query=on"}) ==
              (events::PrivacyPolicy{UserPrivacy::off, AddressPrivacy::network, true}));
  assert_true(privacy({"address=hash"}) ==
              (events::PrivacyPolicy{UserPrivacy::hash, AddressPrivacy::hash, false}));
  expect_error([] { privacy({}); },
               "invalid number of arguments in \"guard_event_privacy\" directive");
  expect_error([] { privacy({"user=plain"}); },
               "invalid value \"plain\" of \"user=\", it must be \"hash\", \"clear\" or \"off\"");
  expect_error([] { privacy({"address=off"}); },
               "invalid value \"off\" of \"address=\", it must be \"clear\", \"hash\" or "
               "\"network\"");
  expect_error([] { privacy({"query=yes"}); },
               "invalid value \"yes\" of \"query=\", it must be \"on\" or \"off\"");
}

void trace_ids(void**) {
  constexpr std::string_view kId = "0af7651916cd43dd8448eb211c80319c";
  expect_text(events::trace_id_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), kId);
  expect_text(events::trace_id_of("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"),
              kId);
  for (std::string_view bad : {
           "",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
           "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "00-0af7651916cd43dd8448eb211c80319\"-b7ad6b7169203331-01",
           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
       }) {
    expect_text(events::trace_id_of(bad), "");
  }
}

std::string network(std::string_view address) {
  events::NetworkBuffer buffer;
  return std::string(events::network_of(address, buffer));
}

void networks(void**) {
  expect_text(network("192.0.2.77"), "192.0.2.0");
  expect_text(network("2001:db8:1:2::7"), "2001:db8:1::");
  expect_text(network("::ffff:192.0.2.77"), "::ffff:192.0.2.0");
  expect_text(network("::1"), "::");
  expect_text(network("unix:"), "");
  expect_text(network("192.0.2"), "");
  expect_text(network(""), "");
  expect_text(network(std::string(100, '1')), "");
}

void targets(void**) {
  expect_text(events::split_target("/a?b?c").path, "/a");
  expect_text(events::split_target("/a?b?c").query, "b?c");
  expect_text(events::split_target("/a").query, "");
  expect_text(events::split_target("?a").path, "");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(log_words), cmocka_unit_test(privacy_words), cmocka_unit_test(trace_ids),
      cmocka_unit_test(networks),  cmocka_unit_test(targets),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
