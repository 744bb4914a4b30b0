// guard_inspect and what belongs to it. The second module file is named after this module, which
// stands first in it.

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/check.h"
#include "core/json_body.h"
#include "core/metric_histogram.h"
#include "core/metrics.h"
#include "core/request.h"
#include "inspect/crs.h"
#include "inspect/inspection.h"
#include "inspect/pattern_cache.h"
#include "inspect/policy.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_inspect_module;
}

namespace guard::inspect {

namespace {

using core::Answer;
using core::Request;

// The most of a body that is looked at.
constexpr std::size_t kMaxBody = 64U << 20;
constexpr std::size_t kMaxFields = 1000;
constexpr std::size_t kMaxRuleText = 512;
constexpr std::size_t kMaxVariableText = 128;

// What makes a program: locations that say the same share it.
struct Source {
  std::vector<std::string> files;
  int paranoia = 0;
  int threshold = 0;
  bool libinjection = true;
  bool response = false;
  int response_threshold = 0;
  std::string excludes;

  auto operator<=>(const Source&) const = default;
};

constexpr core::MetricFamily kScores = {"guard_inspect_score", core::MetricType::histogram, "",
                                        "Anomaly scores of the requests that were inspected"};
constexpr core::MetricFamily kHits = {"guard_inspect_rule_hits", core::MetricType::counter, "",
                                      "Requests in which a rule has found something, by its id"};

struct MainConf {
  std::optional<std::string> cache_directory;  // empty: off
  std::unique_ptr<PatternCache> cache;         // while the configuration is read
  std::string no_cache;                        // why there is none, if not because of "off"
  std::map<Source, std::shared_ptr<const Program>> programs;
  core::Histogram scores{{0, 4, 9, 14, 19, 29, 49, 99}, 0};
  const core::MetricBlock* score_block = nullptr;      // null: nothing is inspected
  std::map<std::uint32_t, const core::Counter*> hits;  // by the ids of all rules that tell
};

struct Policy {
  std::shared_ptr<const Program> program;
  Budget budget;
  bool trust_schema = true;
  ResponsePolicy response;
};

struct LocationConf {
  std::optional<Switch> inspect;
  std::optional<std::vector<std::string>> files;
  std::optional<int> paranoia;
  std::optional<int> threshold;
  std::optional<Budget> budget;
  std::optional<bool> libinjection;
  std::optional<std::string> excludes;
  std::optional<ResponsePolicy> response;
  std::shared_ptr<const Policy> policy;  // null: off
};

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

LocationConf* location_of(ngx_http_request_t* r) noexcept {
  return static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_inspect_module));
}

// gRPC's calls, which may wait for answers before they end ("gRPC over HTTP2", Requests).
bool is_grpc(const ngx_http_request_t* r) noexcept {
  constexpr std::string_view kType = "application/grpc";
  const ngx_table_elt_t* field = r->headers_in.content_type;
  if (field == nullptr || r->http_version != NGX_HTTP_VERSION_20) return false;
  const std::string_view type = ngx::to_view(field->value);
  return type.starts_with(kType) &&
         (type.size() == kType.size() || type[kType.size()] == '+' || type[kType.size()] == ';');
}

