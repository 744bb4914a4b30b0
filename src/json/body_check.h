// What guard_json_schema and guard_openapi do alike with a body.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/json_body.h"
#include "core/json_pointer.h"
#include "core/request.h"
#include "json/admission.h"
#include "json/codes.h"
#include "json/confinement.h"
#include "json/form.h"
#include "json/form_plan.h"
#include "json/form_query.h"
#include "json/json_metrics.h"
#include "json/openapi.h"
#include "json/schema_evaluator.h"
#include "ngx/strings.h"

namespace guard::json {

// guard_json_limits of the request's location.
const core::JsonLimits& limits_of(const core::Request& request) noexcept;
const JsonMetrics& json_metrics_of(const core::Request& request) noexcept;
// Sets the variables of guard_json_set in the request's location. Refuses where applications differ
// in which member they take for one, unless its limits allow duplicates.
core::Answer set_variables(core::Request& request, core::Refusal& refusal,
                           const core::JsonDocument& document) noexcept;
// The same of a body that has been checked before: the location of an internal redirect may have
// settings of its own.
core::Answer set_variables_again(core::Request& request, core::Refusal& refusal) noexcept;

struct BodyWorkers {
  std::unique_ptr<SchemaEvaluator> evaluator;
  std::unique_ptr<FormReader> form_reader;
};

// Of the worker, made by whoever needs one first.
inline BodyWorkers body_workers;

inline SchemaEvaluator* worker_evaluator() noexcept {
  auto& evaluator = body_workers.evaluator;
  if (evaluator == nullptr) evaluator.reset(new (std::nothrow) SchemaEvaluator);
  return evaluator.get();
}

inline FormReader* worker_form_reader() noexcept {
  auto& reader = body_workers.form_reader;
  if (reader == nullptr) reader.reset(new (std::nothrow) FormReader);
  return reader.get();
}

// A form as the object that a schema wants.
class FormReading : public core::BodyReading {
 public:
  explicit FormReading(std::shared_ptr<const FormPlan> plan) : plan_(std::move(plan)) {}

  std::optional<std::string_view> read(std::string_view body, const core::JsonLimits& limits,
                                       core::Scratch<char>& out,
                                       core::JsonError& error) const noexcept override {
    FormReader* const reader = worker_form_reader();
    if (reader == nullptr) {
      error = {core::JsonFault::memory, 0, "no memory is left to check the body", ""};
      return std::nullopt;
    }
    const auto text = reader->read(body, *plan_, limits, out);
    if (!text) error = reader->error();
    return text;
  }

  const FormPlan& plan() const noexcept { return *plan_; }

