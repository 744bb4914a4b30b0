// guard_json, guard_json_limits, guard_json_schema and guard_json_set.

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "core/check.h"
#include "core/local_answer.h"
#include "core/metrics.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "json/body_check.h"
#include "json/policy.h"
#include "json/variable.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "ngx/strings.h"

extern "C" {
extern ngx_module_t ngx_http_guard_json_module;
}

namespace guard::json {

namespace {

using core::Answer;
using core::Request;

struct MainConf {
  std::vector<std::string> variables;  // a request's values are in this order
  std::map<SchemaSource, std::shared_ptr<const CompiledSchema>> schemas;
  JsonMetrics metrics;
};

// A guard_json_schema; off: without a program.
struct Contract {
  SchemaPolicy policy;
  std::shared_ptr<const CompiledSchema> schema;
  std::optional<FormReading> forms;
};

struct Policy {
  Mode mode = Mode::off;
  core::JsonLimits limits;
  const SchemaProgram* program = nullptr;
  std::string_view schema;             // its name
  const FormReading* forms = nullptr;  // null: a form is not taken
  Methods methods = kWriting;
  std::size_t errors = 0;
};

struct Setting {
  std::size_t variable = 0;  // index in MainConf::variables
  Extraction extraction;
};

struct LocationConf {
  std::optional<Mode> mode;
  ngx::Place mode_place;  // of this level's own guard_json
  std::optional<core::JsonLimits> limits;
  const LocationConf* limits_owner = nullptr;  // whose level says them
  std::shared_ptr<const Contract> contract;
  std::vector<std::shared_ptr<const Setting>> settings;
  core::PolicyUses uses;  // of limits by their owner, of settings
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
  for (const ngx_table_elt_t& field : ngx::request_fields(request.native())) {
    const char* lower = reinterpret_cast<const char*>(field.lowcase_key);
    state->fields.add({lower, field.key.len}, ngx::to_view(field.value));
  }
  state->fields.add_query(ngx::to_view(request.native()->args));
  state->gathered = true;
  return &state->fields;
}

Methods method_of(const ngx_http_request_t* r) noexcept {
  switch (r->method) {
    case NGX_HTTP_POST:
      return kPost;
    case NGX_HTTP_PUT:
      return kPut;
    case NGX_HTTP_PATCH:
      return kPatch;
    case NGX_HTTP_DELETE:
      return kDelete;
    default:
      return 0;
  }
}

bool writes(const Request& request, const Policy& policy) noexcept {
  return (method_of(request.native()) & policy.methods) != 0;
}

Admission admission_of(Request& request, const Policy& policy, const Fields& fields) noexcept {
  return admit(policy.mode, fields, writes(request, policy), request.has_body(),
               policy.forms != nullptr);
}

core::BodyNeed body_need(Request& request) noexcept {
  const Policy& policy = *location_of(request.native())->policy;
  const Fields* fields = fields_of(request);
  if (fields == nullptr) return {};
  switch (admission_of(request, policy, *fields)) {
    case Admission::check:
      return {true, policy.limits.size};
    case Admission::refuse_media_type:
      // What must have a body is refused without one, too.
      if (policy.mode == Mode::required && writes(request, policy)) return {};
      return need_to_know(request);
    default:
      return {};
  }
}

// The value of a member that is named as one of a variable, but for its case; null: there is none.
const core::JsonNode* fill_variables(Request& request, const LocationConf& conf,
                                     const core::JsonDocument& document) noexcept {
  const core::JsonNode* rival = nullptr;
  auto* state = request.state<State>(core::Feature::json);
  if (state == nullptr) return nullptr;
  if (state->values == nullptr) {
    const std::size_t count = main_of(request.native())->variables.size();
    state->values = static_cast<ngx_str_t*>(ngx_pcalloc(request.pool(), count * sizeof(ngx_str_t)));
    if (state->values == nullptr) return nullptr;
  }
  for (const auto& setting : conf.settings) {
    const std::string_view value = variable_value(document, setting->extraction, rival);
    ngx_str_t& slot = state->values[setting->variable];
    slot = {};
    if (value.empty()) continue;
    auto* data = static_cast<char*>(ngx_pnalloc(request.pool(), value.size()));
    if (data == nullptr) continue;
    write_variable(value, setting->extraction.lower, data);
    slot = ngx::borrow({data, value.size()});
  }
  return rival;
}

// Which of the two an application takes, its language says.
Answer refuse_rival(Request& request, core::Refusal& refusal, const core::JsonDocument& document,
                    const core::JsonNode& rival) noexcept {
  constexpr std::string_view kRival = "an object has members whose names differ in case alone";
  const Code& code = code_of(core::JsonFault::duplicate_key);
  auto* error = request.memory<core::FieldError>(1);
  if (tell(request, document, document.index_of(rival), kRival, code.keyword, error)) {
    refusal.errors = {error, 1};
  }
  return refuse(refusal, code, kRival);
}

Answer evaluate(Request& request, core::Refusal& refusal) noexcept {
  const Policy& policy = *location_of(request.native())->policy;
  if (!request.first_time(&policy)) return set_variables_again(request, refusal);
  const Fields* fields = fields_of(request);
  if (fields == nullptr) return refuse(refusal, code_unavailable(), "no memory is left");
  const Admission admission = admission_of(request, policy, *fields);
  if (admission == Admission::ignore) return Answer::pass;
  if (admission != Admission::check) {
    const FieldRefusal found = refusal_of(admission, *fields, policy.forms != nullptr);
    return refuse(refusal, found.code, found.detail);
  }
  const FormReading* const form = fields->one_form() ? policy.forms : nullptr;
  const BodyRule rule{&policy.limits,
                      policy.program,
                      policy.program == nullptr ? kAnything : policy.program->root,
                      policy.errors,
                      form,
                      policy.schema,
                      form == nullptr ? nullptr : &form->plan()};
  return check_body(request, refusal, rule, [&](const core::JsonDocument& document) {
    return set_variables(request, refusal, document);
  });
}

const core::Check kCheck = {.feature = core::Feature::json,
                            .gate = core::Gate::inner,
                            .evaluate = evaluate,
                            .body_need = body_need,
                            .sets_variables = true};

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

void set_mode(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.mode) core::fail("\"guard_json\" directive is duplicate");
  conf.mode = parse_mode(words);
  conf.mode_place = ngx::place_of(cf);
}

void set_limits(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.limits) core::fail("\"guard_json_limits\" directive is duplicate");
  conf.limits = parse_limits(words);
  conf.limits_owner = &conf;
  core::PolicyUse& use = core::add_json_use(cf, words.directive());
  if (const auto size = words.named("size")) {
    core::add_body_size(use, "size", *size, conf.limits->size);
  }
  conf.uses.add(&conf, use);
}

