// guard_json, guard_json_limits and guard_json_set.

#include <algorithm>
#include <memory>

#include "core/check.h"
#include "core/json_body.h"
#include "core/request.h"
#include "json/admission.h"
#include "json/codes.h"
#include "json/policy.h"
#include "json/variable.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_json_module;
}

namespace guard::json {

namespace {

using core::Answer;
using core::Request;

struct MainConf {
  std::vector<std::string> variables;  // a request's values are in this order
};

struct Policy {
  Mode mode = Mode::off;
  core::JsonLimits limits;
};

struct Setting {
  std::size_t variable = 0;  // index in MainConf::variables
  Extraction extraction;
};

struct LocationConf {
  std::optional<Mode> mode;
  std::optional<core::JsonLimits> limits;
  std::vector<std::shared_ptr<const Setting>> settings;
  // Made when locations are merged; shared with the outer level where nothing differs.
  const Policy* policy = nullptr;
};

// In the request's pool.
struct State {
  ngx_str_t* values = nullptr;  // one for each of MainConf::variables
  Fields fields;
  bool gathered = false;
};

MainConf* main_of(ngx_http_request_t* r) noexcept {
  return static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_guard_json_module));
}

LocationConf* location_of(ngx_http_request_t* r) noexcept {
  return static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_json_module));
}

// They are asked for twice: whether to read the body, and whether to check it.
const Fields* fields_of(Request& request) noexcept {
  auto* state = request.state<State>(core::Feature::json);
  if (state == nullptr) return nullptr;
  if (state->gathered) return &state->fields;
  const ngx_list_part_t* part = &request.native()->headers_in.headers.part;
  for (; part != nullptr; part = part->next) {
    const auto* headers = static_cast<const ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      const char* lower = reinterpret_cast<const char*>(headers[i].lowcase_key);
      state->fields.add({lower, headers[i].key.len}, ngx::to_view(headers[i].value));
    }
  }
  state->gathered = true;
  return &state->fields;
}

Admission admission_of(Request& request, const Policy& policy, const Fields& fields) noexcept {
  const bool writes =
      (request.native()->method & (NGX_HTTP_POST | NGX_HTTP_PUT | NGX_HTTP_PATCH)) != 0;
  return admit(policy.mode, fields, writes, request.has_body());
}

core::BodyNeed body_need(Request& request) noexcept {
  const Policy& policy = *location_of(request.native())->policy;
  const Fields* fields = fields_of(request);
  if (fields == nullptr || admission_of(request, policy, *fields) != Admission::check) return {};
  return {true, policy.limits.size};
}

Answer refuse(core::Refusal& refusal, const Code& code, std::string_view detail) noexcept {
  refusal.event = core::EventKind::json_refused;
  refusal.status = code.status;
  refusal.code = code.code;
  refusal.title = code.title;
  refusal.detail = detail;
  return Answer::refuse;
}

// Detail and pointer are copied into the request's pool: the parser's are gone with the next body.
// Without memory for that the refusal merely says less.
Answer refuse(Request& request, core::Refusal& refusal, const core::JsonError& error) noexcept {
  const Code& code = code_of(error.fault);
  if (code.status != 400) return refuse(refusal, code, error.detail);
  auto* detail = static_cast<char*>(ngx_pnalloc(request.pool(), kMaxDetail));
  auto* place =
      static_cast<core::FieldError*>(ngx_palloc(request.pool(), sizeof(core::FieldError)));
  const ngx_str_t pointer = ngx::copy(request.pool(), error.pointer);
  if (detail == nullptr || place == nullptr || pointer.data == nullptr) {
    return refuse(refusal, code, error.detail);
  }
  new (place) core::FieldError{write_detail(error, detail), ngx::to_view(pointer), code.keyword};
  refusal.errors = {place, 1};
  return refuse(refusal, code, place->detail);
}

void set_variables(Request& request, const LocationConf& conf,
                   const core::JsonDocument& document) noexcept {
  auto* state = request.state<State>(core::Feature::json);
  if (state == nullptr) return;
  if (state->values == nullptr) {
    const std::size_t count = main_of(request.native())->variables.size();
    state->values = static_cast<ngx_str_t*>(ngx_pcalloc(request.pool(), count * sizeof(ngx_str_t)));
    if (state->values == nullptr) return;
  }
  for (const auto& setting : conf.settings) {
    const std::string_view value = variable_value(document, setting->extraction);
    ngx_str_t& slot = state->values[setting->variable];
    slot = {};
    if (value.empty()) continue;
    auto* data = static_cast<char*>(ngx_pnalloc(request.pool(), value.size()));
    if (data == nullptr) continue;
    write_variable(value, setting->extraction.lower, data);
    slot = ngx::borrow({data, value.size()});
  }
}

