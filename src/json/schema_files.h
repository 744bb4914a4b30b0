// Schemas in files: the only place where references lead to, there is no network. At configuration
// time only. All throw ConfigError.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "json/schema_registry.h"

namespace guard::json {

class SchemaFiles {
 public:
  // Every *.json below directory is known by the "$id" it gives itself, and by base and its path
  // below directory. base: such as "https://example.com/schemas/"; empty: the directory's own URI.
  void add(const std::string& directory, std::string base);

  std::shared_ptr<const SchemaFile> read(const std::string& path);

  // Of a file that add() knows, or of a file: URI; null if there is none.
  std::shared_ptr<const SchemaFile> find(const std::string& uri);

  // file:///...
  static std::string uri_of(const std::string& path);

 private:
  std::map<std::string, std::string> paths_;                       // by URI
  std::map<std::string, std::shared_ptr<const SchemaFile>> read_;  // by path
};

}  // namespace guard::json
