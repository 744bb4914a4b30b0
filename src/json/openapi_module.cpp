// guard_openapi: requests, and answers, are held to an OpenAPI document.

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "core/ascii.h"
#include "core/check.h"
#include "core/local_answer.h"
#include "core/metrics.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "json/body_check.h"
#include "json/method_search.h"
#include "json/openapi.h"
#include "json/openapi_answer.h"
#include "json/openapi_parameters.h"
#include "json/policy.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "ngx/strings.h"

extern "C" {
extern ngx_module_t ngx_http_guard_openapi_module;
}

namespace guard::json {

namespace {

using core::Answer;
using core::Request;

// A document, and what reads the forms that it describes.
struct Description {
  std::shared_ptr<const OpenApi> openapi;
  std::vector<FormReading> forms;  // beside those of openapi
};

struct MainConf {
  // By file, and whether answers are judged.
  std::map<std::pair<std::string, bool>, std::shared_ptr<const Description>> descriptions;
};

// One guard_openapi; off: without a description.
struct Policy {
  OpenApiPolicy words;  // with a base
  std::shared_ptr<const Description> description;
  ngx::Place place;
};

struct LocationConf {
  std::shared_ptr<const Policy> policy;
};

// In the request's pool.
struct State {
  const Policy* policy = nullptr;  // that match belongs to
  OperationMatch match;
  BodyMatch body;
  Fields fields;
  HeaderField* headers = nullptr;
  std::size_t header_count = 0;
  std::string_view content_type;  // the first
};

std::unique_ptr<ParameterReader> parameter_reader;
std::unique_ptr<core::JsonParser> answer_parser;

LocationConf* location_of(ngx_http_request_t* r) noexcept {
  return static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_openapi_module));
}

bool gather_headers(Request& request, State& state) noexcept {
  if (state.headers != nullptr) return true;
  const auto fields = ngx::request_fields(request.native());
  std::size_t count = 0;
  for ([[maybe_unused]] const ngx_table_elt_t& field : fields) ++count;
  state.headers = static_cast<HeaderField*>(
      ngx_palloc(request.pool(), sizeof(HeaderField) * std::max<std::size_t>(count, 1)));
  if (state.headers == nullptr) return false;
  for (const ngx_table_elt_t& each : fields) {
    const char* lower = reinterpret_cast<const char*>(each.lowcase_key);
    const HeaderField field{{lower, each.key.len}, ngx::to_view(each.value)};
    new (&state.headers[state.header_count++]) HeaderField(field);
    state.fields.add(field.name, field.value);
    if (field.name == "content-type" && state.content_type.empty()) {
      state.content_type = field.value;
    }
  }
  state.fields.add_query(ngx::to_view(request.native()->args));
  return true;
}

// What the request is to the document; null: no memory. Found once for each guard_openapi.
const State* state_of(Request& request, const Policy& policy) noexcept {
  auto* state = request.state<State>(core::Feature::openapi);
  if (state == nullptr || !gather_headers(request, *state)) return nullptr;
  if (state->policy != &policy) {
    const OpenApi& openapi = *policy.description->openapi;
    const ngx_http_request_t* r = request.native();
    state->policy = &policy;
    state->match = find_operation(openapi, *policy.words.base, ngx::to_view(r->method_name),
                                  ngx::to_view(r->uri));
    if (state->match.operation != nullptr) request.set_operation(state->match.operation->name);
  }
  if (state->match.operation != nullptr) {
    state->body = choose_body(*policy.description->openapi, *state->match.operation, state->fields,
                              state->content_type, request.has_body());
  }
  return state;
}

bool is_free_form(const BodyMatch& body) noexcept {
  return body.choice == BodyChoice::form && body.form == kNoSchema;
}

// A body that nothing is known of, in place of one that is held to a schema.
bool goes_around(const Policy& policy, const State& state) noexcept {
  const BodyMatch& body = state.body;
  const bool unchecked = body.choice == BodyChoice::unchecked || is_free_form(body);
  return unchecked && policy.words.refuse_unchecked &&
         has_body_schema(*policy.description->openapi, *state.match.operation);
}

// Whether an application may read fields from a body of this type; of none Rack does.
bool may_have_fields(const State& state) noexcept {
  const std::string_view type = state.content_type;
  const auto begins = [type](std::string_view word) {
    return core::equal_without_case(type.substr(0, word.size()), word);
  };
  if (state.fields.content_types() != 1 || type.empty()) return true;
  if (begins("application/grpc")) return false;
  return begins("application/x-www-form-urlencoded") || begins("multipart/") ||
         core::contains_without_case(type, "json");
}

