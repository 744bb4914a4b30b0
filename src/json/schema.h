// A schema as guard_json_schema and guardctl name it: read from files, checked, compiled.
#pragma once

#include <memory>
#include <string>

#include "json/schema_compiler.h"

namespace guard::json {

struct SchemaSource {
  std::string file;
  Draft draft = kLatestDraft;  // without a "$schema"
  bool assert_formats = true;
  // A directory whose schemas may be referred to, and the URI that it stands for: SchemaFiles::add.
  // Both may be empty.
  std::string refs;
  std::string refs_base;

  friend auto operator<=>(const SchemaSource&, const SchemaSource&) = default;
};

// What events call a schema or a description: the name of its file, without folders.
inline std::string_view name_of_file(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// At configuration time only. Throws ConfigError.
std::shared_ptr<const CompiledSchema> load_schema(const SchemaSource& source);

}  // namespace guard::json
