// The page for operators, the nginx face: the document, and what it asks for once a second.

#include <optional>
#include <string>
#include <string_view>

#include "core/census.h"
#include "core/check.h"
#include "core/clock.h"
#include "core/local_answer.h"
#include "core/metric_digest.h"
#include "core/metrics.h"
#include "core/recent_events.h"
#include "core/request.h"
#include "dashboard/page.h"
#include "dashboard/policy.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
// Made when Guard is built, of the files beside this one and of uPlot: scripts/embed.
#include <guard_dashboard_files.h>

extern "C" ngx_module_t ngx_http_guard_dashboard_module;

namespace guard::dashboard {

namespace {

struct MainConf {
  Page page;
};

struct LocationConf {
  EndpointPolicy endpoint;
  bool is_endpoint = false;
};

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPolicyName = "Content-Security-Policy";
constexpr std::string_view kReportOnlyName = "Content-Security-Policy-Report-Only";

MainConf& main_of(ngx_http_request_t* r) noexcept {
  return *static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_guard_dashboard_module));
}

const LocationConf& location_of(ngx_http_request_t* r) noexcept {
  return *static_cast<const LocationConf*>(
      ngx_http_get_module_loc_conf(r, ngx_http_guard_dashboard_module));
}

// Fields

// The policy of a profile, or of add_header, is for the pages of an application: beside it the
// page's own scripts would not run.
void set_fields(ngx_http_request_t* r, core::Request* /*request*/) noexcept {
  if (!location_of(r).is_endpoint) return;
  for (ngx_table_elt_t& field : ngx::response_fields(r)) {
    if (ngx::is_named(field, kPolicyName) || ngx::is_named(field, kReportOnlyName)) field.hash = 0;
  }
  ngx::add_stage_field(r, kPolicyName, main_of(r).page.policy);
}

constinit const core::HeaderStage kFields = {core::kStageHeaders + 5, set_fields};

// Answers

void append_events(std::string& out, std::uint64_t after) {
  const core::EventRing* ring = core::recent_events(const_cast<ngx_cycle_t*>(ngx_cycle));
  const std::uint64_t last = ring->last();
  out.append("\"last\":").append(std::to_string(last)).append(",\"events\":[");
  bool first = true;
  std::string line;
  for (std::uint64_t number = first_event(after, last); number <= last; ++number) {
    if (!ring->get(number, line)) continue;
    if (!first) out.push_back(',');
    first = false;
    out.append(line);
  }
  out.push_back(']');
}

ngx_int_t send_data(ngx_http_request_t* r, std::string_view after) noexcept {
  try {
    std::string body = "{\"now\":" + std::to_string(core::wall_microseconds() / 1000) + ",";
    append_events(body, parse_after(after));
    core::MetricDigest digest;
    body.append(",\"metrics\":");
    body.append(digest.write(*core::metrics_of(const_cast<ngx_cycle_t*>(ngx_cycle))));
    body.push_back('}');
    return core::send_answer(r, NGX_HTTP_OK, kJson, body);
  } catch (...) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
}

ngx_int_t answer(ngx_http_request_t* r) noexcept {
  if (!location_of(r).endpoint.open && core::is_stranger(r)) return NGX_HTTP_FORBIDDEN;
  const ngx_int_t rc = core::begin_answer(r);
  if (rc != NGX_OK) return rc;
  for (const auto& [name, value] :
       {std::pair<std::string_view, std::string_view>{"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"}}) {
    if (ngx::add_response_field(r, name, value) == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  ngx_str_t after{};
  u_char name[] = "data";
  if (r->args.len != 0 && ngx_http_arg(r, name, sizeof(name) - 1, &after) == NGX_OK) {
    return send_data(r, ngx::to_view(after));
  }
  return core::send_answer(r, NGX_HTTP_OK, kHtml, main_of(r).page.text);
}

// Configuration

void set_dashboard(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.is_endpoint) core::fail("\"guard_dashboard\" directive is duplicate");
  conf.endpoint = parse_endpoint(words);
  conf.is_endpoint = true;
  auto& main = *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_dashboard_module));
  if (main.page.text.empty()) {
    main.page =
        make_page({kPageHtml, kPageStyle, kPageScript, kChartStyle, kChartScript, kChartLicence});
  }
  core::want_metrics(cf);
  core::keep_recent_events(cf);
  core::answer_here(cf, words.directive(), answer);
}

void merge(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (core::is_block_within(cf)) child = parent;
  if (!child.is_endpoint) return;
  core::activate(cf, kFields);
  if (!child.endpoint.open) core::exempt_location(cf, {core::Feature::rate});
}

void preconfigure(ngx_conf_t* cf) {
  core::add_header_stage(cf, kFields);
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_dashboard"),
                 NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_dashboard>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    nullptr,
    ngx::create_conf<MainConf>,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge>,
};

}  // namespace

}  // namespace guard::dashboard

constinit ngx_module_t ngx_http_guard_dashboard_module =
    guard::ngx::http_module(&guard::dashboard::context, guard::dashboard::commands);