// To applications that take the method of a POST from its body it may be another operation, though
// nothing else is asked of that body.
bool may_name_method(const Policy& policy, const State& state, const Request& request) noexcept {
  if (request.native()->method != NGX_HTTP_POST || !request.has_body()) return false;
  if (state.match.operation != nullptr) return is_free_form(state.body);
  return policy.words.pass_unknown && state.match.path != nullptr && may_have_fields(state);
}

core::BodyNeed body_need(Request& request) noexcept {
  const Policy& policy = *location_of(request.native())->policy;
  const State* state = state_of(request, policy);
  if (state == nullptr) return {};
  if (state->match.operation == nullptr) return {may_name_method(policy, *state, request)};
  if (goes_around(policy, *state)) return need_to_know(request);
  switch (state->body.choice) {
    case BodyChoice::form:
      if (is_free_form(state->body)) return {may_name_method(policy, *state, request)};
      [[fallthrough]];
    case BodyChoice::json:
      return {true, limits_of(request).size};
    case BodyChoice::unexpected:
    case BodyChoice::media_type:
      return need_to_know(request);
    default:
      return {};
  }
}

// Asks by the protocol of CORS, not as an operation (Fetch, "CORS-preflight request").
bool is_preflight(const State& state, const Request& request) noexcept {
  bool origin = false;
  bool method = false;
  for (std::size_t i = 0; i < state.header_count; ++i) {
    origin = origin || state.headers[i].name == "origin";
    method = method || state.headers[i].name == "access-control-request-method";
  }
  // It has no body, and what makes another method of it is no preflight to the application.
  return request.native()->method == NGX_HTTP_OPTIONS && origin && method && !request.has_body() &&
         !state.fields.method_override() && !state.fields.method_in_query();
}

std::string_view name_of(const Policy& policy) noexcept {
  return name_of_file(policy.words.file);
}

Answer refuse_contract(core::Refusal& refusal, const Policy& policy, const Code& code,
                       std::string_view detail) noexcept {
  const Answer answer = refuse(refusal, code, detail);
  refusal.event = core::EventKind::schema_violated;
  refusal.rule = name_of(policy);
  return answer;
}

// Pointers are copied, since they lead into a document that is gone with the next request.
Answer refuse_parameters(Request& request, core::Refusal& refusal, const Policy& policy) noexcept {
  const std::span<const ParameterError> errors = parameter_reader->errors().first(
      std::min(policy.words.errors, parameter_reader->errors().size()));
  auto* list = static_cast<core::FieldError*>(
      ngx_palloc(request.pool(), sizeof(core::FieldError) * errors.size()));
  std::size_t count = 0;
  for (const ParameterError& error : errors) {
    std::array<char, core::JsonParser::kMaxPointer> pointer;
    const std::size_t size = parameter_reader->pointer(error, pointer.data(), pointer.size());
    const ngx_str_t kept = ngx::copy(request.pool(), {pointer.data(), size});
    if (list == nullptr || kept.data == nullptr) break;
    new (&list[count++]) core::FieldError{
        error.detail, ngx::to_view(kept), error.keyword,
        kParameterPlaces[static_cast<std::size_t>(error.parameter->in)], error.parameter->name};
  }
  refusal.errors = {list, count};
  return refuse_contract(refusal, policy, kParameter, "a parameter is not as the API wants it");
}

Answer check_parameters(Request& request, core::Refusal& refusal, const Policy& policy,
                        const State& state) noexcept {
  if (state.match.operation->parameters.empty()) return Answer::pass;
  if (parameter_reader == nullptr) parameter_reader.reset(new (std::nothrow) ParameterReader);
  SchemaEvaluator* const evaluator = worker_evaluator();
  if (parameter_reader == nullptr || evaluator == nullptr) {
    return refuse(refusal, code_unavailable(), "no memory is left");
  }
  const ParameterInput input{ngx::to_view(request.native()->args),
                             {state.headers, state.header_count}};
  const OpenApi& openapi = *policy.description->openapi;
  switch (parameter_reader->read(openapi, state.match, input, *evaluator)) {
    case ParameterReader::Verdict::valid:
      return Answer::pass;
    case ParameterReader::Verdict::invalid:
      return refuse_parameters(request, refusal, policy);
    case ParameterReader::Verdict::pattern_limit:
      return refuse(refusal, code_of(SchemaVerdict::pattern_limit),
                    "a pattern of the API would take too long on a parameter");
    case ParameterReader::Verdict::limit:
      return refuse(refusal, code_of(SchemaVerdict::limit),
                    "the API would take too long on the parameters");
    case ParameterReader::Verdict::memory:
      break;
  }
  return refuse(refusal, code_unavailable(), "no memory is left");
}

