#include "json/schema.h"

#include "json/schema_files.h"

namespace guard::json {

std::shared_ptr<const CompiledSchema> load_schema(const SchemaSource& source) {
  SchemaFiles files;
  if (!source.refs.empty()) files.add(source.refs, source.refs_base);
  SchemaRegistry registry([&files](const std::string& uri) { return files.find(uri); });
  const SchemaPlace root =
      registry.add(files.read(source.file), 0, SchemaFiles::uri_of(source.file), source.draft);
  return std::make_shared<const CompiledSchema>(
      compile_schema(registry, root, {source.assert_formats}));
}

}  // namespace guard::json
