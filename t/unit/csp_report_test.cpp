#include "headers/csp_report.h"

#include <array>
#include <memory>
#include <vector>

#include "headers/csp_report_policy.h"
#include "headers/csp_report_table.h"
#include "unit.h"

namespace core = guard::core;
namespace headers = guard::headers;
using guard::unit::expect_error;
using guard::unit::expect_text;
using headers::ReportFormat;

namespace {

// Reads bodies, and keeps what their reports are views of.
class Reader {
 public:
  bool read(std::string body, ReportFormat format) {
    body_ = std::move(body);
    const core::JsonDocument* document = parser_->parse(body_, headers::report_limits(65536));
    read_ = document == nullptr ? headers::ReadReports{}
                                : headers::read_reports(*document, format, room_);
    return read_.valid;
  }
  // Of what is about one violation.
  const headers::CspReport& one(const std::string& members) {
    assert_true(read("{\"csp-report\":{" + members + "}}", ReportFormat::single));
    assert_int_equal(read_.reports.size(), 1);
    return read_.reports[0];
  }
  std::size_t size() const { return read_.reports.size(); }
  const headers::CspReport& operator[](std::size_t i) const { return read_.reports[i]; }

 private:
  std::unique_ptr<core::JsonParser> parser_ = std::make_unique<core::JsonParser>();
  std::string body_;
  std::array<headers::CspReport, headers::kReportsMax> room_;
  headers::ReadReports read_;
};

void formats(void**) {
  using headers::report_format_of;
  assert_true(report_format_of("application/csp-report") == ReportFormat::single);
  assert_true(report_format_of("Application/CSP-Report; charset=utf-8") == ReportFormat::single);
  assert_true(report_format_of("application/reports+json") == ReportFormat::list);
  for (std::string_view other : {"", "application/json", "application/csp-reports",
                                 "application/reports+json,text/html", " application/csp-report"}) {
    assert_true(report_format_of(other) == ReportFormat::none);
  }
}

void urls(void**) {
  using headers::report_url;
  expect_text(report_url("https://a.example/p?q#f"), "https://a.example/p?q");
  expect_text(report_url("inline"), "inline");
  expect_text(report_url("wasm-eval"), "wasm-eval");
  expect_text(report_url("data:text/html,secret"), "data");
  expect_text(report_url("BLOB:https://a.example/1-2"), "BLOB");
  expect_text(report_url("javascript:alert(1)"), "javascript");
  expect_text(report_url("about:blank"), "about");
  expect_text(report_url("https://user:pw@a.example/"), "");
  expect_text(report_url("https://user@a.example"), "");
  expect_text(report_url("https://a.example/@x"), "https://a.example/@x");
  expect_text(report_url("https://a.example?@x"), "https://a.example?@x");
  expect_text(report_url("https://a.example\\@x"), "https://a.example\\@x");
  expect_text(report_url("a word or two"), "");
  expect_text(report_url("ht/:t//a.example"), "");
  expect_text(report_url("https:/x//a.example"), "https");
  expect_text(report_url("://a.example"), "");
  expect_text(report_url(""), "");
  expect_text(headers::without_query("https://a.example/p?q?r"), "https://a.example/p");
}

void single(void**) {
  Reader reader;
  const auto& report = reader.one(
      R"("document-uri":"https:\/\/a.example\/#x","blocked-uri":"eval","line-number":12,)"
      R"("source-file":"https://a.example/s.js","effective-directive":"script-src",)"
      R"("disposition":"report")");
  expect_text(report.document, "https://a.example/");
  expect_text(report.blocked, "eval");
  expect_text(report.source, "https://a.example/s.js");
  expect_text(report.line, "12");
  expect_text(report.directive, "script-src");
  assert_false(report.enforced);

  const auto& old =
      reader.one(R"("document-uri":"http://a","violated-directive":"img-src 'self' data:")");
  expect_text(old.directive, "img-src");
  expect_text(old.blocked, "");
  assert_true(old.enforced);

  // Numbers that are none of a line.
  for (const char* line : {"0", "-1", "1.5", "1e9", "12345678901", "\"7\"", "null"}) {
    expect_text(
        reader
            .one(R"("document-uri":"http://a","effective-directive":"x-src","line-number":)" +
                 std::string(line))
            .line,
        "");
  }
}

void left_out(void**) {
  Reader reader;
  const auto count = [&](const std::string& members) {
    assert_true(reader.read("{\"csp-report\":{" + members + "}}", ReportFormat::single));
    return reader.size();
  };
  const std::string page = R"("document-uri":"https://a.example/",)";
  assert_int_equal(count(page + R"("effective-directive":"x-src")"), 1);
  assert_int_equal(count(R"("effective-directive":"x-src")"), 0);
  assert_int_equal(count(R"("document-uri":7,"effective-directive":"x-src")"), 0);
  assert_int_equal(count(page + R"("effective-directive":"X-src")"), 0);
  assert_int_equal(count(page + R"("effective-directive":"<script>")"), 0);
  assert_int_equal(count(page + "\"effective-directive\":\"" + std::string(41, 'a') + "\""), 0);
  assert_int_equal(count(page + R"("effective-directive":"x-src","blocked-uri":"ms-extension")"),
                   0);
  assert_int_equal(
      count(page + R"("effective-directive":"x-src","source-file":"chrome-extension://a/b.js")"),
      0);
}

void list(void**) {
  Reader reader;
  const std::string body =
      R"({"type":"csp-violation","body":{"documentURL":"http://a","effectiveDirective":"x-src"}})";
  assert_true(reader.read("[" + body + "," + body + "]", ReportFormat::list));
  assert_int_equal(reader.size(), 2);
  expect_text(reader[1].document, "http://a");
  assert_true(
      reader.read(R"([{"type":"deprecation","body":{}},{},{"type":7}])", ReportFormat::list));
  assert_int_equal(reader.size(), 0);

  std::string many = "[" + body;
  for (std::size_t i = 0; i < headers::kReportsMax + 5; ++i) many += "," + body;
  assert_true(reader.read(many + "]", ReportFormat::list));
  assert_int_equal(reader.size(), headers::kReportsMax);

  assert_false(reader.read("[[]]", ReportFormat::list));
  assert_false(reader.read("{}", ReportFormat::list));
  assert_false(reader.read("[]", ReportFormat::single));
  assert_false(reader.read(R"({"csp-report":"x"})", ReportFormat::single));
  assert_false(reader.read("[]", ReportFormat::none));
  assert_false(reader.read("[", ReportFormat::list));
}

headers::CspReportPolicy policy(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_csp_report");
  core::Words all(words);
  return headers::parse_csp_report(all);
}

void policies(void**) {
  const auto plain = policy({});
  assert_int_equal(plain.size, 65536);
  assert_int_equal(plain.rate, 20);
  assert_int_equal(plain.total, 120);
  assert_int_equal(plain.window, 3600);
  assert_false(plain.zone.has_value());
  const auto all = policy({"size=1m", "rate=1", "total=1", "window=2d", "zone=64k"});
  assert_int_equal(all.size, 1 << 20);
  assert_int_equal(all.rate, 1);
  assert_int_equal(all.total, 1);
  assert_int_equal(all.window, 2 * 86400);
  assert_int_equal(*all.zone, 64 << 10);
  expect_error([] { policy({"rate=0"}); },
               "invalid value \"0\" of \"rate=\", a number from 1 to 100000 is expected");
  expect_error([] { policy({"total=5"}); }, "\"total=5\" is less than \"rate=20\"");
  expect_error([] { policy({"window=1"}); }, "no error");
  expect_error([] { policy({"window=31d"}); },
               "invalid value \"31d\" of \"window=\", a time from 1s to 30d is expected");
  expect_error([] { policy({"on"}); },
               "unexpected word \"on\", \"guard_csp_report\" is on without it");
}

struct Table {
  explicit Table(std::size_t sets) : memory(192 + sets * core::CounterTable::kSetSize) {}
  std::vector<std::byte> memory;
  headers::CspReportTable table{memory};
};

void told_once(void**) {
  Table small(4);
  auto& table = small.table;
  const core::CounterKey key{7, 1, 0};
  assert_int_equal(table.count(key, 100, 10), 1);
  assert_int_equal(table.count(key, 100, 10), 0);
  assert_int_equal(table.count(key, 109, 10), 0);
  assert_int_equal(table.count({8, 1, 0}, 109, 10), 1);
  assert_int_equal(table.count(key, 110, 10), 3);
  assert_int_equal(table.count(key, 119, 10), 0);
  assert_int_equal(table.count(key, 1000, 10), 2);
}

void rates(void**) {
  Table small(4);
  auto& table = small.table;
  const core::CounterKey key{7, 1, 0};
  assert_int_equal(table.wait(7, 100, 2), 0);
  assert_true(table.take(key, 100, 2));
  assert_int_equal(table.wait(7, 130, 2), 0);
  assert_true(table.take(key, 130, 2));
  assert_int_equal(table.wait(7, 130, 2), 30);
  assert_false(table.take(key, 159, 2));
  assert_int_equal(table.wait(7, 160, 2), 0);
  assert_true(table.take(key, 160, 2));
  // A higher limit, after a reload.
  assert_true(table.take(key, 160, 3));
  assert_true(table.take(key, 160, 3));
  assert_false(table.take(key, 160, 3));
}

// Whatever is reported: what limits stays.
void full(void**) {
  Table one(1);
  auto& table = one.table;
  assert_int_equal(table.count_used(0, 1, 100), 0);
  assert_true(table.take({1, 1, 0}, 100, 1));
  assert_int_equal(table.count_used(0, 1, 100), 1);
  for (std::uint64_t i = 2; i < 1000; ++i) table.count({i, i, 0}, 100, 3600);
  assert_false(table.take({1, 1, 0}, 101, 1));
  assert_int_equal(table.count_used(0, 1, 101), core::CounterTable::kWays);
  assert_int_equal(table.zone().stats().live_evictions, 999 - core::CounterTable::kWays);
  assert_int_equal(table.count_used(0, 1, 4000), 0);
  // What ended gives way to it.
  assert_true(table.take({2000, 9, 0}, 101, 1));
  assert_false(table.take({2000, 9, 0}, 102, 1));
}

void inherits(void**) {
  Table small(4);
  assert_true(small.table.take({1, 1, 0}, 100, 1));
  headers::CspReportTable again(small.memory);
  assert_false(again.take({1, 1, 0}, 101, 1));
  std::vector<std::byte> little(64);
  expect_error([&] { headers::CspReportTable none(little); },
               "the shared memory zone is too small");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(formats),   cmocka_unit_test(urls),  cmocka_unit_test(single),
      cmocka_unit_test(left_out),  cmocka_unit_test(list),  cmocka_unit_test(policies),
      cmocka_unit_test(told_once), cmocka_unit_test(rates), cmocka_unit_test(full),
      cmocka_unit_test(inherits),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
