// The nginx face of guard_csp_report: a content handler that makes events of browsers' reports.

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "core/census.h"
#include "core/check.h"
#include "core/client_key.h"
#include "core/clock.h"
#include "core/local_answer.h"
#include "core/request.h"
#include "core/siphash.h"
#include "headers/csp_report.h"
#include "headers/csp_report_policy.h"
#include "headers/csp_report_table.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "ngx/zone.h"

extern "C" {
extern ngx_module_t ngx_http_guard_report_module;
}

namespace guard::headers {

namespace {

constexpr std::string_view kZoneName = "guard_csp_report";

struct MainConf {
  bool wanted = false;
  std::optional<std::size_t> zone_size;
  std::optional<CspReportTable> table;
};

struct LocationConf {
  const CspReportPolicy* policy = nullptr;
};

// The worker's own, made when the first report comes.
std::unique_ptr<core::JsonParser> parser;

const CspReportPolicy& policy_of(ngx_http_request_t* r) noexcept {
  return *static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_report_module))
              ->policy;
}

CspReportTable& table_of(ngx_http_request_t* r) noexcept {
  return *static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_guard_report_module))
              ->table;
}

std::uint32_t seconds_now() noexcept {
  return static_cast<std::uint32_t>(core::microseconds() / 1'000'000) + 1;
}

// How much may be told now.
class Allowance {
 public:
  explicit Allowance(core::Request& request) noexcept
      : policy_(policy_of(request.native())),
        table_(table_of(request.native())),
        hash_(core::client_key()),
        now_(seconds_now()),
        all_{hash_.hash64({"csp_report", "all"}), 0, 0},
        client_{hash_.hash64({"csp_report", "client", request.client_net()}),
                core::network_of(request), 0} {}

  // Seconds until there may be more; 0: now.
  std::uint32_t wait() const noexcept {
    return std::max(table_.wait(all_.hash, now_, policy_.total),
                    table_.wait(client_.hash, now_, policy_.rate));
  }

  // How many reports the event stands for; 0: it is not to be told.
  std::uint32_t take(const CspReport& report) noexcept {
    if (wait() != 0) return 0;
    // What differs in the query alone is one place in the application.
    const std::uint64_t hash =
        hash_.hash64({"csp_report", "report", without_query(report.document),
                      without_query(report.blocked), without_query(report.source), report.directive,
                      report.line, report.enforced ? "enforce" : "report"});
    const std::uint32_t count = table_.count({hash, client_.network, 0}, now_, policy_.window);
    const bool tell = count != 0 && table_.take(client_, now_, policy_.rate) &&
                      table_.take(all_, now_, policy_.total);
    return tell ? count : 0;
  }

 private:
  const CspReportPolicy& policy_;
  CspReportTable& table_;
  core::KeyedHash hash_;
  std::uint32_t now_;
  core::CounterKey all_;
  core::CounterKey client_;
};

// The body in one piece; nothing: it cannot be had.
std::optional<std::string_view> body_of(ngx_http_request_t* r) noexcept {
  const ngx_http_request_body_t* body = r->request_body;
  if (body == nullptr || body->bufs == nullptr) return std::string_view{};
  std::size_t size = 0;
  for (const ngx_chain_t* link = body->bufs; link != nullptr; link = link->next) {
    size += static_cast<std::size_t>(ngx_buf_size(link->buf));
  }
  auto* text = static_cast<u_char*>(ngx_pnalloc(r->pool, size + 1));
  if (text == nullptr) return std::nullopt;
  u_char* at = text;
  for (const ngx_chain_t* link = body->bufs; link != nullptr; link = link->next) {
    const ngx_buf_t* buf = link->buf;
    if (!buf->in_file) {
      at = ngx_cpymem(at, buf->pos, static_cast<std::size_t>(buf->last - buf->pos));
      continue;
    }
    const auto wanted = static_cast<std::size_t>(buf->file_last - buf->file_pos);
    const ssize_t got = ngx_read_file(buf->file, at, wanted, buf->file_pos);
    if (got != static_cast<ssize_t>(wanted)) return std::nullopt;
    at += got;
  }
  return std::string_view(reinterpret_cast<const char*>(text), size);
}

void publish(core::Request& request, const CspReport& report, std::uint32_t count) noexcept {
  const std::array<core::EventLabel, 5> labels = {{
      {"blocked_uri", report.blocked, true},
      {"source_url", report.source, true},
      {"source_line", report.line},
      {"effective_directive", report.directive},
      {"disposition", report.enforced ? "enforce" : "report"},
  }};
  core::Event event;
  event.kind = core::EventKind::csp_violated;
  event.detail = report.enforced ? "A browser blocked what the policy does not allow"
                                 : "A browser would have blocked what the policy does not allow";
  event.status = NGX_HTTP_NO_CONTENT;
  event.count = count > 1 ? count : 0;
  event.page = report.document;
  event.labels = labels;
  request.publish(event);
}