core::BodyNeed body_need(Request& request) noexcept {
  const auto* policy = location_of(request.native())->policy.get();
  if (policy == nullptr || !request.has_body() || is_grpc(request.native())) return {};
  return {true, static_cast<std::size_t>(std::min<std::uint64_t>(kMaxBody, policy->budget.units)),
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

// "942100,949110"
std::string_view rule_text(Request& request, const Inspection& inspection) noexcept {
  std::array<char, kMaxRuleText> text{};
  char* out = text.data();
  for (const Match& match : inspection.matches()) {
    if (text.data() + text.size() - out < 12) break;
    if (out != text.data()) *out++ = ',';
    out = std::to_chars(out, text.data() + text.size(), match.rule->id).ptr;
  }
  return copy(request, {text.data(), static_cast<std::size_t>(out - text.data())});
}

std::string_view joined(Request& request, std::string_view first,
                        std::string_view second) noexcept {
  if (first.empty()) return second;
  first = first.substr(0, kMaxRuleText);
  second = second.substr(0, kMaxRuleText);
  std::array<char, 2 * kMaxRuleText + 1> text{};
  char* out = std::copy(first.begin(), first.end(), text.data());
  if (!second.empty()) *out++ = ',';
  out = std::copy(second.begin(), second.end(), out);
  return copy(request, {text.data(), static_cast<std::size_t>(out - text.data())});
}

std::string_view number_text(Request& request, std::int64_t number) noexcept {
  std::array<char, 20> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
  return copy(request, {text.data(), static_cast<std::size_t>(end.ptr - text.data())});
}

// What the event says: which rules, how much, and where the first of them that weighs found it.
std::span<const core::EventLabel> labels_of(Request& request, const Inspection& inspection,
                                            const State& state) noexcept {
  auto* labels =
      static_cast<core::EventLabel*>(ngx_palloc(request.pool(), 3 * sizeof(core::EventLabel)));
  if (labels == nullptr) return {};
  std::string_view variable;
  for (const Match& match : inspection.matches()) {
    if (variable.empty() && match.rule->severity <= 4) {
      variable = match.variable.substr(0, kMaxVariableText);
    }
  }
  new (&labels[0]) core::EventLabel{"rules", state.rules};
  new (&labels[1]) core::EventLabel{"score", number_text(request, state.score)};
  new (&labels[2]) core::EventLabel{"variable", copy(request, variable)};
  return {labels, 3};
}

// Of a rule that found something in several places, and of several links of a chain, one hit.
// result: of a request; null: it is an answer's.
void count(ngx_http_request_t* r, const InspectionResult* result) noexcept {
  const auto& main = *static_cast<const MainConf*>(
      ngx_http_get_module_main_conf(r, ngx_http_guard_inspect_module));
  if (!main.score_block->counts()) return;
  if (result != nullptr) {
    main.scores.record(main.score_block->words(),
                       static_cast<std::uint64_t>(std::max<std::int64_t>(result->score, 0)));
  }
  std::uint32_t last = 0;
  for (const Match& match : worker->matches()) {
    const auto found = main.hits.find(match.rule->id);
    if (match.rule->id != last && found != main.hits.end()) found->second->add();
    last = match.rule->id;
  }
}

// What the rules of the answer will need of those of the request.
void keep(Request& request, const Policy& policy, State& state) noexcept {
  state.policy = &policy;
  state.kept = nullptr;
  if (!policy.response.on || !worker->asks_answers()) return;
  state.kept = worker->keep(
      [](void* pool, std::size_t size) { return ngx_palloc(static_cast<ngx_pool_t*>(pool), size); },
      request.pool());
}

Answer judge(Request& request, core::Refusal& refusal, const Policy& policy,
             const InspectionResult& result) noexcept {
  count(request.native(), &result);
  auto* state = request.state<State>(core::Feature::inspect);
  if (state == nullptr) return refuse(refusal, code_unavailable());
  state->score = result.score;
  state->rules = rule_text(request, *worker);
  keep(request, policy, *state);
  switch (result.outcome) {
    case Outcome::passed:
      return Answer::pass;
    case Outcome::failed:
      return refuse(refusal, code_unavailable());
    case Outcome::over_budget:
      refuse(refusal, code_budget());
      refusal.labels = labels_of(request, *worker, *state);
      if (!policy.budget.pass) return Answer::refuse;
      request.observe(refusal);
      return Answer::pass;
    case Outcome::denied:
      break;
  }
  refuse(refusal, code_of(worker->category()));
  refusal.status = result.status;
  refusal.labels = labels_of(request, *worker, *state);
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

// False: no memory.
bool view_request(Request& request, RequestView& view) noexcept {
  ngx_http_request_t* r = request.native();
  std::size_t count = 0;
  HeaderField* fields = copy_fields(r, ngx::request_fields(r), 0, count);
  if (fields == nullptr) return false;
  view.method = ngx::to_view(r->method_name);
  view.target = ngx::to_view(r->unparsed_uri);
  view.version = version_of(r);
  view.headers = {fields, count};
  view.client_address = ngx::to_view(r->connection->addr_text);
  view.unique_id = request.request_id();
  view.user = ngx::to_view(r->headers_in.user);
  return true;
}

Answer evaluate(Request& request, core::Refusal& refusal) noexcept {
  ngx_http_request_t* r = request.native();
  const auto* policy = location_of(r)->policy.get();
  if (policy == nullptr || !request.first_time(policy)) return Answer::pass;
  if (worker == nullptr) return refuse(refusal, code_unavailable());
  RequestView view;
  if (!view_request(request, view)) return refuse(refusal, code_unavailable());
  if (view.headers.size() > kMaxFields) return refuse(refusal, code_budget());

  const InspectionResult& headers =
      worker->run_headers(*policy->program, view, policy->budget.units);
  if (headers.outcome != Outcome::passed || worker->engine_off()) {
    return judge(request, refusal, *policy, headers);
  }
  std::optional<std::string_view> body = std::string_view{};
  const core::BodyNeed need = body_need(request);
  if (need.wanted) {
    if (request.body_size() > need.limit) return refuse(refusal, code_budget());
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

const core::Check kCheck = {
    core::Feature::inspect, core::Gate::inner, evaluate, nullptr, nullptr, body_need};

// Answers

core::AnswerNeed answer_need(Request& request) noexcept {
  const ngx_http_request_t* r = request.native();
  const auto* policy = location_of(request.native())->policy.get();
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
                     const State& state) noexcept {
  refuse(refusal, code);
  refusal.event = core::EventKind::response_violated;
  refusal.title = response_title();
  refusal.labels = labels_of(request, *worker, state);
  return Answer::refuse;
}

Answer judge_answer(Request& request, core::AnswerBody what, std::string_view body,
                    core::Refusal& refusal) noexcept {
  const auto* policy = location_of(request.native())->policy.get();
  auto* state = request.state<State>(core::Feature::inspect);
  if (policy == nullptr || state == nullptr || state->kept == nullptr) return Answer::pass;
  RequestView view;
  ResponseView response;
  State told;
  if ((what != core::AnswerBody::whole && what != core::AnswerBody::start) ||
      !view_request(request, view) || !view_response(request, response)) {
    return refuse_answer(request, refusal, code_unavailable(), told);
  }
  response.body = body;
  response.body_cut = what == core::AnswerBody::start;
  const InspectionResult& result =
      worker->run_response(*policy->program, view, *state->kept, response, policy->budget.units);
  count(request.native(), nullptr);
  told.score = result.score;
  told.rules = rule_text(request, *worker);
  state->response_score = result.score;
  state->rules = joined(request, state->rules, told.rules);
  switch (result.outcome) {
    case Outcome::passed:
      return Answer::pass;
    case Outcome::failed:
      return refuse_answer(request, refusal, code_unavailable(), told);
    case Outcome::over_budget:
      refuse_answer(request, refusal, code_budget(), told);
      if (!policy->budget.pass) return Answer::refuse;
      request.observe(refusal);
      return Answer::pass;
    case Outcome::denied:
      break;
  }
  refuse_answer(request, refusal, code_of(worker->category()), told);
  refusal.status = result.status;
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

// Configuration

template <class T>
void set_once(const core::Words& words, std::optional<T>& slot, T value) {
  if (slot) core::fail("\"", words.directive(), "\" directive is duplicate");
  slot = std::move(value);
}

void set_inspect(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  set_once(words, conf.inspect, parse_switch(words));
}

void set_rules(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  std::vector<std::string> files;
  for (const std::string_view word : words.all()) {
    // What stands for the rules that are used without this directive.
    if (word == "crs") {
      for (const std::string_view file : {kCrsSetup, kCrsRules}) files.emplace_back(file);
    } else {
      files.emplace_back(ngx::path_near(cf, word));
    }
  }
  set_once(words, conf.files, std::move(files));
}

void set_paranoia(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  set_once(words, conf.paranoia, parse_paranoia(words));
}

void set_threshold(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  set_once(words, conf.threshold, parse_threshold(words));
}

void set_budget(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  set_once(words, conf.budget, parse_budget(words));
}

void set_libinjection(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  set_once(words, conf.libinjection, core::parse_on_off(words.directive(), words[0]));
}

void set_response(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  set_once(words, conf.response, parse_response(words));
}

void set_exclude(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  if (words.is_off()) {
    if (conf.excludes) core::fail("\"guard_inspect_exclude off\" beside other exclusions");
    conf.excludes.emplace();
    return;
  }
  std::string text = parse_exclude(words);
  if (conf.excludes && conf.excludes->empty()) {
    core::fail("\"guard_inspect_exclude\" after \"guard_inspect_exclude off\"");
  }
  conf.excludes = conf.excludes.value_or("") + text;
}

bool write_scores(void* context, std::size_t index, core::MetricText& out) {
  if (index != 0) return false;
  const auto& main = *static_cast<const MainConf*>(context);
  main.scores.write(out, {}, *main.score_block);
  return true;
}

// Rules that have found nothing yet are left out: there are hundreds.
bool write_hits(void* context, std::size_t index, core::MetricText& out) {
  constexpr std::size_t kPiece = 32;
  const auto& hits = static_cast<const MainConf*>(context)->hits;
  if (index * kPiece >= hits.size()) return false;
  auto next = std::next(hits.begin(), static_cast<std::ptrdiff_t>(index * kPiece));
  for (std::size_t i = 0; i < kPiece && next != hits.end(); ++i, ++next) {
    const std::uint64_t count = next->second->value();
    if (count == 0) continue;
    out.sample(core::metric_labels({{"rule", std::to_string(next->first)}}), count);
  }
  return true;
}

// A place for each rule that tells what it has found, kept over reloads by its id.
void count_hits(ngx_conf_t* cf, const Program& program) {
  auto& main = *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_inspect_module));
  core::MetricRegistry& registry = core::metrics_of(cf);
  if (main.score_block == nullptr) {
    main.score_block =
        &registry.block("inspect score", static_cast<std::uint32_t>(main.scores.words()));
    registry.add(kScores, write_scores, &main);
    registry.add(kHits, write_hits, &main);
  }
  for (const Rule& rule : program.rules().rules) {
    if (rule.id == 0 || rule.link || rule.removed || !rule.log) continue;
    const core::Counter*& hits = main.hits[rule.id];
    if (hits == nullptr) {
      hits = &registry.hidden_counter("inspect rule " + std::to_string(rule.id));
    }
  }
}

// Null: without one. The directory of nobody's choice may be missing: /var/cache is not there in
// every container, and is nothing to whoever tries a configuration without being root.
PatternCache* cache_of(MainConf& main) {
  if (main.cache != nullptr || !main.no_cache.empty()) return main.cache.get();
  if (main.cache_directory && main.cache_directory->empty()) return nullptr;
  try {
    main.cache =
        std::make_unique<PatternCache>(main.cache_directory.value_or(std::string(kCacheDirectory)));
  } catch (const core::ConfigError& error) {
    if (main.cache_directory) throw;
    main.no_cache = error.what();
  }
  return main.cache.get();
}

std::shared_ptr<const Program> program_of(ngx_conf_t* cf, const Source& source) {
  auto& main = *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_inspect_module));
  auto& program = main.programs[source];
  if (program != nullptr) return program;
  RuleSet rules = load_rules(source.files, {}, source.excludes);
  ProgramOptions options{source.paranoia, source.threshold, source.libinjection};
  options.response = source.response;
  options.response_threshold = source.response_threshold;
  options.cache = cache_of(main);
  program = std::make_shared<const Program>(std::move(rules), options);
  if (main.cache != nullptr) {
    for (const std::string& warning : main.cache->take_warnings()) ngx::warn(cf, warning);
  }
  count_hits(cf, *program);
  return program;
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  const bool same = !child.inspect && !child.files && !child.paranoia && !child.threshold &&
                    !child.budget && !child.libinjection && !child.excludes && !child.response;
  const auto inherit = [](auto& own, const auto& outer) {
    if (!own) own = outer;
  };
  inherit(child.inspect, parent.inspect);
  inherit(child.files, parent.files);
  inherit(child.paranoia, parent.paranoia);
  inherit(child.threshold, parent.threshold);
  inherit(child.budget, parent.budget);
  inherit(child.libinjection, parent.libinjection);
  inherit(child.excludes, parent.excludes);
  inherit(child.response, parent.response);
  if (!child.inspect || !child.inspect->on) return;
  if (same && parent.policy != nullptr) {
    child.policy = parent.policy;
  } else {
    const ResponsePolicy response = child.response.value_or(ResponsePolicy{});
    const Source source{child.files.value_or(std::vector<std::string>{}),
                        child.paranoia.value_or(1),
                        child.threshold.value_or(0),
                        child.libinjection.value_or(true),
                        response.on,
                        response.threshold,
                        child.excludes.value_or("")};
    child.policy = std::make_shared<const Policy>(Policy{program_of(cf, source),
                                                         child.budget.value_or(Budget{}),
                                                         child.inspect->trust_schema, response});
  }
  if (child.policy->response.on) core::activate(cf, kAnswers);
  core::activate(cf, kCheck);
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCheck);
  ngx::add_variable(cf, "guard_inspect_score", get_score);
  ngx::add_variable(cf, "guard_inspect_rules", get_rules);
  ngx::add_variable(cf, "guard_inspect_response_score", get_response_score);
}

void set_cache(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  set_once(words, conf.cache_directory,
           words.is_off() ? std::string{} : std::string(ngx::path_near(cf, words[0])));
}

// Says what was compiled: seconds of a start or a reload, which should be few.
ngx_int_t tell_compiled(ngx_cycle_t* cycle) noexcept {
  auto* conf = static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_inspect_module));
  if (conf == nullptr || conf->programs.empty()) return NGX_OK;
  std::array<std::size_t, 3> sets{};
  for (const auto& [source, program] : conf->programs) {
    for (std::size_t i = 0; i < sets.size(); ++i) {
      sets[i] += program->sets_from(static_cast<PatternSet::Origin>(i));
    }
  }
  std::string_view from = "no cache";
  if (conf->cache != nullptr) from = conf->cache->directory();
  const std::string_view between = conf->no_cache.empty() ? "" : ": ";
  ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                "guard_inspect: %uz sets of patterns compiled, %uz from %*s, %uz in memory%*s%*s",
                sets[2], sets[1], from.size(), from.data(), sets[0], between.size(), between.data(),
                conf->no_cache.size(), conf->no_cache.data());
  conf->cache.reset();
  return NGX_OK;
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  const auto* conf = static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_inspect_module));
  if (conf == nullptr || conf->programs.empty()) return NGX_OK;
  try {
    worker = std::make_unique<Inspection>();
  } catch (const std::exception&) {
    return NGX_ERROR;
  }
  for (const auto& [source, program] : conf->programs) {
    if (!worker->prepare(*program)) return NGX_ERROR;
  }
  return NGX_OK;
}

void exit_process(ngx_cycle_t* /*cycle*/) noexcept {
  worker.reset();
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_inspect"), kAnywhere | NGX_CONF_TAKE12, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_inspect>),
    ngx::command(ngx_string("guard_inspect_rules"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_rules>),
    ngx::command(ngx_string("guard_inspect_paranoia"), kAnywhere | NGX_CONF_TAKE1,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_paranoia>),
    ngx::command(ngx_string("guard_inspect_threshold"), kAnywhere | NGX_CONF_TAKE1,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_threshold>),
    ngx::command(ngx_string("guard_inspect_budget"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_budget>),
    ngx::command(ngx_string("guard_inspect_exclude"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_exclude>),
    ngx::command(ngx_string("guard_inspect_response"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_response>),
    ngx::command(ngx_string("guard_inspect_libinjection"), kAnywhere | NGX_CONF_TAKE1,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_libinjection>),
    ngx::command(ngx_string("guard_inspect_cache"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_cache>),
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

}  // namespace guard::inspect

constinit ngx_module_t ngx_http_guard_inspect_module = guard::ngx::http_module(
    &guard::inspect::context, guard::inspect::commands,
    {guard::inspect::init_process, guard::inspect::exit_process, guard::inspect::tell_compiled});
