// Any bytes as a schema, of every draft: it is refused with a reason, or its program comes to a
// verdict on the schema itself and on some other documents.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/words.h"
#include "json/schema_compiler.h"
#include "schema_verdict.h"

namespace {

using namespace guard;

const std::vector<std::shared_ptr<const json::SchemaFile>>& documents() {
  static const auto list = [] {
    std::vector<std::shared_ptr<const json::SchemaFile>> files;
    for (const char* text : {
             "null",
             "[true,-1,2.50,1e3,\"a\",[],{},[1,1.0,\"1\"],1]",
             R"({"a":1,"b":"two","c":[{"a":null},{"a":[[]]}],"d":{"a":{"a":{}}},"":0})",
             R"("2024-02-29T12:00:00Z")",
         }) {
      files.push_back(std::make_shared<const json::SchemaFile>("document", text));
    }
    return files;
  }();
  return list;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::shared_ptr<const json::SchemaFile> file;
  try {
    file = std::make_shared<const json::SchemaFile>("schema", text);
  } catch (const core::ConfigError& error) {
    fuzz::require(error.what()[0] != '\0');
    return 0;
  }
  using json::Draft;
  for (const Draft draft :
       {Draft::draft4, Draft::draft6, Draft::draft7, Draft::draft2019_09, Draft::draft2020_12}) {
    try {
      json::SchemaRegistry registry(nullptr);
      const json::SchemaPlace root = registry.add(file, 0, "file:///schema.json", draft);
      const json::CompiledSchema compiled = json::compile_schema(registry, root, {true});
      (void)fuzz::check_verdict(compiled.program, file->document());
      for (const auto& other : documents()) {
        (void)fuzz::check_verdict(compiled.program, other->document());
      }
    } catch (const core::ConfigError& error) {
      fuzz::require(error.what()[0] != '\0');
    }
  }
  return 0;
}