// The status for the browser.
ngx_int_t take_reports(ngx_http_request_t* r) noexcept {
  core::Request* request = core::Request::get(r);
  const auto body = body_of(r);
  if (parser == nullptr) parser.reset(new (std::nothrow) core::JsonParser);
  if (request == nullptr || !body || parser == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  const core::JsonDocument* document = parser->parse(*body, report_limits(policy_of(r).size));
  if (document == nullptr) return NGX_HTTP_BAD_REQUEST;

  std::array<CspReport, kReportsMax> room;
  const ReportFormat format = report_format_of(ngx::to_view(r->headers_in.content_type->value));
  const ReadReports read = read_reports(*document, format, room);
  if (!read.valid) return NGX_HTTP_BAD_REQUEST;
  Allowance allowance(*request);
  for (const CspReport& report : read.reports) {
    if (const std::uint32_t count = allowance.take(report)) publish(*request, report, count);
  }
  return NGX_HTTP_NO_CONTENT;
}

void body_is_read(ngx_http_request_t* r) noexcept {
  ngx_http_finalize_request(r, take_reports(r));
}

ngx_int_t answer_with(ngx_http_request_t* r, ngx_int_t status, std::string_view name,
                      std::string_view value) noexcept {
  if (ngx::add_response_field(r, name, value) == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  return status;
}

ngx_int_t too_many(ngx_http_request_t* r, std::uint32_t wait) noexcept {
  auto* text = static_cast<u_char*>(ngx_pnalloc(r->pool, NGX_INT32_LEN));
  if (text == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  const auto size = static_cast<std::size_t>(ngx_sprintf(text, "%uD", wait) - text);
  return answer_with(r, NGX_HTTP_TOO_MANY_REQUESTS, "Retry-After",
                     {reinterpret_cast<const char*>(text), size});
}

ngx_int_t handle(ngx_http_request_t* r) noexcept {
  if (r->method != NGX_HTTP_POST) return answer_with(r, NGX_HTTP_NOT_ALLOWED, "Allow", "POST");
  if (r->headers_in.content_type == nullptr ||
      report_format_of(ngx::to_view(r->headers_in.content_type->value)) == ReportFormat::none) {
    return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
  }
  // Browsers say how much they send. Without that nginx would read on up to client_max_body_size.
  if (r->headers_in.content_length_n < 0) return NGX_HTTP_LENGTH_REQUIRED;
  if (r->headers_in.content_length_n > static_cast<off_t>(policy_of(r).size)) {
    return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
  }
  core::Request* request = core::Request::get(r);
  if (request == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  // Before anything is read of what nobody will be told.
  if (const std::uint32_t wait = Allowance(*request).wait()) return too_many(r, wait);
  const ngx_int_t rc = ngx_http_read_client_request_body(r, body_is_read);
  return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

// Configuration

void attach(std::span<std::byte> memory, void* context) noexcept {
  static_cast<MainConf*>(context)->table.emplace(memory);
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  attach(memory, context);
  return true;
}

void add_census(ngx_conf_t* cf, MainConf& conf) {
  core::Census::Subject subject;
  subject.zone = kZoneName;
  subject.context = &conf;
  subject.ways = core::CounterTable::kWays;
  subject.sets = [](void* context) noexcept {
    return static_cast<MainConf*>(context)->table->zone().sets();
  };
  subject.add = [](void* context, std::uint64_t first, std::uint64_t count,
                   core::Tally& tally) noexcept {
    tally.entries +=
        static_cast<MainConf*>(context)->table->count_used(first, count, seconds_now());
  };
  subject.evictions = [](void* context) noexcept {
    return static_cast<MainConf*>(context)->table->zone().stats().live_evictions;
  };
  core::add_census(cf, std::move(subject));
}

void set_csp_report(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.policy != nullptr) {
    core::fail("\"", words.directive(), "\" directive is duplicate");
  }
  conf.policy = ngx::pool_new<CspReportPolicy>(cf->pool, parse_csp_report(words));
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_report_module));
  if (!main.wanted) add_census(cf, main);
  main.wanted = true;
  if (conf.policy->zone) {
    if (main.zone_size && *main.zone_size != *conf.policy->zone) {
      core::fail("another \"zone=\" than that of an earlier \"", words.directive(),
                 "\", all locations share one");
    }
    main.zone_size = conf.policy->zone;
  }
  core::need_client_key(cf);
  core::answer_here(cf, words.directive(), handle);
}

// What its browser reports of a page must not have a visitor banned.
void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (core::is_block_within(cf)) child = parent;
  if (child.policy != nullptr) core::exempt_location(cf, {core::Feature::ban});
}

void init_main(ngx_conf_t* cf, MainConf& conf) {
  if (!conf.wanted) return;
  const std::size_t size = conf.zone_size.value_or(CspReportPolicy::kDefaultZone);
  ngx::Zone::add(cf, kZoneName, size, sizeof(core::CounterHeader), attach, adopt, &conf);
}

void exit_process(ngx_cycle_t* /*cycle*/) noexcept {
  parser.reset();
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_csp_report"), NGX_HTTP_LOC_CONF | NGX_CONF_ANY,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_csp_report>),
    ngx_null_command,
};

ngx_http_module_t context = {
    nullptr, nullptr, ngx::create_conf<MainConf>,     ngx::init_conf<MainConf, init_main>,
    nullptr, nullptr, ngx::create_conf<LocationConf>, ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

}  // namespace guard::headers

constinit ngx_module_t ngx_http_guard_report_module = guard::ngx::http_module(
    &guard::headers::context, guard::headers::commands, {nullptr, guard::headers::exit_process});
