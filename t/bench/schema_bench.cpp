// What it costs to hold documents of three sizes to the order schema: parse with limits and
// validate, and validate alone; and the same by valijson on rapidjson. One line a size and what was
// done: NAME BYTES MICROSECONDS. The documents are written to a folder, for others to measure with.
//   build/native/bench/schema SCHEMA FOLDER
#include <rapidjson/document.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <valijson/adapters/rapidjson_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "bodies.h"
#include "core/json_parser.h"
#include "json/schema.h"
#include "json/schema_evaluator.h"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char* what) {
  (void)std::fprintf(stderr, "schema_bench: %s\n", what);
  std::exit(1);
}

// At least a fifth of a second of it.
template <class Work>
void measure(const char* what, std::size_t bytes, Work&& work) {
  constexpr std::size_t kBytes = 40'000'000;
  const std::size_t times = std::max<std::size_t>(3, kBytes / bytes);
  for (std::size_t i = 0; i < times / 10 + 1; ++i) work();
  const auto start = Clock::now();
  for (std::size_t i = 0; i < times; ++i) work();
  const std::chrono::duration<double, std::micro> spent = Clock::now() - start;
  std::printf("%s %zu %.4f\n", what, bytes, spent.count() / static_cast<double>(times));
}

void measure_ours(const guard::json::SchemaProgram& program, const std::string& text) {
  using guard::json::SchemaVerdict;
  static guard::core::JsonParser parser;
  static guard::json::SchemaEvaluator evaluator;
  guard::core::JsonLimits limits;
  limits.size = guard::core::kMaxJsonSize;
  limits.keys = guard::core::kMaxJsonKeys;
  const auto validate = [&](const guard::core::JsonDocument* document) {
    if (document == nullptr ||
        evaluator.evaluate(program, *document, 0, 10) != SchemaVerdict::valid) {
      die("our validator refuses the body");
    }
  };
  measure("ours-both", text.size(), [&] { validate(parser.parse(text, limits)); });
  const guard::core::JsonDocument* document = parser.parse(text, limits);
  measure("ours-validate", text.size(), [&] { validate(document); });
}

void measure_valijson(const valijson::Schema& schema, const std::string& text) {
  valijson::Validator validator;
  const auto validate = [&](const rapidjson::Document& document) {
    const valijson::adapters::RapidJsonAdapter adapter(document);
    if (!validator.validate(schema, adapter, nullptr)) die("valijson refuses the body");
  };
  const auto parse = [&](rapidjson::Document& document) {
    document.Parse(text.data(), text.size());
    if (document.HasParseError()) die("rapidjson refuses the body");
  };
  measure("valijson-both", text.size(), [&] {
    rapidjson::Document document;
    parse(document);
    validate(document);
  });
  rapidjson::Document document;
  parse(document);
  measure("valijson-validate", text.size(), [&] { validate(document); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) die("usage: schema_bench SCHEMA FOLDER");
  guard::json::SchemaSource source;
  source.file = argv[1];
  const auto compiled = guard::json::load_schema(source);
  std::ifstream file(argv[1], std::ios::binary);
  const std::string schema_text{std::istreambuf_iterator<char>(file), {}};
  rapidjson::Document schema_document;
  schema_document.Parse(schema_text.data(), schema_text.size());
  valijson::Schema schema;
  valijson::SchemaParser schema_parser;
  schema_parser.populateSchema(valijson::adapters::RapidJsonAdapter(schema_document), schema);
  for (const std::size_t size : {2'000, 200'000, 5'000'000}) {
    const std::string text = guard::bench::orders(size);
    std::ofstream(std::string(argv[2]) + "/orders-" + std::to_string(size) + ".json") << text;
    measure_ours(compiled->program, text);
    measure_valijson(schema, text);
  }
  return 0;
}
