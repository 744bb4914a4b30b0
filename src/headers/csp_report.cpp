#include "headers/csp_report.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "headers/policy.h"

namespace guard::headers {

namespace {

using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

constexpr std::size_t kLineDigitsMax = 10;

const JsonNode* member(const JsonDocument& document, const JsonNode& object,
                       std::string_view name) noexcept {
  return document.member(object, name, core::json_key_hash(name));
}

std::string_view text_of(const JsonDocument& document, const JsonNode& object,
                         std::string_view name, JsonType type = JsonType::string) noexcept {
  const JsonNode* node = member(document, object, name);
  return node != nullptr && node->type == type ? document.text(*node) : std::string_view{};
}

// Older browsers say "script-src 'self'" where newer ones say "script-src-elem".
std::string_view directive_in(std::string_view text) noexcept {
  const std::string_view name = text.substr(0, text.find(' '));
  const bool token = name.size() <= kReportDirectiveMax && std::ranges::all_of(name, [](char c) {
                       return (c >= 'a' && c <= 'z') || core::is_digit(c) || c == '-';
                     });
  return token ? name : std::string_view{};
}

std::string_view line_in(std::string_view number) noexcept {
  const bool digits =
      number.size() <= kLineDigitsMax && std::ranges::all_of(number, core::is_digit);
  return digits && number != "0" ? number : std::string_view{};
}

std::string_view scheme_of(std::string_view url) noexcept {
  const std::size_t colon = url.find(':');
  return colon == std::string_view::npos ? url : url.substr(0, colon);
}

// chrome-extension, moz-extension, safari-web-extension ...: Chromium says only the scheme.
bool is_of_extension(std::string_view url) noexcept {
  return scheme_of(url).ends_with("-extension");
}

struct MemberNames {
  std::string_view document, blocked, source, line, directive;
};
constexpr MemberNames kSingle = {"document-uri", "blocked-uri", "source-file", "line-number",
                                 "effective-directive"};
constexpr MemberNames kList = {"documentURL", "blockedURL", "sourceFile", "lineNumber",
                               "effectiveDirective"};

CspReport report_of(const JsonDocument& document, const JsonNode& object,
                    const MemberNames& names) noexcept {
  CspReport report;
  report.document = report_url(text_of(document, object, names.document));
  report.blocked = report_url(text_of(document, object, names.blocked));
  report.source = report_url(text_of(document, object, names.source));
  report.line = line_in(text_of(document, object, names.line, JsonType::number));
  report.directive = directive_in(text_of(document, object, names.directive));
  if (report.directive.empty()) {
    report.directive = directive_in(text_of(document, object, "violated-directive"));
  }
  report.enforced = text_of(document, object, "disposition") != "report";
  return report;
}

bool is_wanted(const CspReport& report) noexcept {
  return !report.directive.empty() && !report.document.empty() &&
         !is_of_extension(report.blocked) && !is_of_extension(report.source);
}

}  // namespace

ReportFormat report_format_of(std::string_view content_type) noexcept {
  const std::string_view type = content_type.substr(0, content_type.find_first_of("; \t"));
  if (core::equal_without_case(type, "application/csp-report")) return ReportFormat::single;
  if (core::equal_without_case(type, "application/reports+json")) return ReportFormat::list;
  return ReportFormat::none;
}

core::JsonLimits report_limits(std::size_t size) noexcept {
  core::JsonLimits limits;
  limits.size = static_cast<std::uint32_t>(size);
  limits.depth = 8;
  limits.keys = 2000;
  limits.string = limits.size;
  limits.array = 200;
  limits.number = core::JsonNumberMode::any;
  return limits;
}

std::string_view report_url(std::string_view url) noexcept {
  url = url.substr(0, url.find('#'));
  const std::string_view scheme = scheme_of(url);
  const bool word = std::ranges::all_of(scheme, [](char c) {
    return core::is_letter(c) || core::is_digit(c) || c == '-' || c == '+' || c == '.';
  });
  if (scheme.empty() || !word) return {};
  for (std::string_view data : {"data", "blob", "javascript", "filesystem"}) {
    if (core::equal_without_case(scheme, data)) return scheme;
  }
  // A word, or the scheme alone, as browsers say where they may not say more.
  constexpr std::string_view kMark = "://";
  const std::string_view rest = url.substr(scheme.size());
  if (!rest.starts_with(kMark)) return scheme;
  // Browsers take the user out themselves; what has one here is no browser's.
  const std::string_view authority = rest.substr(kMark.size());
  const std::size_t at = authority.substr(0, authority.find_first_of("/?\\")).find('@');
  return at == std::string_view::npos ? url : std::string_view{};
}

std::string_view without_query(std::string_view url) noexcept {
  return url.substr(0, url.find('?'));
}

ReadReports read_reports(const JsonDocument& document, ReportFormat format,
                         std::span<CspReport, kReportsMax> out) noexcept {
  std::size_t count = 0;
  const auto keep = [&](const JsonNode& object, const MemberNames& names) {
    const CspReport report = report_of(document, object, names);
    if (is_wanted(report) && count < out.size()) out[count++] = report;
  };
  const auto object_in = [&](const JsonNode& object, std::string_view name) -> const JsonNode* {
    const JsonNode* node = member(document, object, name);
    return node != nullptr && node->type == JsonType::object ? node : nullptr;
  };

  const JsonNode& root = document.root();
  if (format == ReportFormat::single) {
    if (root.type != JsonType::object) return {};
    const JsonNode* report = object_in(root, "csp-report");
    if (report == nullptr) return {};
    keep(*report, kSingle);
    return {true, out.first(count)};
  }
  if (format != ReportFormat::list || root.type != JsonType::array) return {};
  std::uint32_t index = document.index_of(root) + 1;
  for (std::uint32_t i = 0; i < root.size; ++i) {
    const JsonNode& entry = document[index];
    index = entry.next;
    if (entry.type != JsonType::object) return {};
    if (text_of(document, entry, "type") != "csp-violation") continue;
    if (const JsonNode* body = object_in(entry, "body")) keep(*body, kList);
  }
  return {true, out.first(count)};
}

}  // namespace guard::headers
