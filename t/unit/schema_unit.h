// A schema and a document from text to verdict, for tests.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/json_parser.h"
#include "core/json_pointer.h"
#include "json/schema_compiler.h"
#include "json/schema_evaluator.h"
#include "unit.h"

namespace guard::unit {

inline json::CompiledSchema compile(std::string_view schema,
                                    json::Draft draft = json::kLatestDraft) {
  json::SchemaRegistry registry(nullptr);
  auto file = std::make_shared<const json::SchemaFile>("s.json", std::string(schema));
  return json::compile_schema(registry, registry.add(file, 0, "file:///s.json", draft), {});
}

inline core::JsonLimits loose_limits() {
  core::JsonLimits limits;
  limits.size = core::kMaxJsonSize;
  limits.depth = core::kMaxJsonDepth;
  limits.keys = core::kMaxJsonKeys;
  limits.string = core::kMaxJsonSize;
  limits.array = core::kMaxJsonSize;
  limits.number = core::JsonNumberMode::any;
  limits.duplicates = true;
  return limits;
}

// Parses and evaluates; what it holds lives as long as it does.
class Judge {
 public:
  explicit Judge(std::string_view schema, json::Draft draft = json::kLatestDraft)
      : program_(compile(schema, draft).program) {}

  json::SchemaVerdict verdict(std::string_view text, std::size_t max_errors = 0) {
    const core::JsonDocument* document = parser_->parse(text, loose_limits());
    if (document == nullptr) core::fail("not JSON: ", text.substr(0, 100));
    const auto verdict = evaluator_->evaluate(program_, *document, 0, max_errors);
    errors_.clear();
    for (const json::SchemaError& error : evaluator_->errors()) {
      std::array<char, 1000> pointer;
      errors_.append(errors_.empty() ? "" : "; ")
          .append(pointer.data(),
                  core::write_json_pointer(*document, error.node, pointer.data(), pointer.size()))
          .append(" ")
          .append(json::name_of(error.keyword))
          .append(": ")
          .append(error.detail);
    }
    return verdict;
  }

  // "valid", the errors, or which limit.
  std::string said(std::string_view text, std::size_t max_errors = 100) {
    constexpr std::array<std::string_view, 5> kNames = {"valid", "invalid", "pattern_limit",
                                                        "limit", "memory"};
    const json::SchemaVerdict result = verdict(text, max_errors);
    if (result == json::SchemaVerdict::invalid) return errors_;
    return std::string(kNames[static_cast<std::size_t>(result)]);
  }

 private:
  json::SchemaProgram program_;
  std::unique_ptr<core::JsonParser> parser_ = std::make_unique<core::JsonParser>();
  std::unique_ptr<json::SchemaEvaluator> evaluator_ = std::make_unique<json::SchemaEvaluator>();
  std::string errors_;
};

}  // namespace guard::unit
