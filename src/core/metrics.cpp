#include "core/metrics.h"

#include <utility>

#include "core/core_config.h"
#include "core/request.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

MainConf& main_of(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
}

LocationConf& location_of(ngx_conf_t* cf) {
  return *static_cast<LocationConf*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_guard_module));
}

bool is_error_page(const ngx_http_request_t* r) noexcept {
  // Of `error_page 404 = @app` the answer is the location's own.
  return r->error_page && r->err_status != 0;
}

ngx_int_t note_location(ngx_http_request_t* r) noexcept {
  if (r != r->main) return NGX_DECLINED;
  if (is_error_page(r)) {
    // When a request is logged, its cleanups are gone: from here on the context knows.
    const Request* request = Request::find(r);
    if (request != nullptr && request->asked() != nullptr) {
      ngx_http_set_ctx(r, request->asked(), ngx_http_guard_filter_module);
    }
    return NGX_DECLINED;
  }
  const auto* core = static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  if (core->error_pages == nullptr) return NGX_DECLINED;
  Request* request = Request::get(r);
  if (request != nullptr) request->note_asked(r->loc_conf);
  return NGX_DECLINED;
}

}  // namespace

MetricRegistry& metrics_of(ngx_conf_t* cf) {
  return main_of(cf).metrics;
}

MetricRegistry* metrics_of(ngx_cycle_t* cycle) noexcept {
  MainConf* main = main_conf(cycle);
  return main == nullptr ? nullptr : &main->metrics;
}

std::string_view route_of(ngx_conf_t* cf) {
  return location_of(cf).route;
}

std::string location_name(ngx_conf_t* cf) {
  const auto& location = *static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  std::string name(ngx::to_view(location.name));
#if (NGX_PCRE)
  if (location.regex != nullptr) return "~ " + name;
#endif
  return location.exact_match ? "= " + name : name;
}

void declare_operations(ngx_conf_t* cf, std::vector<std::string_view> names) {
  location_of(cf).operations = std::move(names);
}

const std::vector<std::string_view>& operations_of(ngx_conf_t* cf) {
  return location_of(cf).operations;
}

void** answering_location(ngx_http_request_t* r) noexcept {
  if (!is_error_page(r)) return r->loc_conf;
  auto** asked = static_cast<void**>(ngx_http_get_module_ctx(r, ngx_http_guard_filter_module));
  return asked == nullptr ? r->loc_conf : asked;
}

void install_error_page_notes(ngx_conf_t* cf) {
  if (std::exchange(main_of(cf).noting_error_pages, true)) return;
  ngx::add_handler(cf, NGX_HTTP_REWRITE_PHASE, note_location);
}

}  // namespace guard::core
