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
  expect_error(
      [] {
        log({"a", "checkpoints=b"});
      },
      "\"checkpoints=\" without \"chain=\": there is nothing to sign");
  expect_error(
      [] {
        log({"a", "chain=s", "checkpoint_interval=1s"});
      },
      "\"checkpoint_interval=\" without \"checkpoints=\"");
  expect_error(
      [] {
        log({"a", "chain=s", "checkpoints=b", "checkpoint_interval=100ms"});
      },
      "invalid value \"100ms\" of \"checkpoint_interval=\", a time from 200ms to 1h is expected");
  expect_text(log({"a", "chain=s", "checkpoints=b"}).checkpoints, "b");
  expect_error([] { (void)events::parse_checkpoints("redis:a"); },
               "invalid event log \"redis:a\", \"redis:NAME:STREAM\" is expected");
  assert_true(events::parse_checkpoints("redis:a:b").destination == events::Destination::redis);
  expect_error([] { log({"a", "chain="}); }, "\"chain=\" needs a value");
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

void destinations(void**) {
  const auto file = log({"logs/e", "rotate=10240000", "keep=3"});
  assert_true(file.destination == events::Destination::file);
  assert_int_equal(file.rotate, 10240000);
  assert_int_equal(file.keep, 3);
  assert_int_equal(log({"logs/e", "rotate=1m"}).keep, 10);
  assert_int_equal(log({"logs/e"}).rotate, 0);
  const auto stream = log({"redis:main:app:events", "maxlen=5"});
  assert_true(stream.destination == events::Destination::redis);
  expect_text(stream.redis, "main");
  expect_text(stream.stream, "app:events");
  assert_int_equal(stream.maxlen, 5);
  const auto remote = log({"syslog:server=[::1]:601,proto=tcp,facility=auth,tag=shop"});
  assert_true(remote.destination == events::Destination::syslog);
  assert_true(remote.syslog.transport == events::SyslogTransport::tcp);
  expect_text(remote.syslog.host, "::1");
  assert_int_equal(remote.syslog.port, 601);
  assert_int_equal(remote.syslog.facility, 4);
  expect_text(remote.syslog.tag, "shop");
  assert_true(events::same_destination(file, log({"logs/e", "keep=3", "rotate=10240000"})));
  assert_false(events::same_destination(file, log({"logs/e"})));

  expect_error([] { log({"logs/e", "keep=1"}); }, "\"keep=\" without \"rotate=\"");
  expect_error(
      [] {
        log({"logs/e", "rotate=1m", "keep=0"});
      },
      "invalid value \"0\" of \"keep=\", a number from 1 to 1000 is expected");
  expect_error(
      [] {
        log({"syslog:server=a", "rotate=1m"});
      },
      "\"rotate=\" is for files, not for \"syslog:server=a\"");
  expect_error(
      [] {
        log({"logs/e", "maxlen=1"});
      },
      "\"maxlen=\" is for Redis streams, not for \"logs/e\"");
  for (std::string_view handle : {"stderr", "stdout"}) {
    const std::string name(handle);
    expect_text(guard::unit::error_of([&] { log({handle}); }),
                "event log \"" + name + "\" would be a file of that name: write \"/dev/" + name +
                    "\", or \"./" + name + "\" if a file is meant");
    expect_text(log({"./" + name}).path, "./" + name);
  }
  for (std::string_view wrong : {"redis:", "redis:a", "redis:a:", "redis::b"}) {
    expect_text(
        guard::unit::error_of([&] { log({wrong}); }),
        "invalid event log \"" + std::string(wrong) + "\", \"redis:NAME:STREAM\" is expected");
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(log_words), cmocka_unit_test(privacy_words), cmocka_unit_test(trace_ids),
      cmocka_unit_test(networks),  cmocka_unit_test(targets),       cmocka_unit_test(destinations),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