std::shared_ptr<const CompiledSchema> schema_of(ngx_conf_t* cf, const SchemaSource& source) {
  auto* conf =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_json_module));
  std::shared_ptr<const CompiledSchema>& schema = conf->schemas[source];
  if (schema == nullptr) {
    schema = load_schema(source);
    for (const std::string& warning : schema->warnings) ngx::warn(cf, warning);
  }
  return schema;
}

void set_schema(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.contract != nullptr) core::fail("\"guard_json_schema\" directive is duplicate");
  auto contract = std::make_shared<Contract>();
  if (!words.is_off()) {
    contract->policy = parse_schema(words);
    SchemaSource& source = contract->policy.source;
    source.file = ngx::path_near(cf, source.file);
    if (!source.refs.empty()) source.refs = ngx::path_near(cf, source.refs);
    contract->schema = schema_of(cf, source);
    if (contract->policy.forms)
      contract->forms.emplace(std::make_shared<const FormPlan>(contract->schema->program,
                                                               contract->schema->program.root));
  }
  conf.contract = std::move(contract);
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
  conf.uses.add(setting.get(), core::add_json_use(cf, words.directive()));
  conf.settings.push_back(std::move(setting));
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  const bool same =
      !child.mode && !child.limits && child.contract == nullptr && parent.policy != nullptr;
  const bool switched_off = child.mode == Mode::off;
  const bool asked = child.mode || child.contract != nullptr;
  if (parent.limits && child.limits) {
    ngx::notice(cf,
                "\"guard_json_limits\" of an inner level replaces all that the outer level says "
                "with it");
  }
  if (!child.mode) child.mode = parent.mode;
  if (!child.limits) {
    child.limits = parent.limits;
    child.limits_owner = parent.limits_owner;
  }
  if (child.contract == nullptr) child.contract = parent.contract;
  const bool bound = child.contract != nullptr && child.contract->schema != nullptr;
  if (bound && switched_off) {
    ngx::fail(cf, child.mode_place,
              "\"guard_json off\" contradicts \"guard_json_schema\", which implies \"guard_json "
              "required\"; write \"guard_json_schema off\" as well");
  }
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
    policy->mode = bound ? Mode::required : child.mode.value_or(Mode::off);
    if (child.limits) policy->limits = *child.limits;
    if (bound) {
      policy->program = &child.contract->schema->program;
      policy->schema = name_of_file(child.contract->policy.source.file);
      policy->methods = child.contract->policy.methods;
      policy->errors = child.contract->policy.errors;
      if (child.contract->forms) policy->forms = &*child.contract->forms;
    }
    child.policy = policy;
  }
  // Nothing of what Guard answers itself reaches an application.
  const bool applies = asked || !core::answers_here(cf);
  if (child.policy->mode != Mode::off && applies) core::activate(cf, kCheck);
  child.uses.inherit(parent.uses);
  if (child.limits_owner != nullptr) child.uses.hold(cf, child.limits_owner);
  std::vector<std::string_view> names;
  for (const auto& setting : child.settings) {
    child.uses.hold(cf, setting.get());
    names.emplace_back(setting->extraction.variable);
  }
  if (!names.empty()) core::take_body_variables(cf, std::move(names));
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCheck);
  static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_json_module))
      ->metrics.add_to(core::metrics_of(cf));
}