constexpr std::string_view kOtherPath = "the path must be written as the document names it";

// Not what an application may take for another operation than Guard does.
Answer check_path(Request& request, core::Refusal& refusal, const Policy& policy,
                  const State& state) noexcept {
  const ngx_http_request_t* r = request.native();
  const std::string_view path = ngx::to_view(r->uri);
  auto* room = request.memory<char>(path.size());
  if (room == nullptr) return refuse(refusal, code_unavailable(), "no memory is left");
  if (!may_be_read_otherwise(*policy.description->openapi, *policy.words.base,
                             ngx::to_view(r->method_name), path, state.match, room)) {
    return Answer::pass;
  }
  return refuse_contract(refusal, policy, kUnknownPath, kOtherPath);
}

// Nor what one takes for it that decodes the path later. One that nginx has rewritten is written
// anew for the upstream.
Answer check_sent_path(Request& request, core::Refusal& refusal, const Policy& policy,
                       const State& state) noexcept {
  const ngx_http_request_t* r = request.native();
  const std::string_view uri = ngx::to_view(r->unparsed_uri);
  const std::string_view sent = uri.substr(0, uri.find('?'));
  if (!r->valid_unparsed_uri || sent.find('%') == std::string_view::npos) return Answer::pass;
  auto* room = request.memory<char>(sent.size());
  if (room == nullptr) return refuse(refusal, code_unavailable(), "no memory is left");
  if (!may_be_read_encoded(*policy.description->openapi, *policy.words.base,
                           ngx::to_view(r->method_name), sent, state.match, room)) {
    return Answer::pass;
  }
  return refuse_contract(refusal, policy, kUnknownPath, kOtherPath);
}

// Nothing: it cannot be read.
std::optional<bool> body_names_method(Request& request) noexcept {
  constexpr std::size_t kPiece = 4096;
  std::array<char, kPiece> piece;
  MethodSearch search;
  for (std::size_t offset = 0;; offset += kPiece) {
    const auto size = request.copy_body(offset, piece.data(), kPiece);
    if (!size) return std::nullopt;
    if (search.feed({piece.data(), *size})) return true;
    if (*size < kPiece) return false;
  }
}

Answer refuse_method(core::Refusal& refusal, const Policy& policy, const State& state) noexcept {
  const FieldRefusal found = refusal_of(BodyChoice::method_override, state.fields);
  return refuse_contract(refusal, policy, found.code, found.detail);
}

// A body that is held to no schema.
Answer search_for_method(Request& request, core::Refusal& refusal, const Policy& policy,
                         const State& state) noexcept {
  // One that was cut is refused by whoever has cut it.
  if (!may_name_method(policy, state, request) || request.body_stopped()) return Answer::pass;
  const std::optional<bool> named = body_names_method(request);
  if (!named) return refuse(refusal, code_unavailable(), "the body could not be read");
  return *named ? refuse_method(refusal, policy, state) : Answer::pass;
}

// Where what is no operation passes: not what an application may take for one all the same.
Answer pass_unknown(Request& request, core::Refusal& refusal, const Policy& policy,
                    const State& state) noexcept {
  const Fields& fields = state.fields;
  if (state.match.path != nullptr && (fields.method_override() || fields.method_in_query())) {
    return refuse_method(refusal, policy, state);
  }
  const Answer method = search_for_method(request, refusal, policy, state);
  return method != Answer::pass ? method : check_path(request, refusal, policy, state);
}

