// What is wrong with an answer of the application, as its OpenAPI document describes it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/json_parser.h"
#include "json/schema_evaluator.h"

namespace guard::json {

struct AnswerFault {
  // Never with a value of the answer in it; of the program, or a literal.
  std::string_view detail;
  std::array<char, core::JsonParser::kMaxPointer> text;
  std::size_t size = 0;
  // RFC 6901, of what is at fault.
  std::string_view pointer() const { return {text.data(), size}; }
};

// Nothing if body is one JSON text, without repeated member names, that satisfies the block.
std::optional<AnswerFault> find_answer_fault(core::JsonParser& parser, SchemaEvaluator& evaluator,
                                             const SchemaProgram& program, std::uint32_t block,
                                             std::string_view body) noexcept;

}  // namespace guard::json