Answer evaluate(Request& request, core::Refusal& refusal) noexcept {
  const LocationConf& conf = *location_of(request.native());
  const Policy& policy = *conf.policy;
  if (!request.first_time(&policy)) return Answer::pass;
  const Fields* fields = fields_of(request);
  if (fields == nullptr) return refuse(refusal, code_unavailable(), "no memory is left");
  const Admission admission = admission_of(request, policy, *fields);
  if (admission == Admission::ignore) return Answer::pass;
  if (admission != Admission::check) {
    const FieldRefusal found = refusal_of(admission, *fields);
    return refuse(refusal, found.code, found.detail);
  }
  if (request.body_size() > policy.limits.size) {
    return refuse(refusal, code_of(core::JsonFault::size), "the body is too large");
  }
  const core::JsonBody::Result result = core::JsonBody::parse(request, policy.limits);
  switch (result.state) {
    case core::JsonBody::State::valid:
      if (!conf.settings.empty()) set_variables(request, conf, *result.document);
      return Answer::pass;
    case core::JsonBody::State::invalid:
      return refuse(request, refusal, *result.error);
    case core::JsonBody::State::unavailable:
      break;
  }
  return refuse(refusal, code_unavailable(), "the body could not be read");
}

const core::Check kCheck = {
    core::Feature::json, core::Gate::inner, evaluate, nullptr, nullptr, body_need};

ngx_int_t get_variable(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                       uintptr_t index) noexcept {
  std::string_view value;
  if (Request* request = Request::find(r)) {
    const auto* state = request->state<State>(core::Feature::json);
    if (state != nullptr && state->values != nullptr) value = ngx::to_view(state->values[index]);
  }
  ngx::set_variable(v, value);
  // What is asked for before the body is read must not stay empty.
  v->no_cacheable = 1;
  return NGX_OK;
}

// The index of the variable, which is made if this is its first guard_json_set.
std::size_t declare_variable(ngx_conf_t* cf, const std::string& name) {
  auto& variables =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_json_module))
          ->variables;
  const auto known = std::find(variables.begin(), variables.end(), name);
  const auto index = static_cast<std::size_t>(known - variables.begin());
  if (known == variables.end()) {
    ngx::add_variable(cf, name, get_variable, index);
    core::add_body_variable(cf, name);
    variables.push_back(name);
  }
  return index;
}

void set_mode(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  if (conf.mode) core::fail("\"guard_json\" directive is duplicate");
  conf.mode = parse_mode(words);
}

void set_limits(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  if (conf.limits) core::fail("\"guard_json_limits\" directive is duplicate");
  conf.limits = parse_limits(words);
}

void set_extraction(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  auto setting = std::make_shared<Setting>();
  setting->extraction = parse_extraction(words);
  for (const auto& other : conf.settings) {
    if (other->extraction.variable == setting->extraction.variable) {
      core::fail("duplicate variable \"$", setting->extraction.variable, "\"");
    }
  }
  setting->variable = declare_variable(cf, setting->extraction.variable);
  conf.settings.push_back(std::move(setting));
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  const bool same = !child.mode && !child.limits && parent.policy != nullptr;
  if (parent.limits && child.limits) {
    ngx::notice(cf,
                "\"guard_json_limits\" of an inner level replaces all that the outer level says "
                "with it");
  }
  if (!child.mode) child.mode = parent.mode;
  if (!child.limits) child.limits = parent.limits;
  for (const auto& setting : parent.settings) {
    const bool replaced =
        std::any_of(child.settings.begin(), child.settings.end(),
                    [&](const auto& own) { return own->variable == setting->variable; });
    if (!replaced) child.settings.push_back(setting);
  }
  if (same) {
    child.policy = parent.policy;
  } else {
    auto* policy = ngx::pool_new<Policy>(cf->pool);
    policy->mode = child.mode.value_or(Mode::off);
    if (child.limits) policy->limits = *child.limits;
    child.policy = policy;
  }
  if (child.policy->mode != Mode::off) core::activate(cf, kCheck);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCheck);
}

void exit_process(ngx_cycle_t* /*cycle*/) noexcept {
  core::JsonBody::release();
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_json"), kAnywhere | NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_mode>),
    ngx::command(ngx_string("guard_json_limits"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_limits>),
    ngx::command(ngx_string("guard_json_set"), kAnywhere | NGX_CONF_2MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_extraction>),
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
    ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

}  // namespace guard::json

constinit ngx_module_t ngx_http_guard_json_module = guard::ngx::http_module(
    &guard::json::context, guard::json::commands, {nullptr, guard::json::exit_process});
