#include "events/syslog.h"

#include "unit.h"

namespace core = guard::core;
namespace events = guard::events;
using guard::unit::error_of;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

constexpr std::string_view kLine = R"({"@timestamp":"2026-11-24T03:36:15.123Z","a":"b"})";

void targets(void**) {
  const auto plain = events::parse_syslog("server=log.example");
  expect_text(plain.host, "log.example");
  assert_int_equal(plain.port, 514);
  assert_int_equal(plain.facility, 23);
  expect_text(plain.tag, "guard");
  assert_true(plain.transport == events::SyslogTransport::udp);
  const auto tcp = events::parse_syslog("proto=tcp,server=192.0.2.1:6514,facility=kern");
  assert_true(tcp.transport == events::SyslogTransport::tcp);
  assert_int_equal(tcp.port, 6514);
  assert_int_equal(tcp.facility, 0);
  const auto local = events::parse_syslog("server=unix:/dev/log");
  assert_true(local.transport == events::SyslogTransport::unix_datagram);
  expect_text(local.host, "unix:/dev/log");
  expect_text(events::parse_syslog("server=[2001:db8::1]").host, "2001:db8::1");

  expect_error([] { events::parse_syslog("tag=a"); }, "\"server=\" is missing in \"syslog:\"");
  expect_error([] { events::parse_syslog("server=a,server=b"); },
               "duplicate \"server=\" in \"syslog:\"");
  expect_error([] { events::parse_syslog(""); }, "\"server=\" is missing in \"syslog:\"");
  for (const auto& [written, meant] : {std::pair{"127.0.0.1:514", "127.0.0.1:514"},
                                       {"//log.example", "log.example"},
                                       {"unix:/dev/log", "unix:/dev/log"},
                                       {"/dev/log", "unix:/dev/log"}}) {
    expect_text(error_of([&] { events::parse_syslog(written + std::string(",tag=a")); }),
                "\"" + std::string(written) +
                    "\" in \"syslog:\", did you mean \"syslog:server=" + meant + "\"?");
  }
  expect_error([] { events::parse_syslog("server=a,nohostname"); },
               "unknown parameter \"nohostname\" in \"syslog:\"");
  expect_error([] { events::parse_syslog("sever=a"); },
               "unknown parameter \"sever=\" in \"syslog:\", did you mean \"server\"?");
  expect_error([] { events::parse_syslog("server=unix:/a,proto=tcp"); },
               "\"proto=tcp\" of a Unix socket in \"syslog:\"");
  expect_error([] { events::parse_syslog("server=unix:"); }, "empty path in \"server=\"");
  expect_error([] { events::parse_syslog("server=a,tag="); },
               "invalid \"tag=\" in \"syslog:\", 1 to 48 printable characters are expected");
  for (std::string_view wrong : {"", "[::1", "[::1]x", ":514", "a b"}) {
    expect_text(error_of([&] { events::parse_syslog("server=" + std::string(wrong)); }),
                "invalid address \"" + std::string(wrong) + "\" of \"server=\"");
  }
  expect_error([] { events::parse_syslog("server=a:0"); },
               "invalid value \"0\" of \"server=\", a number from 1 to 65535 is expected");
}

std::string message(std::string_view target, std::string_view host = "web1") {
  const events::SyslogFormat format(events::parse_syslog(target), host, 4711);
  std::array<char, events::SyslogFormat::kHeadMax> out;
  return std::string(format.head(kLine, core::Severity::warning, "login_failed", out)) +
         std::string(kLine);
}

void messages(void**) {
  expect_text(
      message("server=a"),
      "<188>1 2026-11-24T03:36:15.123Z web1 guard 4711 login_failed - " + std::string(kLine));
  expect_text(
      message("server=a,facility=kern,tag=t", "with space\n"),
      "<4>1 2026-11-24T03:36:15.123Z with?space? t 4711 login_failed - " + std::string(kLine));
  expect_text(message("server=a", "").substr(0, 34), "<188>1 2026-11-24T03:36:15.123Z - ");

  const std::string framed = message("server=a,proto=tcp");
  const std::size_t space = framed.find(' ');
  expect_text(framed.substr(0, space), std::to_string(framed.size() - space - 1));

  // The longest names fit.
  const std::string tag(48, 't');
  assert_true(message("server=a,proto=tcp,tag=" + tag, std::string(400, 'h')).size() <
              events::SyslogFormat::kHeadMax + kLine.size());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(targets), cmocka_unit_test(messages)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