void exit_process(ngx_cycle_t* /*cycle*/) noexcept {
  core::JsonBody::release();
  body_workers = {};
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_json"), kAnywhere | NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_mode>),
    ngx::command(ngx_string("guard_json_limits"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_limits>),
    ngx::command(ngx_string("guard_json_schema"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_schema>),
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

const core::JsonLimits& limits_of(const core::Request& request) noexcept {
  return location_of(request.native())->policy->limits;
}

core::Answer set_variables(core::Request& request, core::Refusal& refusal,
                           const core::JsonDocument& document) noexcept {
  const LocationConf& conf = *location_of(request.native());
  if (conf.settings.empty()) return Answer::pass;
  const core::JsonNode* rival = fill_variables(request, conf, document);
  if (rival == nullptr || conf.policy->limits.duplicates) return Answer::pass;
  return refuse_rival(request, refusal, document, *rival);
}

core::Answer set_variables_again(core::Request& request, core::Refusal& refusal) noexcept {
  if (location_of(request.native())->settings.empty()) return Answer::pass;
  const core::JsonDocument* document = core::JsonBody::document(request);
  return document == nullptr ? Answer::pass : set_variables(request, refusal, *document);
}

const JsonMetrics& json_metrics_of(const core::Request& request) noexcept {
  return main_of(request.native())->metrics;
}

}  // namespace guard::json

constinit ngx_module_t ngx_http_guard_json_module = guard::ngx::http_module(
    &guard::json::context, guard::json::commands, {nullptr, guard::json::exit_process});