Answer evaluate(Request& request, core::Refusal& refusal) noexcept {
  const Policy& policy = *location_of(request.native())->policy;
  if (!request.first_time(&policy)) return set_variables_again(request, refusal);
  const State* state = state_of(request, policy);
  if (state == nullptr) return refuse(refusal, code_unavailable(), "no memory is left");
  const OperationMatch& match = state->match;
  if (match.operation == nullptr) {
    if (policy.words.pass_unknown) return pass_unknown(request, refusal, policy, *state);
    if (match.path == nullptr) {
      return refuse_contract(refusal, policy, kUnknownPath, "the API has no such path");
    }
    if (is_preflight(*state, request)) return Answer::pass;
    refusal.allow = match.path->allow;
    return refuse_contract(refusal, policy, kUnknownMethod, "the path has no such method");
  }
  if (match.values.count > 0) {
    const Answer path = check_path(request, refusal, policy, *state);
    if (path != Answer::pass) return path;
  }
  const Answer sent = check_sent_path(request, refusal, policy, *state);
  if (sent != Answer::pass) return sent;
  const Answer parameters = check_parameters(request, refusal, policy, *state);
  if (parameters != Answer::pass) return parameters;

  if (goes_around(policy, *state)) {
    const Code& code = refusal_of(BodyChoice::media_type, state->fields).code;
    return refuse_contract(refusal, policy, code,
                           "bodies of this type cannot be held to the document");
  }
  BodyRule rule{&limits_of(request), nullptr, kAnything,
                policy.words.errors, nullptr, name_of(policy)};
  switch (state->body.choice) {
    case BodyChoice::none:
    case BodyChoice::unchecked:
      return Answer::pass;
    case BodyChoice::form:
      if (is_free_form(state->body)) return search_for_method(request, refusal, policy, *state);
      rule.form = &policy.description->forms[state->body.form];
      break;
    case BodyChoice::json:
      break;
    default: {
      const FieldRefusal found = refusal_of(state->body.choice, state->fields);
      return refuse_contract(refusal, policy, found.code, found.detail);
    }
  }
  const OpenApi& openapi = *policy.description->openapi;
  rule.program = &openapi.program;
  rule.block = openapi.block_of(state->body.schema);
  if (state->body.form != kNoSchema) rule.plan = openapi.forms[state->body.form].get();
  rule.openapi = &openapi;
  rule.parameters = match.operation->parameters;
  const Answer answer = check_body(request, refusal, rule, [&](const core::JsonDocument& document) {
    return set_variables(request, refusal, document);
  });
  if (answer != Answer::pass || request.native()->method != NGX_HTTP_POST) return answer;
  const core::JsonDocument* document = core::JsonBody::document(request);
  const bool named = document != nullptr && names_method(openapi, state->body, *document);
  return named ? refuse_method(refusal, policy, *state) : Answer::pass;
}

const core::Check kCheck = {.feature = core::Feature::openapi,
                            .gate = core::Gate::inner,
                            .evaluate = evaluate,
                            .body_need = body_need,
                            .sets_variables = true};

// What the answer of an operation has to be; of another location's answer nothing is known.
std::optional<std::uint32_t> answer_block(Request& request) noexcept {
  const Policy& policy = *location_of(request.native())->policy;
  const auto* state = request.state<State>(core::Feature::openapi);
  if (state == nullptr || state->policy != &policy || state->match.operation == nullptr) {
    return std::nullopt;
  }
  const auto& out = request.native()->headers_out;
  return find_answer(*policy.description->openapi, *state->match.operation,
                     static_cast<unsigned>(out.status), ngx::to_view(out.content_type));
}

core::AnswerNeed answer_need(Request& request) noexcept {
  if (!answer_block(request)) return {};
  const OpenApiPolicy& words = location_of(request.native())->policy->words;
  return {words.responses_size, words.responses == Responses::enforce};
}

std::string_view detail_of(core::AnswerBody what) noexcept {
  switch (what) {
    case core::AnswerBody::encoded:
      return "the answer has a Content-Encoding";
    case core::AnswerBody::partial:
      return "the answer is a part only";
    case core::AnswerBody::too_large:
      return "the answer is larger than \"responses_size\"";
    default:
      return "no memory is left to check the answer";
  }
}

// The place is for the event: the client is not told what is in an answer that it does not get.
Answer refuse_answer(Request& request, core::Refusal& refusal, const Policy& policy,
                     std::string_view detail, std::string_view pointer) noexcept {
  refuse(refusal, kResponse, {});
  refusal.event = core::EventKind::response_violated;
  refusal.rule = name_of(policy);
  const ngx_str_t kept = ngx::copy(request.pool(), pointer);
  auto* place =
      static_cast<core::FieldError*>(ngx_palloc(request.pool(), sizeof(core::FieldError)));
  if (place != nullptr && kept.data != nullptr) {
    new (place) core::FieldError{detail, ngx::to_view(kept), {}};
    refusal.errors = {place, 1};
  }
  return Answer::refuse;
}

