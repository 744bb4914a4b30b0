// Error reports: what a DSN says, what is one group, how Sentry gets it, and when it wants no more.
#include <string>
#include <vector>

#include "errors/envelope.h"
#include "errors/groups.h"
#include "errors/policy.h"
#include "errors/rate_limits.h"
#include "unit.h"

using namespace guard::errors;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

std::string told(std::string_view text) {
  const Dsn dsn = parse_dsn(text);
  return std::string(dsn.tls ? "tls " : "") + dsn.host + " " + std::to_string(dsn.port) + " " +
         dsn.path + " " + std::string(dsn.key.expose());
}

void a_dsn(void**) {
  expect_text(told("https://abc123@o1.ingest.sentry.io/42"),
              "tls o1.ingest.sentry.io 443 /api/42/envelope/ abc123");
  expect_text(told("https://abc:secret@host:9000/deep/path/42"),
              "tls host 9000 /deep/path/api/42/envelope/ abc");
  expect_text(told("http://abc@[::1]:80/p"), "::1 80 /api/p/envelope/ abc");
  for (const char* wrong :
       {"", "abc", "ftp://abc@host/42", "https://host/42", "https://@host/42", "https://abc@/42",
        "https://abc@host", "https://abc@host/", "https://abc@host:/42", "https://abc@host:0/42",
        "https://abc@host:65536/42", "https://abc@host:1x/42", "https://a\r\nb@host/42",
        "https://abc@ho st/42", "https://abc@host/4 2", "https://abc@host/42?x",
        "https://abc@[::1/42", "https://abc@host/a/../\n/42"}) {
    expect_error([&] { parse_dsn(wrong); },
                 "\"guard_error_report\" is given no DSN of Sentry, one like "
                 "\"https://KEY@HOST/PROJECT\" is expected");
  }
}

std::string words_of(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_error_report");
  guard::core::Words read(words);
  const ReportPolicy policy = parse_report(read);
  return policy.word + " " + policy.environment + " " + policy.release + " " + policy.tls_ca;
}

void words(void**) {
  expect_text(words_of({"env:DSN"}), "env:DSN production  ");
  expect_text(words_of({"env:DSN", "environment=staging", "release=shop@1.2+3", "tls_ca=/ca"}),
              "env:DSN staging shop@1.2+3 /ca");
  expect_error(
      [] {
        words_of({"env:DSN", "environment=a/b"});
      },
      "invalid value \"a/b\" of \"environment=\", up to 64 letters, digits, \".\", \"_\", "
      "\"@\", \"+\" or \"-\" are expected");
  expect_error([] { words_of({"env:DSN", "tls_ca="}); }, "\"tls_ca=\" needs a value");
}

Occurrence occurrence(std::string_view route, unsigned status = 500) {
  Occurrence one;
  one.kind = "server_error";
  one.server = "example.com";
  one.route = route;
  one.method = "GET";
  one.request_id = "0123456789abcdef0123456789abcdef";
  one.status = status;
  return one;
}

