// Answers for scripts/differential. Standard input has a line for each schema:
//   {"draft":"2020-12","schema":...,"documents":[...]}
// and standard output one for each of those: "v" (valid), "i" (invalid) or "l" (a limit) for each
// document, or "error: " and why the schema is none.

#include <iostream>
#include <string>

#include "core/words.h"
#include "json/schema_compiler.h"
#include "json/schema_evaluator.h"

namespace {

using namespace guard;

const core::JsonNode& member(const core::JsonDocument& document, std::string_view name) {
  const core::JsonNode* node = document.member(document.root(), name, core::json_key_hash(name));
  if (node == nullptr) core::fail("no member ", name);
  return *node;
}

std::string answer(json::SchemaEvaluator& evaluator, const std::string& line) {
  const auto file = std::make_shared<const json::SchemaFile>("line", line);
  const core::JsonDocument& document = file->document();
  const std::string_view draft = document.text(member(document, "draft"));
  json::SchemaRegistry registry(nullptr);
  const std::uint32_t schema = document.index_of(member(document, "schema"));
  const json::SchemaPlace root = registry.add(file, schema, "", json::parse_draft(draft));
  const json::CompiledSchema compiled = json::compile_schema(registry, root, {false});
  const core::JsonNode& list = member(document, "documents");
  std::string verdicts;
  for (std::uint32_t i = document.index_of(list) + 1; i < list.next; i = document[i].next) {
    const json::SchemaVerdict verdict = evaluator.evaluate(compiled.program, document, i, 10);
    verdicts += verdict == json::SchemaVerdict::valid     ? 'v'
                : verdict == json::SchemaVerdict::invalid ? 'i'
                                                          : 'l';
  }
  return verdicts;
}

}  // namespace

int main() {
  const auto evaluator = std::make_unique<json::SchemaEvaluator>();
  std::string line;
  while (std::getline(std::cin, line)) {
    try {
      std::cout << answer(*evaluator, line) << '\n';
    } catch (const core::ConfigError& error) {
      std::cout << "error: " << error.what() << '\n';
    }
  }
  return 0;
}
