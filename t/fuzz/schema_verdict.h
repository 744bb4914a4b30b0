// What must hold for every verdict, whatever the schema and the document are.
#pragma once

#include <array>
#include <cstdlib>

#include "core/json_pointer.h"
#include "json/schema_evaluator.h"

namespace guard::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

// Whether errors are asked for does not change the verdict; each of them says where, in a pointer
// that leads back there, and what.
inline json::SchemaVerdict check_verdict(const json::SchemaProgram& program,
                                         const core::JsonDocument& document) {
  static json::SchemaEvaluator evaluator;
  constexpr std::size_t kErrors = 10;
  const json::SchemaVerdict alone = evaluator.evaluate(program, document, 0, 0);
  require(evaluator.errors().empty());
  const json::SchemaVerdict verdict = evaluator.evaluate(program, document, 0, kErrors);
  require(verdict == alone);
  require((verdict == json::SchemaVerdict::invalid) != evaluator.errors().empty());
  require(evaluator.errors().size() <= kErrors);
  for (const json::SchemaError& error : evaluator.errors()) {
    require(error.node < document.nodes().size());
    require(!error.detail.empty());
    std::array<char, 4096> text;
    const std::size_t size =
        core::write_json_pointer(document, error.node, text.data(), text.size());
    const core::JsonPointer pointer(std::string_view(text.data(), size));
    const core::JsonNode* found = pointer.find(document);
    require(found != nullptr);
    const std::uint32_t value = error.node + (document[error.node].is_key() ? 1 : 0);
    // Of a pointer that does not fit, what is around the value.
    const std::uint32_t at = document.index_of(*found);
    require(at == value || (size + 1024 > text.size() && at < value));
  }
  return verdict;
}

}  // namespace guard::fuzz
