// The schemas that may refer to each other: which text, and which node of it, a URI means (2020-12
// core, sections 8.2 and 9). At configuration time only. All throw ConfigError.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json_document.h"
#include "json/schema_draft.h"

namespace guard::json {

// One JSON text, parsed: a schema, or a document that holds some.
class SchemaFile {
 public:
  // name: what messages call it.
  SchemaFile(std::string name, std::string text);
  SchemaFile(const SchemaFile&) = delete;
  SchemaFile& operator=(const SchemaFile&) = delete;

  const std::string& name() const { return name_; }
  const core::JsonDocument& document() const { return document_; }

  // "order.json" at "/properties/a": what.
  [[noreturn]] void fail(std::uint32_t node, std::string_view what) const;
  // RFC 6901.
  std::string pointer(std::uint32_t node) const;

 private:
  std::string name_;
  std::string text_;
  std::string unescaped_;
  std::vector<core::JsonNode> nodes_;
  core::JsonDocument document_;
};

// A schema with a URI of its own, and all that is in it, up to the next such schema.
struct SchemaResource {
  std::shared_ptr<const SchemaFile> file;
  std::uint32_t root = 0;
  std::string uri;  // absolute, without a fragment
  Draft draft = kLatestDraft;
  Vocabularies vocabularies = kAllVocabularies;
  bool recursive_anchor = false;  // 2019-09
  // An OpenAPI document, or a part of one in a file of its own: what it holds are schemas, it
  // is none.
  bool openapi = false;
  std::map<std::string, std::uint32_t> anchors;  // dynamic ones as well
  std::map<std::string, std::uint32_t> dynamic_anchors;
};

// One schema: a node of a resource.
struct SchemaPlace {
  std::uint32_t resource = 0;
  std::uint32_t node = 0;
  friend auto operator<=>(const SchemaPlace&, const SchemaPlace&) = default;
};

class SchemaRegistry {
 public:
  // The text behind a URI that no schema has given itself, or null.
  using Fetch = std::function<std::shared_ptr<const SchemaFile>(const std::string& uri)>;

  explicit SchemaRegistry(Fetch fetch) : fetch_(std::move(fetch)) {}

  // The schema at node of file, whose URI is uri unless it names itself. draft: what it is without
  // a
  // "$schema".
  SchemaPlace add(const std::shared_ptr<const SchemaFile>& file, std::uint32_t node,
                  const std::string& uri, Draft draft);

  // An OpenAPI document whose schemas are of this draft.
  SchemaPlace add_openapi(const std::shared_ptr<const SchemaFile>& file, const std::string& uri,
                          Draft draft);
  // Makes the names known that schemas in an OpenAPI document give themselves.
  void add_names(SchemaPlace schema);

  const SchemaResource& resource(std::uint32_t index) const { return resources_[index]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(resources_.size()); }
  const core::JsonDocument& document(SchemaPlace place) const {
    return resources_[place.resource].file->document();
  }

  // What reference, written in from, means; nothing if there is no such schema.
  std::optional<SchemaPlace> find(SchemaPlace from, std::string_view reference);
  // The root of the schema whose URI, without a fragment, is this.
  std::optional<SchemaPlace> find_uri(const std::string& uri);
  // A schema inside from, with the resource that it belongs to, if it names itself.
  SchemaPlace child(SchemaPlace from, std::uint32_t node) const;

 private:
  using NodeKey = std::pair<const SchemaFile*, std::uint32_t>;

  std::optional<std::uint32_t> find_resource(const std::string& uri, Draft draft,
                                             bool openapi = false);
  std::uint32_t add_resource(const std::shared_ptr<const SchemaFile>& file, std::uint32_t node,
                             std::string uri, Draft draft, bool openapi = false);
  void read_metaschema(SchemaResource& resource, std::string_view uri);
  void walk(std::uint32_t resource, std::uint32_t node);
  void walk_children(std::uint32_t resource, std::uint32_t node);
  void walk_value(std::uint32_t resource, Holds holds, std::uint32_t node);
  void add_anchor(std::uint32_t resource, std::uint32_t node, std::string_view name);

  Fetch fetch_;
  std::deque<SchemaResource> resources_;  // references to them hold
  std::map<std::string, std::uint32_t> by_uri_;
  std::map<NodeKey, std::uint32_t> by_node_;
};

}  // namespace guard::json