 private:
  std::shared_ptr<const FormPlan> plan_;
};

// What there must not be, as far as it takes to know that there is none.
inline core::BodyNeed need_to_know(const core::Request& request) noexcept {
  return {request.has_open_body(), 1};
}

struct BodyRule {
  const core::JsonLimits* limits = nullptr;
  const SchemaProgram* program = nullptr;             // null: any JSON
  std::uint32_t block = kAnything;                    // of program
  std::size_t errors = 10;                            // at most so many are told
  const FormReading* form = nullptr;                  // the body is a form, which this reads
  std::string_view name;                              // of the schema, for the event
  const FormPlan* plan = nullptr;                     // what the query must not contradict
  const OpenApi* openapi = nullptr;                   // of the next
  std::span<const OpenApiParameter> parameters = {};  // of the operation
};

inline core::Answer refuse(core::Refusal& refusal, const Code& code,
                           std::string_view detail) noexcept {
  refusal.event = core::EventKind::json_refused;
  refusal.status = code.status;
  refusal.code = code.code;
  refusal.title = code.title;
  refusal.detail = detail;
  return core::Answer::refuse;
}

// Detail and pointer are copied into the request's pool: the parser's are gone with the next body.
// Without memory for that the refusal merely says less.
inline core::Answer refuse(core::Request& request, core::Refusal& refusal,
                           const core::JsonError& error, bool form) noexcept {
  const Code& code = form ? form_code_of(error.fault) : code_of(error.fault);
  if (code.status != 400) return refuse(refusal, code, error.detail);
  char* detail = request.memory<char>(kMaxDetail);
  auto* place = request.memory<core::FieldError>(1);
  const auto pointer = request.keep(error.pointer);
  if (detail == nullptr || place == nullptr || !pointer) {
    return refuse(refusal, code, error.detail);
  }
  new (place) core::FieldError{write_detail(error, detail), *pointer, code.keyword};
  refusal.errors = {place, 1};
  return refuse(refusal, code, place->detail);
}

// Pointers are copied into the request's pool, since they lead into a document that is gone with
// the next body; details are the schema's own.
inline bool tell(core::Request& request, const core::JsonDocument& document, std::uint32_t node,
                 std::string_view detail, std::string_view keyword, core::FieldError* to) noexcept {
  std::array<char, core::JsonParser::kMaxPointer> pointer;
  const std::size_t size = core::write_json_pointer(document, node, pointer.data(), pointer.size());
  const auto kept = request.keep({pointer.data(), size});
  if (to == nullptr || !kept) return false;
  new (to) core::FieldError{detail, *kept, keyword};
  return true;
}

inline core::Answer refuse_as_invalid(core::Refusal& refusal, const BodyRule& rule,
                                      std::span<const core::FieldError> errors) noexcept {
  refusal.errors = errors;
  refuse(refusal, code_of(SchemaVerdict::invalid),
         rule.form != nullptr ? "the form is not as the schema wants it"
                              : "the body is JSON, but not as the schema wants it");
  refusal.event = core::EventKind::schema_violated;
  refusal.rule = rule.name;
  return core::Answer::refuse;
}

inline core::Answer refuse(core::Request& request, core::Refusal& refusal, const BodyRule& rule,
                           const core::JsonDocument& document,
                           std::span<const SchemaError> errors) noexcept {
  auto* list = request.memory<core::FieldError>(errors.size());
  std::size_t count = 0;
  for (const SchemaError& error : errors) {
    if (list == nullptr ||
        !tell(request, document, error.node, error.detail, name_of(error.keyword), list + count)) {
      break;
    }
    ++count;
  }
  return refuse_as_invalid(refusal, rule, {list, count});
}

inline core::Answer refuse_lookalike(core::Request& request, core::Refusal& refusal,
                                     const BodyRule& rule, const core::JsonDocument& document,
                                     std::uint32_t node) noexcept {
  auto* error = request.memory<core::FieldError>(1);
  const bool told = tell(request, document, node, kLookalike, {}, error);
  return refuse_as_invalid(refusal, rule, {error, told ? 1U : 0U});
}

// A body that satisfies its schema, but is not what every application takes it for.
inline core::Answer check_names(core::Request& request, core::Refusal& refusal,
                                const BodyRule& rule, const core::JsonDocument& document) noexcept {
  if (rule.form != nullptr) {
    const std::uint32_t node = rule.form->plan().lookalike(document);
    if (node != 0) return refuse_lookalike(request, refusal, rule, document, node);
  }
  const std::string_view query = ngx::to_view(request.native()->args);
  if (query.empty() || rule.plan == nullptr || document.root().type != core::JsonType::object) {
    return core::Answer::pass;
  }
  auto* room = request.memory<char>(query.size());
  if (room == nullptr) return refuse(refusal, code_unavailable(), "no memory is left");
  if (!query_contradicts(*rule.plan, document, query, rule.openapi, rule.parameters, room)) {
    return core::Answer::pass;
  }
  refuse_as_invalid(refusal, rule, {});
  refusal.detail = rule.form != nullptr ? "the query names a field of the form with another value"
                                        : "the query names a member of the body with another value";
  return core::Answer::refuse;
}

// Without memory for it nothing is known to be confined.
inline void confine(core::Request& request, const BodyRule& rule,
                    const core::JsonDocument& document) noexcept {
  const std::size_t words = core::JsonBody::confinement_words(document);
  auto* bits = request.memory<std::uint64_t>(words);
  if (bits == nullptr) return;
  std::fill_n(bits, words, 0);
  mark_confined(*rule.program, rule.block, document, {bits, words});
  core::JsonBody::confine(request, {bits, words});
}

inline core::Answer check_schema(core::Request& request, core::Refusal& refusal,
                                 const BodyRule& rule,
                                 const core::JsonDocument& document) noexcept {
  SchemaEvaluator* const evaluator = worker_evaluator();
  const SchemaVerdict verdict =
      evaluator == nullptr
          ? SchemaVerdict::memory
          : evaluator->evaluate(*rule.program, rule.block, document, 0, rule.errors);
  switch (verdict) {
    case SchemaVerdict::valid:
      if (const core::Answer answer = check_names(request, refusal, rule, document);
          answer != core::Answer::pass) {
        return answer;
      }
      if (rule.form == nullptr && core::JsonBody::wants_confinement(request)) {
        confine(request, rule, document);
      }
      return core::Answer::pass;
    case SchemaVerdict::invalid:
      json_metrics_of(request).count(evaluator->errors());
      return refuse(request, refusal, rule, document, evaluator->errors());
    case SchemaVerdict::pattern_limit:
      return refuse(refusal, code_of(verdict),
                    "a pattern of the schema would take too long on a string of the body");
    case SchemaVerdict::limit:
      return refuse(refusal, code_of(verdict), "the schema would take too long on the body");
    case SchemaVerdict::memory:
      break;
  }
  return refuse(refusal, code_unavailable(), "no memory is left");
}

template <class OnDocument>
core::Answer check_body_untimed(core::Request& request, core::Refusal& refusal,
                                const BodyRule& rule, const OnDocument& on_document) noexcept {
  if (request.body_size() > rule.limits->size) {
    return refuse(refusal, code_of(core::JsonFault::size), "the body is too large");
  }
  // At the limit of another check, which refuses it.
  if (request.body_stopped()) return core::Answer::pass;
  const core::JsonBody::Result result = core::JsonBody::parse(request, *rule.limits, rule.form);
  switch (result.state) {
    case core::JsonBody::State::valid:
      if (const core::Answer answer = on_document(*result.document);
          answer != core::Answer::pass || rule.program == nullptr) {
        return answer;
      }
      return check_schema(request, refusal, rule, *result.document);
    case core::JsonBody::State::invalid:
      return refuse(request, refusal, *result.error, rule.form != nullptr);
    case core::JsonBody::State::unavailable:
      break;
  }
  return refuse(refusal, code_unavailable(), "the body could not be read");
}

// on_document: is asked about the document before the schema is.
template <class OnDocument>
core::Answer check_body(core::Request& request, core::Refusal& refusal, const BodyRule& rule,
                        const OnDocument& on_document) noexcept {
  const JsonMetrics& metrics = json_metrics_of(request);
  const std::uint64_t begun = metrics.begin();
  const core::Answer answer = check_body_untimed(request, refusal, rule, on_document);
  metrics.end(begun);
  return answer;
}

}  // namespace guard::json
