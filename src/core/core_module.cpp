// Core's nginx face: the directives and variables that belong to no feature, and the gates' phase
// handlers.

#include "core/key_label.h"
#include "core/core_config.h"
#include "core/body_reader.h"
#include "core/counter_queue.h"
#include "core/gate.h"
#include "core/local_answer.h"
#include "core/path_check.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/secret.h"
#include "ngx/worker_user.h"

namespace guard::core {

namespace {

constexpr std::array<std::string_view, 3> kModeWords = {"enforce", "observe", "off"};
constexpr std::array<std::string_view, 3> kProblemWords = {"auto", "json", "off"};
constexpr std::array<std::string_view, 2> kErrorPageWords = {"refuse", "allow"};
constexpr std::array<std::string_view, 2> kPathWords = {"off", "strict"};

std::uint32_t features_of(const Words& words, std::size_t from) {
  std::uint32_t features = 0;
  for (std::size_t i = from; i < words.size(); ++i) {
    std::optional<Feature> feature = feature_named(words[i]);
    if (!feature) {
      fail("unknown feature \"", words[i], "\" in \"", words.directive(), "\"",
           suggestion(words[i], kFeatureNames));
    }
    features |= bit_of(*feature);
  }
  return features == 0 ? (1U << kFeatureCount) - 1 : features;
}

template <class T>
void set_once(const Words& words, std::optional<T>& slot, T value) {
  if (slot) fail("\"", words.directive(), "\" directive is duplicate");
  slot = value;
}

void set_mode(ngx_conf_t* /*cf*/, Words& words, LocationConf& conf) {
  auto mode = static_cast<Mode>(parse_choice(words.directive(), words[0], kModeWords));
  std::uint32_t features = features_of(words, 1);
  if (!conf.modes) conf.modes.emplace().fill(Mode::enforce);
  for (std::size_t i = 0; i < kFeatureCount; ++i) {
    if ((features >> i & 1) != 0) (*conf.modes)[i] = mode;
  }
}

void set_break_glass(ngx_conf_t* cf, Words& words, MainConf& conf) {
  if (!conf.break_glass_file.empty()) fail("\"guard_break_glass\" directive is duplicate");
  // It would stand for the directory of nginx.conf, which exists.
  if (words[0].empty()) fail("empty path in \"", words.directive(), "\" directive");
  conf.break_glass_file = ngx::full_path(cf, words[0]);
  ngx::warn_of_unseen(cf, conf.break_glass_file);
  node_of(cf);
}

void set_exempt(ngx_conf_t* cf, Words& words, LocationConf& conf) {
  if (words.is_off()) {
    if (conf.exemptions_set) fail("\"guard_exempt off\" beside other exemptions");
    conf.exemptions_set = true;
    return;
  }
  if (conf.exemptions_set && conf.exemptions.empty()) {
    fail("\"guard_exempt\" after \"guard_exempt off\"");
  }
  Exemption exemption;
  exemption.features = features_of(words, 1);
  if (words[0].starts_with('$')) {
    exemption.value = ngx::Value(cf, words[0]);
  } else {
    exemption.networks.add(words[0]);
  }
  conf.exemptions.push_back(std::move(exemption));
  conf.exemptions_set = true;
}

void set_problem(ngx_conf_t* /*cf*/, Words& words, LocationConf& conf) {
  set_once(words, conf.problem,
           static_cast<ProblemStyle>(parse_choice(words.directive(), words[0], kProblemWords)));
}

void set_error_page(ngx_conf_t* /*cf*/, Words& words, LocationConf& conf) {
  set_once(words, conf.error_page_allowed,
           parse_choice(words.directive(), words[0], kErrorPageWords) == 1);
}

void set_path(ngx_conf_t* /*cf*/, Words& words, LocationConf& conf) {
  set_once(words, conf.path_strict, parse_choice(words.directive(), words[0], kPathWords) == 1);
}

void set_route(ngx_conf_t* cf, Words& words, LocationConf& conf) {
  constexpr std::size_t kMaxRoute = 64;
  if (!conf.route.empty()) fail("\"guard_route\" directive is duplicate");
  bool plain =
      words[0].size() <= kMaxRoute && words[0].find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_.:-") == std::string_view::npos;
  if (!plain || words[0].empty()) {
    fail("invalid route name \"", words[0],
         "\", up to 64 letters, digits, \"_\", \".\", \":\", \"-\" ", "are expected");
  }
  conf.route = ngx::keep(cf, words[0]);
}

void set_trusted_proxies(ngx_conf_t* /*cf*/, Words& words, LocationConf& conf) {
  if (conf.trusted_proxies_set) fail("\"guard_trusted_proxies\" directive is duplicate");
  conf.trusted_proxies_set = true;
  if (words.is_off()) return;
  for (std::string_view word : words.all()) conf.trusted_proxies.add(word);
}

void set_key_secret(ngx_conf_t* cf, Words& words, MainConf& conf) {
  if (conf.key) fail("\"guard_key_secret\" directive is duplicate");
  conf.key = derive_sip_key(ngx::read_key(cf, words.directive(), words[0]), kClientKeyLabel);
}

void merge_server(ngx_conf_t* cf, ServerConf& /*parent*/, ServerConf& child) {
  child.names.read(cf);
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  auto replaced = [cf](bool both, const char* what) {
    if (both) {
      ngx::notice(cf, std::string("\"") + what +
                          "\" of an inner level replaces all that the outer level says with it");
    }
  };
  replaced(parent.modes && child.modes, "guard_mode");
  if (!child.modes) child.modes = parent.modes;
  replaced(!parent.exemptions.empty() && !child.exemptions.empty(), "guard_exempt");
  if (!child.exemptions_set) {
    child.exemptions = parent.exemptions;
    child.exemptions_set = parent.exemptions_set;
  }
  if (!child.trusted_proxies_set) {
    child.trusted_proxies = parent.trusted_proxies;
    child.trusted_proxies_set = parent.trusted_proxies_set;
  }
  if (!child.problem) child.problem = parent.problem;
  if (!child.error_page_allowed) child.error_page_allowed = parent.error_page_allowed;
  if (!child.path_strict) child.path_strict = parent.path_strict;
  if (child.route.empty()) child.route = parent.route;
  if (is_block_within(cf)) child.answers = parent.answers;
  if (child.path_strict.value_or(false)) activate(cf, kPathCheck);
}

// Variables

ngx_int_t get_verdict(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t) noexcept {
  const Request* request = Request::find(r);
  ngx::set_variable(v, name_of(request == nullptr ? Verdict::none : request->verdict()));
  return NGX_OK;
}

ngx_int_t get_code(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t) noexcept {
  const Request* request = Request::find(r);
  if (request == nullptr || request->code().empty()) {
    v->not_found = 1;
    return NGX_OK;
  }
  ngx::set_variable(v, request->code());
  return NGX_OK;
}

ngx_int_t get_scheme(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t) noexcept {
  Request* request = Request::find(r);
  ngx::set_variable(v, request != nullptr ? request->scheme() : scheme_of(r->main));
  v->no_cacheable = 1;
  return NGX_OK;
}

ngx_int_t get_client_net(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t) noexcept {
  Request* request = Request::get(r);
  if (request == nullptr) return NGX_ERROR;
  ngx::set_variable(v, request->client_net());
  v->no_cacheable = 1;
  return NGX_OK;
}

void preconfigure(ngx_conf_t* cf) {
  auto* main =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
  ngx::forget_named_variables();
  ngx::add_variable(cf, "guard_verdict", get_verdict);
  ngx::add_variable(cf, "guard_code", get_code);
  ngx::add_variable(cf, "guard_scheme", get_scheme);
  ngx::add_variable(cf, "guard_client_net", get_client_net);
  if (ngx::module_loaded(cf, "ngx_http_realip_module")) {
    main->realip_remote_addr_index = ngx::variable_index(cf, "realip_remote_addr");
  }
  add_check(cf, kPathCheck);
}

void install_gates(ngx_conf_t* cf) {
  auto* main =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
  check_answers(cf);
  check_policies(cf);
  ngx::warn_of_unknown_variables(cf);
  check_variables(cf);
  main->refusals.add_to(main->metrics);
  main->request_id_used = ngx::is_indexed(cf, "request_id");
  main->request_id_index = ngx::variable_index(cf, "request_id");
  ngx::add_handler(cf, NGX_HTTP_PREACCESS_PHASE, front_gate);
  ngx::add_handler(cf, NGX_HTTP_PRECONTENT_PHASE, inner_gate);
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  adopt_client_key(cycle);
  if (ngx::is_worker()) {
    hold_events();
    // Nobody listens in another process to the event that the first to see the file publishes.
    watch_break_glass(cycle);
  }
  start_jobs(cycle);
  return NGX_OK;
}

void exit_process(ngx_cycle_t* cycle) noexcept {
  release_events();
  stop_watching();
  stop_jobs(cycle);
  free_body_buffer();
  CounterQueue::release_spares();
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_mode"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_mode>),
    ngx::command(ngx_string("guard_break_glass"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_break_glass>),
    ngx::command(ngx_string("guard_exempt"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_exempt>),
    ngx::command(ngx_string("guard_problem"), kAnywhere | NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_problem>),
    ngx::command(ngx_string("guard_error_page"), kAnywhere | NGX_CONF_TAKE1,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_error_page>),
    ngx::command(ngx_string("guard_path"), kAnywhere | NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_path>),
    ngx::command(ngx_string("guard_route"), kAnywhere | NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_route>),
    ngx::command(ngx_string("guard_trusted_proxies"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_trusted_proxies>),
    ngx::command(ngx_string("guard_key_secret"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_key_secret>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>, ngx::configuration<install_gates>,
    ngx::create_conf<MainConf>,       nullptr,
    ngx::create_conf<ServerConf>,     ngx::merge_conf<ServerConf, merge_server>,
    ngx::create_conf<LocationConf>,   ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

}  // namespace guard::core

constinit ngx_module_t ngx_http_guard_module =
    guard::ngx::http_module(&guard::core::context, guard::core::commands,
                            {guard::core::init_process, guard::core::exit_process});