void groups(void**) {
  Groups all;
  assert_null(all.due(0));
  assert_true(all.next() == Groups::kNever);
  assert_true(all.add(occurrence("a"), 100, 1000));
  assert_true(all.add(occurrence("a"), 101, 1001));
  assert_true(all.add(occurrence("a", 502), 102, 1002));
  assert_int_equal(all.next(), 100);
  const Group first = *all.due(102);
  assert_int_equal(first.count, 2);
  assert_int_equal(first.first_ms, 1000);
  // More come while the report is under way.
  assert_true(all.add(occurrence("a"), 103, 1003));
  all.reported(first, first.count, 110);
  assert_int_equal(all.due(110)->status, 502);
  all.reported(*all.due(110), 1, 110);
  assert_null(all.due(110 + Groups::kInterval - 1));
  assert_int_equal(all.due(110 + Groups::kInterval)->count, 1);

  // Bounded, in number and in size; who has nothing to say any more gives up his place.
  Groups full;
  for (std::size_t i = 0; i < Groups::kMax; ++i) {
    assert_true(full.add(occurrence("r" + std::to_string(i)), 0, 0));
  }
  assert_false(full.add(occurrence("one more"), 0, 0));
  assert_true(full.add(occurrence("r0"), 0, 0));
  full.reported(*full.due(0), 2, 0);
  assert_false(full.add(occurrence("one more"), 0, 0));
  assert_true(full.add(occurrence("one more"), Groups::kInterval, 0));
  Groups longs;
  const std::string text(10'000, 'x');
  assert_true(longs.add(occurrence(text), 0, 0));
  assert_true(longs.add(occurrence(text + "y"), 0, 0));
  assert_int_equal(longs.due(0)->route.size(), Groups::kMaxText);
  assert_int_equal(longs.due(0)->count, 2);
}

void an_envelope(void**) {
  Groups all;
  Occurrence one = occurrence("/a\"b");
  one.method = "G\nT";
  one.code = "";
  one.kind = "upstream_failed";
  one.status = 502;
  all.add(one, 0, 1'700'000'000'250);
  const std::string envelope = make_envelope(*all.due(0), {"node", "production", "shop@1"},
                                             "00112233445566778899aabbccddeeff");
  const std::string payload =
      R"({"event_id":"00112233445566778899aabbccddeeff","timestamp":1700000000.25,"platform":"other","level":"error",)"
      R"("logger":"guard","server_name":"node","environment":"production","release":"shop@1","transaction":"/a\"b",)"
      R"("message":{"formatted":"/a\"b answers 502, its upstream failed"},)"
      R"("fingerprint":["guard","upstream_failed","example.com","/a\"b","","502"],)"
      R"("tags":{"kind":"upstream_failed","server":"example.com","route":"/a\"b","method":"G\nT","status":"502",)"
      R"("request_id":"0123456789abcdef0123456789abcdef"},"extra":{"occurrences":1},"sdk":{"name":"guard","version":")";
  assert_true(envelope.find(payload) != std::string::npos);
  const std::string head =
      "{\"event_id\":\"00112233445566778899aabbccddeeff\"}\n{\"type\":\"event\",\"length\":";
  assert_true(envelope.starts_with(head));
  const std::size_t begin = envelope.find('{', head.size());
  assert_int_equal(std::stoul(envelope.substr(head.size())), envelope.size() - begin - 1);
  assert_int_equal(envelope.back(), '\n');

  Dsn dsn = parse_dsn("https://abc@[::1]:9000/42");
  const std::string request = make_request(dsn, "xyz");
  assert_true(request.starts_with("POST /api/42/envelope/ HTTP/1.1\r\nHost: [::1]:9000\r\n"));
  assert_true(request.find(", sentry_key=abc\r\n") != std::string::npos);
  assert_true(request.ends_with("\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz"));
  assert_true(make_request(parse_dsn("https://abc@h/1"), "").find("Host: h\r\n") !=
              std::string::npos);
}

constexpr std::uint64_t kNow = 1'792'567'680'000;  // Wed, 21 Oct 2026 07:28:00 GMT

std::uint64_t limited_for(unsigned status, std::string_view head) {
  return guard::errors::limited_for(status, head, kNow);
}

void limits(void**) {
  assert_int_equal(limited_for(200, ""), 0);
  assert_int_equal(limited_for(429, ""), kLimitedFor);
  assert_int_equal(limited_for(429, "Retry-After: 5\r\n"), 5000);
  assert_int_equal(limited_for(429, "retry-after: 1.5\r\n"), 2000);
  assert_int_equal(limited_for(429, "Retry-After: Wed, 21 Oct 2026 09:28:01 GMT\r\n"), 7'201'000);
  assert_int_equal(limited_for(429, "Retry-After: Wed, 21 Oct 2026 07:27:59 GMT\r\n"), 0);
  assert_int_equal(limited_for(429, "Retry-After: Fri, 21 Oct 2050 07:28:00 GMT\r\n"),
                   kLongestLimit);
  for (const char* wrong : {"Wed, 21 Oct 2026 09:28:01 CET", "Wed, 41 Oct 2026 09:28:01 GMT",
                            "21 Oct 2026", "-5", "Wed, 21 Oct 2026 09:28:01 GMT or later"}) {
    assert_int_equal(limited_for(429, std::string("Retry-After: ") + wrong + "\r\n"), kLimitedFor);
  }
  assert_int_equal(limited_for(503, "Retry-After: 5\r\n"), 0);
  assert_int_equal(limited_for(200, "X-Sentry-Rate-Limits: 7:error:organization\r\n"), 7000);
  assert_int_equal(
      limited_for(200, "X-Sentry-Rate-Limits: 7::key, 9:transaction;error:org:reason\r\n"), 9000);
  assert_int_equal(limited_for(200, "X-Sentry-Rate-Limits: 7:transaction;security:org\r\n"), 0);
  assert_int_equal(
      limited_for(429, "X-Sentry-Rate-Limits: 7:transaction:org\r\nRetry-After: 3\r\n"), 3000);
  assert_int_equal(
      limited_for(429, "X-Sentry-Rate-Limits: x:y,,;:::\r\nRetry-After: 99999999999999999999\r\n"),
      kLongestLimit);
  assert_int_equal(limited_for(429, "X-Sentry-Rate-Limits: 9999999:default:o"), kLongestLimit);
  assert_int_equal(limited_for(200, ":\n\r\n\n:::"), 0);
  // A field in two lines is one list (RFC 9110, section 5.3).
  assert_int_equal(limited_for(200,
                               "X-Sentry-Rate-Limits: 60:error:org\r\n"
                               "X-Sentry-Rate-Limits: 5:transaction:org\r\n"),
                   60'000);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_dsn),       cmocka_unit_test(words),  cmocka_unit_test(groups),
      cmocka_unit_test(an_envelope), cmocka_unit_test(limits),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
