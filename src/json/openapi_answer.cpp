#include "json/openapi_answer.h"

#include <algorithm>

#include "core/json_pointer.h"

namespace guard::json {

std::optional<AnswerFault> find_answer_fault(core::JsonParser& parser, SchemaEvaluator& evaluator,
                                             const SchemaProgram& program, std::uint32_t block,
                                             std::string_view body) noexcept {
  // The application is not an attacker: what it may say is the schema's business, within memory.
  const core::JsonDocument* document = parser.parse(body, core::widest_json_limits());
  AnswerFault fault;
  if (document == nullptr) {
    const core::JsonError& error = parser.error();
    fault.detail = error.detail;
    fault.size = error.pointer.copy(fault.text.data(), fault.text.size());
    return fault;
  }
  switch (evaluator.evaluate(program, block, *document, 0, 1)) {
    case SchemaVerdict::valid:
      return std::nullopt;
    case SchemaVerdict::invalid: {
      const SchemaError& error = evaluator.errors().front();
      fault.detail = error.detail;
      fault.size =
          core::write_json_pointer(*document, error.node, fault.text.data(), fault.text.size());
      return fault;
    }
    case SchemaVerdict::pattern_limit:
      fault.detail = "a pattern of the API would take too long on a string of the answer";
      return fault;
    case SchemaVerdict::limit:
      fault.detail = "the API would take too long on the answer";
      return fault;
    case SchemaVerdict::memory:
      break;
  }
  fault.detail = "no memory is left to check the answer";
  return fault;
}

}  // namespace guard::json
