// What guard_inspect does with requests and answers: they are shown to the rules, and what those
// say is done. What was configured is inspect_module.cpp's.

#include "inspect/inspection_module.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "core/ascii.h"
#include "core/check.h"
#include "core/json_body.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "inspect/inspect_module.h"
#include "inspect/inspection.h"
#include "inspect/rule_list.h"
#include "inspect/xml_text.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_inspection_module;
}

namespace guard::inspect {

namespace {

using core::Answer;
using core::Request;

// The most of a body that is looked at.
constexpr std::size_t kMaxBody = 64U << 20;
constexpr std::size_t kMaxFields = 1000;

// In the request's pool.
struct State {
  std::int64_t score = 0;
  std::string_view rules;
  // For the answer; null: no rules are asked of it.
  const KeptState* kept = nullptr;
  const Policy* policy = nullptr;
  std::optional<std::int64_t> response_score;
};

// Of a worker.
std::unique_ptr<Inspection> worker;

// gRPC's calls, which may wait for answers before they end ("gRPC over HTTP2", Requests).
bool is_grpc(const ngx_http_request_t* r) noexcept {
  constexpr std::string_view kType = "application/grpc";
  if (r->headers_in.content_type == nullptr || r->http_version != NGX_HTTP_VERSION_20) return false;
  const ngx_table_elt_t* field = nullptr;
  for (const ngx_table_elt_t& each : ngx::request_fields(r)) {
    if (!core::equal_in_cgi(ngx::to_view(each.key), "content-type")) continue;
    if (field != nullptr) return false;
    field = &each;
  }
  const std::string_view type = ngx::to_view(field->value);
  return type.starts_with(kType) &&
         (type.size() == kType.size() || type[kType.size()] == '+' || type[kType.size()] == ';');
}

core::BodyNeed body_need(Request& request) noexcept {
  const auto* policy = policy_of(request.native());
  if (policy == nullptr || !request.has_body() || is_grpc(request.native())) return {};
  // What is over the budget is not read, unless it passes.
  const std::uint64_t most = policy->budget.pass ? kMaxBody : policy->budget.units;
  return {true, static_cast<std::size_t>(std::min<std::uint64_t>(kMaxBody, most)),
          policy->trust_schema};
}

std::string_view version_of(const ngx_http_request_t* r) noexcept {
  switch (r->http_version) {
    case NGX_HTTP_VERSION_9:
      return "0.9";
    case NGX_HTTP_VERSION_10:
      return "1.0";
    case NGX_HTTP_VERSION_20:
      return "2.0";
    default:
      return r->http_version > NGX_HTTP_VERSION_20 ? "3.0" : "1.1";
  }
}

Answer refuse(core::Refusal& refusal, const Code& code) noexcept {
  refusal.feature = core::Feature::inspect;
  refusal.event = core::EventKind::injection_detected;
  refusal.status = code.status;
  refusal.code = code.code;
  refusal.title = code.title;
  return Answer::refuse;
}

std::string_view copy(Request& request, std::string_view text) noexcept {
  return ngx::to_view(ngx::copy(request.pool(), text));
}

std::string_view rule_text(Request& request, const Inspection& inspection) noexcept {
  RuleListText text;
  return copy(request, list_rules(inspection.matches(), text));
}

std::string_view number_text(Request& request, std::int64_t number) noexcept {
  std::array<char, 20> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
  return copy(request, {text.data(), static_cast<std::size_t>(end.ptr - text.data())});
}

// What the event says: which rules, how much, and where the first of them that weighs found it; and
// what, if that is asked for.
void describe(Request& request, const Inspection& inspection, const Policy& policy,
              const State& state, core::Refusal& refusal) noexcept {
  refusal.rules = state.rules;
  refusal.score = static_cast<std::uint64_t>(std::max<std::int64_t>(state.score, 0));
  const std::size_t count = policy.excerpt ? 2 : 1;
  auto* labels = request.memory<core::EventLabel>(count);
  if (labels == nullptr) return;
  const std::vector<Match>& matches = inspection.matches();
  new (&labels[0]) core::EventLabel{"variable", copy(request, first_place(matches))};
  if (policy.excerpt) {
    new (&labels[1]) core::EventLabel{"excerpt", copy(request, first_excerpt(matches))};
  }
  refusal.labels = {labels, count};
}

// What the rules of the answer will need of those of the request. False: no memory.
bool keep(Request& request, const Policy& policy, State& state) noexcept {
  state.policy = &policy;
  state.kept = nullptr;
  if (!policy.response.on || !worker->asks_answers()) return true;
  state.kept = worker->keep(
      [](void* pool, std::size_t size) { return ngx_palloc(static_cast<ngx_pool_t*>(pool), size); },
      request.pool());
  return state.kept != nullptr;
}

// A request that is more work than it may be. refusal: it is filled.
Answer over_budget(Request& request, const Policy& policy, core::Refusal& refusal) noexcept {
  if (!policy.budget.pass) return Answer::refuse;
  request.observe(refusal);
  return Answer::pass;
}

Answer judge(Request& request, core::Refusal& refusal, const Policy& policy,
             const InspectionResult& result) noexcept {
  count_score(request.native(), result.score);
  count_rules(request.native(), worker->matches());
  auto* state = request.state<State>(core::Feature::inspect);
  if (state == nullptr) return refuse(refusal, code_unavailable());
  state->score = result.score;
  state->rules = rule_text(request, *worker);
  const bool kept = keep(request, policy, *state);
  switch (result.outcome) {
    case Outcome::passed:
      return kept ? Answer::pass : refuse(refusal, code_unavailable());
    case Outcome::failed:
      return refuse(refusal, code_unavailable());
    case Outcome::over_budget:
      refuse(refusal, code_budget());
      describe(request, *worker, policy, *state, refusal);
      return over_budget(request, policy, refusal);
    case Outcome::denied:
      break;
  }
  refuse(refusal, code_of(worker->category()));
  refusal.status = result.status;
  refusal.location = copy(request, result.location);
  describe(request, *worker, policy, *state, refusal);
  return Answer::refuse;
}

// more: how many will be added. Null: no memory.
template <class Fields>
HeaderField* copy_fields(ngx_http_request_t* r, const Fields& fields, std::size_t more,
                         std::size_t& count) noexcept {
  count = 0;
  for ([[maybe_unused]] const ngx_table_elt_t& field : fields) ++count;
  auto* copy =
      static_cast<HeaderField*>(ngx_palloc(r->pool, (count + more + 1) * sizeof(HeaderField)));
  if (copy == nullptr) return nullptr;
  count = 0;
  for (const ngx_table_elt_t& field : fields) {
    // What has been taken out of an answer has no hash any more.
    if (field.hash == 0) continue;
    new (&copy[count++]) HeaderField{ngx::to_view(field.key), ngx::to_view(field.value)};
  }
  return copy;
}

// The ends of the connection, where a rule asks for them. An address of a socket file is none.
void view_connection(Request& request, const RuleSet& rules, RequestView& view) noexcept {
  const auto named = [&](Collection collection) { return rules.named[index_of(collection)]; };
  ngx_connection_t* c = request.native()->connection;
  const auto port = [&](sockaddr* address) {
    const in_port_t number = ngx_inet_get_port(address);
    return number == 0 ? std::string_view{} : number_text(request, number);
  };
  if (named(Collection::remote_port)) view.client_port = port(c->sockaddr);
  if (!named(Collection::server_addr) && !named(Collection::server_port)) return;
  std::array<u_char, NGX_SOCKADDR_STRLEN> text{};
  ngx_str_t address{text.size(), text.data()};
  if (ngx_connection_local_sockaddr(c, &address, 0) != NGX_OK) return;
  view.server_address = copy(request, ngx::to_view(address));
  view.server_port = port(c->local_sockaddr);
}

// False: no memory.
bool view_request(Request& request, const RuleSet& rules, RequestView& view) noexcept {
  ngx_http_request_t* r = request.native();
  std::size_t count = 0;
  HeaderField* fields = copy_fields(r, ngx::request_fields(r), 0, count);
  if (fields == nullptr) return false;
  view.method = ngx::to_view(r->method_name);
  view.target = ngx::to_view(r->unparsed_uri);
  const std::size_t question = std::min(view.target.find('?'), view.target.size());
  const std::string_view own = view.target.substr(std::min(question + 1, view.target.size()));
  if (ngx::to_view(r->args) != own) view.rewritten_query = ngx::to_view(r->args);
  view.version = version_of(r);
  view.headers = {fields, count};
  view.client_address = ngx::to_view(r->connection->addr_text);
  view.unique_id = request.request_id();
  view_connection(request, rules, view);
  return true;
}

Answer evaluate(Request& request, core::Refusal& refusal) noexcept {
  ngx_http_request_t* r = request.native();
  const auto* policy = policy_of(r);
  if (policy == nullptr || !request.first_time(policy)) return Answer::pass;
  if (worker == nullptr) return refuse(refusal, code_unavailable());
  RequestView view;
  if (!view_request(request, policy->program->rules(), view))
    return refuse(refusal, code_unavailable());
  if (view.headers.size() > kMaxFields) {
    refuse(refusal, code_budget());
    return over_budget(request, *policy, refusal);
  }

  const InspectionResult& headers =
      worker->run_headers(*policy->program, view, policy->budget.units);
  if (headers.outcome != Outcome::passed) return judge(request, refusal, *policy, headers);
  // Also where a rule has switched the engine off: what has not been read cannot be passed on.
  const core::BodyNeed need = body_need(request);
  if (need.wanted && request.body_size() > need.limit) return refuse(refusal, code_budget());
  if (worker->engine_off()) return judge(request, refusal, *policy, headers);
  std::optional<std::string_view> body = std::string_view{};
  if (need.wanted) {
    body = request.body();
    if (!body) return refuse(refusal, code_unavailable());
  }
  const core::JsonDocument* document =
      worker->processor() == BodyProcessor::json ? core::JsonBody::document(request) : nullptr;
  if (document == nullptr) return judge(request, refusal, *policy, worker->run_body(*body));
  std::span<const std::uint64_t> trusted;
  if (policy->trust_schema) trusted = core::JsonBody::confined(request);
  return judge(request, refusal, *policy, worker->run_body(*body, *document, trusted));
}

const core::Check kCheck = {.feature = core::Feature::inspect,
                            .gate = core::Gate::inner,
                            .evaluate = evaluate,
                            .body_need = body_need};

// Answers

core::AnswerNeed answer_need(Request& request) noexcept {
  const ngx_http_request_t* r = request.native();
  const auto* policy = policy_of(request.native());
  const auto* state = request.state<State>(core::Feature::inspect);
  if (policy == nullptr || !policy->response.on || state == nullptr || state->kept == nullptr ||
      state->policy != policy || worker == nullptr ||
      !policy->response.takes(ngx::to_view(r->headers_out.content_type))) {
    return {};
  }
  return {policy->response.size, true, true};
}

bool view_response(Request& request, ResponseView& view) noexcept {
  ngx_http_request_t* r = request.native();
  std::size_t count = 0;
  HeaderField* fields = copy_fields(r, ngx::response_fields(r), 2, count);
  if (fields == nullptr) return false;
  view.status = number_text(request, static_cast<std::int64_t>(r->headers_out.status));
  view.version = version_of(r);
  view.content_type = ngx::to_view(r->headers_out.content_type);
  new (&fields[count++]) HeaderField{"Content-Type", view.content_type};
  if (r->headers_out.content_length_n >= 0) {
    view.content_length =
        number_text(request, static_cast<std::int64_t>(r->headers_out.content_length_n));
    new (&fields[count++]) HeaderField{"Content-Length", view.content_length};
  }
  view.headers = {fields, count};
  return true;
}

Answer refuse_answer(Request& request, core::Refusal& refusal, const Code& code,
                     const Policy& policy, const State& state) noexcept {
  refuse(refusal, code);
  refusal.event = core::EventKind::response_violated;
  refusal.title = response_title();
  describe(request, *worker, policy, state, refusal);
  return Answer::refuse;
}

Answer judge_answer(Request& request, core::AnswerBody what, std::string_view body,
                    core::Refusal& refusal) noexcept {
  const auto* policy = policy_of(request.native());
  auto* state = request.state<State>(core::Feature::inspect);
  if (policy == nullptr || state == nullptr || state->kept == nullptr) return Answer::pass;
  RequestView view;
  ResponseView response;
  State told;
  if ((what != core::AnswerBody::whole && what != core::AnswerBody::start) ||
      !view_request(request, policy->program->rules(), view) || !view_response(request, response)) {
    return refuse_answer(request, refusal, code_unavailable(), *policy, told);
  }
  response.body = body;
  response.body_cut = what == core::AnswerBody::start;
  const InspectionResult& result =
      worker->run_response(*policy->program, view, *state->kept, response, policy->budget.units);
  count_rules(request.native(), worker->matches());
  told.score = result.score;
  told.rules = rule_text(request, *worker);
  state->response_score = result.score;
  RuleListText text;
  state->rules = copy(request, join_rules(state->rules, told.rules, text));
  switch (result.outcome) {
    case Outcome::passed:
      return Answer::pass;
    case Outcome::failed:
      return refuse_answer(request, refusal, code_unavailable(), *policy, told);
    case Outcome::over_budget:
      refuse_answer(request, refusal, code_budget(), *policy, told);
      return over_budget(request, *policy, refusal);
    case Outcome::denied:
      break;
  }
  refuse_answer(request, refusal, code_of(worker->category()), *policy, told);
  refusal.status = result.status;
  refusal.location = copy(request, result.location);
  return Answer::refuse;
}

const core::AnswerCheck kAnswers = {core::Feature::inspect, answer_need, judge_answer};

// Variables

const State* state_of(ngx_http_request_t* r) noexcept {
  Request* request = Request::find(r);
  return request == nullptr ? nullptr : request->state<State>(core::Feature::inspect);
}

ngx_int_t get_score(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                    uintptr_t /*data*/) noexcept {
  const State* state = state_of(r);
  std::string_view text;
  if (state != nullptr) text = number_text(*Request::find(r), state->score);
  ngx::set_variable(v, text);
  v->no_cacheable = 1;
  return NGX_OK;
}

ngx_int_t get_rules(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                    uintptr_t /*data*/) noexcept {
  const State* state = state_of(r);
  ngx::set_variable(v, state == nullptr ? std::string_view{} : state->rules);
  v->no_cacheable = 1;
  return NGX_OK;
}

ngx_int_t get_response_score(ngx_http_request_t* r, ngx_http_variable_value_t* v,
                             uintptr_t /*data*/) noexcept {
  const State* state = state_of(r);
  std::string_view text;
  if (state != nullptr && state->response_score) {
    text = number_text(*Request::find(r), *state->response_score);
  }
  ngx::set_variable(v, text);
  v->no_cacheable = 1;
  return NGX_OK;
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCheck);
  ngx::add_variable(cf, "guard_inspect_score", get_score);
  ngx::add_variable(cf, "guard_inspect_rules", get_rules);
  core::add_inner_variable(cf, core::Feature::inspect, "guard_inspect_score");
  core::add_inner_variable(cf, core::Feature::inspect, "guard_inspect_rules");
  ngx::add_variable(cf, "guard_inspect_response_score", get_response_score);
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  if (!ngx::is_worker()) return NGX_OK;
  try {
    const std::vector<const Program*> programs = programs_of(cycle);
    if (programs.empty()) return NGX_OK;
    worker = std::make_unique<Inspection>();
    for (const Program* program : programs) {
      if (!worker->prepare(*program)) return NGX_ERROR;
    }
  } catch (const std::exception&) {
    return NGX_ERROR;
  }
  return NGX_OK;
}

void exit_process(ngx_cycle_t* /*cycle*/) noexcept {
  worker.reset();
  XmlText::release();
}

ngx_http_module_t context = {
    ngx::configuration<preconfigure>, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
};

}  // namespace

void use_inspection(ngx_conf_t* cf, const Policy& policy) {
  if (policy.response.on) core::activate(cf, kAnswers);
  core::activate(cf, kCheck);
}

}  // namespace guard::inspect

constinit ngx_module_t ngx_http_guard_inspection_module =
    guard::ngx::http_module(&guard::inspect::context, nullptr,
                            {guard::inspect::init_process, guard::inspect::exit_process});