Answer judge_answer(Request& request, core::AnswerBody what, std::string_view body,
                    core::Refusal& refusal) noexcept {
  const Policy& policy = *location_of(request.native())->policy;
  const std::optional<std::uint32_t> block = answer_block(request);
  if (!block) return Answer::pass;
  if (answer_parser == nullptr) answer_parser.reset(new (std::nothrow) core::JsonParser);
  SchemaEvaluator* const evaluator = worker_evaluator();
  if (answer_parser == nullptr || evaluator == nullptr) what = core::AnswerBody::unavailable;
  if (what != core::AnswerBody::whole) {
    return refuse_answer(request, refusal, policy, detail_of(what), {});
  }
  const auto fault = find_answer_fault(*answer_parser, *evaluator,
                                       policy.description->openapi->answer_program, *block, body);
  if (!fault) return Answer::pass;
  return refuse_answer(request, refusal, policy, fault->detail, fault->pointer());
}

const core::AnswerCheck kAnswers = {core::Feature::openapi, answer_need, judge_answer};

// RFC 9745. A document says that an operation is deprecated, not since when: docs/decisions.
void send_deprecation(ngx_http_request_t* r, Request* request) noexcept {
  if (request == nullptr) return;
  const auto* state = request->state<State>(core::Feature::openapi);
  if (state == nullptr || state->match.operation == nullptr ||
      !state->match.operation->deprecated) {
    return;
  }
  constexpr std::string_view kName = "Deprecation";
  if (!ngx::has_response_field(r, kName)) ngx::add_stage_field(r, kName, "@0");
}

constexpr core::HeaderStage kDeprecation = {core::kStageHeaders, send_deprecation};

ngx_int_t get_operation(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t) noexcept {
  const Request* request = Request::find(r);
  ngx::set_variable(v, request == nullptr ? std::string_view{} : request->operation());
  v->no_cacheable = 1;
  return NGX_OK;
}

std::shared_ptr<const Description> description_of(ngx_conf_t* cf, const std::string& file,
                                                  bool answers) {
  auto* conf =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_openapi_module));
  std::shared_ptr<const Description>& known = conf->descriptions[{file, answers}];
  if (known != nullptr) return known;
  auto description = std::make_shared<Description>();
  description->openapi = load_openapi(file, answers);
  const OpenApi& openapi = *description->openapi;
  for (const std::string& warning : openapi.warnings) ngx::warn(cf, warning);
  for (const auto& plan : openapi.forms) description->forms.emplace_back(plan);
  return known = std::move(description);
}

void set_openapi(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.policy != nullptr) core::fail("\"guard_openapi\" directive is duplicate");
  auto policy = std::make_shared<Policy>();
  policy->place = ngx::place_of(cf);
  if (!words.is_off()) {
    policy->words = parse_openapi(words);
    policy->words.file = ngx::path_near(cf, policy->words.file);
    policy->description =
        description_of(cf, policy->words.file, policy->words.responses != Responses::off);
    std::optional<std::string>& base = policy->words.base;
    if (!base) base = policy->description->openapi->base;
    if (!base) {
      core::fail("the servers in \"", words[0], "\" have different paths; write \"base=\" to say ",
                 "with which of them requests come here");
    }
  }
  conf.policy = std::move(policy);
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  const bool asked = child.policy != nullptr;
  if (child.policy == nullptr) child.policy = parent.policy;
  if (child.policy == nullptr) return;
  if (child.policy->words.responses == Responses::off) {
    core::leave_answers(cf, core::Feature::openapi);
  }
  if (child.policy->description == nullptr) return;
  // Nothing of what Guard answers itself reaches an application.
  if (!asked && core::answers_here(cf)) return;
  if (!core::require_strict_path(cf)) {
    ngx::fail(
        cf, child.policy->place,
        "\"guard_path off\" contradicts \"guard_openapi\", which implies \"guard_path strict\"");
  }
  core::activate(cf, kCheck);
  core::activate(cf, kDeprecation);
  std::vector<std::string_view> names;
  for (const OpenApiOperation& operation : child.policy->description->openapi->operations) {
    names.emplace_back(operation.name);
  }
  core::declare_operations(cf, std::move(names));
  if (child.policy->words.responses != Responses::off) core::activate(cf, kAnswers);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCheck);
  core::add_header_stage(cf, kDeprecation);
  ngx::add_variable(cf, "guard_openapi_operation", get_operation);
  core::add_inner_variable(cf, core::Feature::openapi, "guard_openapi_operation");
}

void exit_process(ngx_cycle_t* /*cycle*/) noexcept {
  parameter_reader.reset();
  answer_parser.reset();
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_openapi"),
                 NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_openapi>),
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

constinit ngx_module_t ngx_http_guard_openapi_module = guard::ngx::http_module(
    &guard::json::context, guard::json::commands, {nullptr, guard::json::exit_process});
