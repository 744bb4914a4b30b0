// JSON Schema as a program. At configuration time only. All throw ConfigError, which says in which
// file and, as a JSON Pointer, at which place of it.
#pragma once

#include <string>
#include <vector>

#include "json/schema_program.h"
#include "json/schema_registry.h"

namespace guard::json {

struct CompileOptions {
  bool assert_formats = true;  // or only where a "$vocabulary" asks for it
  // Of OpenAPI: required members that the other side alone sends are not required (3.0.3, "Schema
  // Object", readOnly and writeOnly).
  enum class Side : std::uint8_t { both, request, response } side = Side::both;
  // Refuse a member that is called as a property but for its case, and is none itself: Go and
  // ASP.NET take it for the property. Otherwise than JSON Schema, and whatever else holds.
  bool refuse_other_case = false;
};

struct CompiledSchema {
  SchemaProgram program;
  // What nobody can have meant: unknown keywords and formats, a schema that accepts everything.
  std::vector<std::string> warnings;
};

// A program for several schemas, whose own root is unused: blocks[i] is that of roots[i].
struct CompiledSchemas {
  SchemaProgram program;
  std::vector<std::uint32_t> blocks;
  std::vector<std::string> warnings;
};

CompiledSchemas compile_schemas(SchemaRegistry& registry, const std::vector<SchemaPlace>& roots,
                                const CompileOptions& options);

// The schema at root of registry and whatever it refers to, each checked against its metaschema.
CompiledSchema compile_schema(SchemaRegistry& registry, SchemaPlace root,
                              const CompileOptions& options);

}  // namespace guard::json
