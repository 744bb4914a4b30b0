// Reports of browsers: whatever the body, what is read of it is within its bounds, says no more
// than it should, and makes an event of one line.

#include <simdjson.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "events/ecs_encoder.h"
#include "headers/csp_report.h"

namespace core = guard::core;
namespace events = guard::events;
namespace headers = guard::headers;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

void check_url(std::string_view url) {
  expect(url.find('#') == std::string_view::npos);
  expect(!url.starts_with("data:") && !url.starts_with("javascript:"));
  const std::string_view bare = headers::without_query(url);
  expect(bare.find('?') == std::string_view::npos && url.starts_with(bare));
  expect(headers::report_url(url) == url);
}

void check_line(const headers::CspReport& report) {
  static events::EcsEncoder encoder({"host", "1.0.0", 1, 2});
  static simdjson::dom::parser parser;
  static std::array<char, events::kLineMax> out;
  const std::array<core::EventLabel, 5> labels = {{
      {"blocked_uri", report.blocked, true},
      {"source_url", report.source, true},
      {"source_line", report.line},
      {"effective_directive", report.directive},
      {"disposition", report.enforced ? "enforce" : "report"},
  }};
  core::Event event;
  event.kind = core::EventKind::csp_violated;
  event.page = report.document;
  event.labels = labels;
  const events::RequestFacts request;
  for (const std::size_t room : {events::kPipeLineMax, events::kLineMax}) {
    const std::size_t size = encoder.encode(event, &request, {}, 1, 2, std::span(out).first(room));
    expect(size > 0 && size <= room);
    const std::string_view line(out.data(), size);
    expect(line.find('\n') == size - 1);
    simdjson::dom::element root;
    expect(parser.parse(line.data(), line.size()).get(root) == simdjson::SUCCESS);
    std::string_view url;
    expect(report.document.empty() || root["url"]["original"].get(url) == simdjson::SUCCESS);
    expect(url.find('?') == std::string_view::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static const auto parser = std::make_unique<core::JsonParser>();
  const auto format = static_cast<headers::ReportFormat>(data[0] % 3);
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  (void)headers::report_format_of(text);
  (void)headers::report_url(text);

  const core::JsonDocument* document = parser->parse(text, headers::report_limits(65536));
  if (document == nullptr) return 0;
  std::array<headers::CspReport, headers::kReportsMax> room;
  const headers::ReadReports read = headers::read_reports(*document, format, room);
  expect(read.valid || read.reports.empty());
  expect(read.reports.size() <= headers::kReportsMax);
  for (const headers::CspReport& report : read.reports) {
    expect(!report.document.empty());
    expect(!report.directive.empty() && report.directive.size() <= headers::kReportDirectiveMax);
    expect(report.line.size() <= 10);
    for (std::string_view url : {report.document, report.blocked, report.source}) check_url(url);
    check_line(report);
  }
  return 0;
}
