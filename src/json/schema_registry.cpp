#include "json/schema_registry.h"

#include <algorithm>
#include <array>

#include "core/json_parser.h"
#include "core/json_pointer.h"
#include "core/words.h"
#include "json/metaschemas.h"
#include "json/uri.h"

namespace guard::json {

namespace {

using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

constexpr std::size_t kMaxPointer = 4096;

// "line 3, column 14"
std::string place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t column = before.size() - (before.rfind('\n') + 1);
  return "line " + std::to_string(lines + 1) + ", column " + std::to_string(column + 1);
}

const JsonNode* string_member(const JsonDocument& document, const JsonNode& object,
                              std::string_view name) {
  const JsonNode* value = document.member(object, name, core::json_key_hash(name));
  return value != nullptr && value->type == JsonType::string ? value : nullptr;
}

std::string_view id_name(Draft draft) {
  return name_of(draft <= Draft::draft4 ? Keyword::id4 : Keyword::id);
}

// Before 2019-09 nothing beside a "$ref" counts.
bool only_refers(const JsonDocument& document, const JsonNode& schema, Draft draft) {
  return draft < Draft::draft2019_09 && string_member(document, schema, "$ref") != nullptr;
}

}  // namespace

SchemaFile::SchemaFile(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  const auto parser = std::make_unique<core::JsonParser>();
  core::JsonLimits limits = core::widest_json_limits();
  limits.keys = core::kMaxJsonSize;  // Microsoft's Graph has more than a million
  const JsonDocument* parsed = parser->parse(text_, limits);
  if (parsed == nullptr) {
    const core::JsonError& error = parser->error();
    const bool yaml = name_.ends_with(".yaml") || name_.ends_with(".yml");
    core::fail("\"", name_, "\" is not JSON: ", error.detail, " at ", place_of(text_, error.offset),
               yaml ? "; \"guardctl openapi convert\" makes that of YAML" : "");
  }
  nodes_.assign(parsed->nodes().begin(), parsed->nodes().end());
  const JsonNode* last = nullptr;
  for (const JsonNode& node : nodes_) {
    if ((node.flags & JsonNode::kUnescaped) != 0) last = &node;
  }
  // The side buffer is filled in the order of the text.
  if (last != nullptr) {
    const std::string_view tail =
        parsed->text((*parsed)[static_cast<std::uint32_t>(last - nodes_.data())]);
    unescaped_.assign(tail.data() - last->offset, last->offset + last->size);
  }
  document_ = JsonDocument(text_, unescaped_.data(), nodes_);
}

std::string SchemaFile::pointer(std::uint32_t node) const {
  std::array<char, kMaxPointer> pointer;
  return {pointer.data(),
          core::write_json_pointer(document_, node, pointer.data(), pointer.size())};
}

void SchemaFile::fail(std::uint32_t node, std::string_view what) const {
  core::fail("\"", name_, "\" at \"", pointer(node), "\": ", what);
}

SchemaPlace SchemaRegistry::add(const std::shared_ptr<const SchemaFile>& file, std::uint32_t node,
                                const std::string& uri, Draft draft) {
  return {add_resource(file, node, uri, draft), node};
}

SchemaPlace SchemaRegistry::add_openapi(const std::shared_ptr<const SchemaFile>& file,
                                        const std::string& uri, Draft draft) {
  return {add_resource(file, 0, uri, draft, true), 0};
}

void SchemaRegistry::add_names(SchemaPlace schema) {
  walk(schema.resource, schema.node);
}

std::optional<SchemaPlace> SchemaRegistry::find(SchemaPlace from, std::string_view reference) {
  const Uri uri = resolve_uri(resources_[from.resource].uri, reference);
  const SchemaResource& own = resources_[from.resource];
  const auto index = find_resource(uri.absolute, own.draft, own.openapi);
  if (!index) return std::nullopt;
  SchemaPlace place{*index, resources_[*index].root};
  if (uri.fragment.empty()) return place;
  if (!uri.fragment.starts_with('/')) {
    const auto& anchors = resources_[*index].anchors;
    const auto anchor = anchors.find(uri.fragment);
    if (anchor == anchors.end()) return std::nullopt;
    place.node = anchor->second;
    return place;
  }
  core::JsonPointer pointer;
  try {
    pointer = core::JsonPointer(uri.fragment);
  } catch (const core::ConfigError&) {
    return std::nullopt;
  }
  const JsonDocument& in = document(place);
  for (std::size_t i = 0; i < pointer.depth(); ++i) {
    const JsonNode* node = pointer.step(in, in[place.node], i);
    if (node == nullptr) return std::nullopt;
    place = child(place, in.index_of(*node));
  }
  return place;
}

std::optional<SchemaPlace> SchemaRegistry::find_uri(const std::string& uri) {
  const auto index = find_resource(uri, kLatestDraft);
  if (!index) return std::nullopt;
  return SchemaPlace{*index, resources_[*index].root};
}

SchemaPlace SchemaRegistry::child(SchemaPlace from, std::uint32_t node) const {
  const auto own = by_node_.find({resources_[from.resource].file.get(), node});
  return {own == by_node_.end() ? from.resource : own->second, node};
}

std::optional<std::uint32_t> SchemaRegistry::find_resource(const std::string& uri, Draft draft,
                                                           bool openapi) {
  if (const auto known = by_uri_.find(uri); known != by_uri_.end()) return known->second;
  for (const Metaschema& metaschema : metaschemas()) {
    if (metaschema.uri != uri) continue;
    const auto file = std::make_shared<SchemaFile>(uri, std::string(metaschema.text));
    return add_resource(file, 0, uri, draft);
  }
  const auto file = fetch_ ? fetch_(uri) : nullptr;
  if (file == nullptr) return std::nullopt;
  // What says that it is a schema is one.
  const JsonDocument& document = file->document();
  openapi = openapi && string_member(document, document.root(), "$schema") == nullptr;
  return add_resource(file, 0, uri, draft, openapi);
}

std::uint32_t SchemaRegistry::add_resource(const std::shared_ptr<const SchemaFile>& file,
                                           std::uint32_t node, std::string uri, Draft draft,
                                           bool openapi) {
  const auto index = static_cast<std::uint32_t>(resources_.size());
  // Another URI of what is there; or a metaschema that leads back to itself.
  const auto [known, fresh] = by_node_.emplace(NodeKey{file.get(), node}, index);
  if (!fresh) {
    by_uri_.emplace(uri, known->second);
    return known->second;
  }
  SchemaResource& resource = resources_.emplace_back();
  resource.file = file;
  resource.root = node;
  resource.draft = draft;
  resource.openapi = openapi;
  const JsonDocument& document = file->document();
  const JsonNode& schema = document[node];
  const std::string retrieved = uri;
  if (schema.type == JsonType::object && !openapi) {
    if (const JsonNode* metaschema = string_member(document, schema, "$schema")) {
      read_metaschema(resource, document.text(*metaschema));
    }
    const JsonNode* id = string_member(document, schema, id_name(resource.draft));
    if (id != nullptr && !only_refers(document, schema, resource.draft)) {
      const Uri named = resolve_uri(uri, document.text(*id));
      uri = named.absolute;
      if (!named.fragment.empty()) resource.anchors.emplace(named.fragment, node);
    }
  }
  resource.uri = uri;
  by_uri_.emplace(retrieved, index);
  const auto [other, added] = by_uri_.emplace(uri, index);
  if (!added && other->second != index) {
    file->fail(node, "the URI \"" + uri + "\" belongs to another schema, in \"" +
                         resources_[other->second].file->name() + "\"");
  }
  if (!openapi) walk(index, node);
  return index;
}

void SchemaRegistry::read_metaschema(SchemaResource& resource, std::string_view uri) {
  if (const auto draft = draft_of(uri)) {
    resource.draft = *draft;
    return;
  }
  const auto found = find_resource(resolve_uri("", uri).absolute, resource.draft);
  if (!found) {
    resource.file->fail(resource.root,
                        "unknown \"$schema\" \"" + std::string(uri) +
                            "\"; known are the drafts 4, 6, 7, 2019-09 and 2020-12, such as \"" +
                            std::string(metaschema_of(kLatestDraft)) + "\"");
  }
  const SchemaResource& metaschema = resources_[*found];
  resource.draft = metaschema.draft;
  const JsonDocument& document = metaschema.file->document();
  const JsonNode* list =
      document.member(document[metaschema.root], "$vocabulary", core::json_key_hash("$vocabulary"));
  if (list == nullptr || list->type != JsonType::object) return;
  resource.vocabularies = bit_of(Vocabulary::core);
  for (std::uint32_t i = document.index_of(*list) + 1; i < list->next; i = document[i + 1].next) {
    const std::string_view name = document.text(document[i]);
    if (const auto known = vocabulary_of(name)) {
      resource.vocabularies |= *known;
    } else if (document[i + 1].is_true()) {
      metaschema.file->fail(i, "a required vocabulary that is not known");
    }
  }
}

void SchemaRegistry::add_anchor(std::uint32_t resource, std::uint32_t node, std::string_view name) {
  SchemaResource& own = resources_[resource];
  if (!own.anchors.emplace(name, node).second) {
    own.file->fail(node, "the anchor \"" + std::string(name) + "\" belongs to another schema");
  }
}

void SchemaRegistry::walk(std::uint32_t resource, std::uint32_t node) {
  const std::shared_ptr<const SchemaFile> file = resources_[resource].file;
  const JsonDocument& document = file->document();
  const JsonNode& schema = document[node];
  if (schema.type != JsonType::object) return;
  const Draft draft = resources_[resource].draft;
  if (draft == Draft::openapi3_0) return;  // its schemas have no names
  const JsonNode* id = string_member(document, schema, id_name(draft));
  if (node != resources_[resource].root && id != nullptr && !only_refers(document, schema, draft)) {
    const std::string_view text = document.text(*id);
    // Before 2019-09 this was an anchor's way.
    if (!text.starts_with('#')) {
      add_resource(file, node, resources_[resource].uri, draft);
      return;
    }
    if (text.size() > 1) add_anchor(resource, node, text.substr(1));
  }
  if (draft >= Draft::draft2019_09) {
    if (const JsonNode* anchor = string_member(document, schema, "$anchor")) {
      add_anchor(resource, node, document.text(*anchor));
    }
    const JsonNode* dynamic = string_member(document, schema, "$dynamicAnchor");
    if (dynamic != nullptr && draft == Draft::draft2020_12) {
      add_anchor(resource, node, document.text(*dynamic));
      resources_[resource].dynamic_anchors.emplace(document.text(*dynamic), node);
    }
    const JsonNode* recursive =
        document.member(schema, "$recursiveAnchor", core::json_key_hash("$recursiveAnchor"));
    if (recursive != nullptr && recursive->is_true() && node == resources_[resource].root) {
      resources_[resource].recursive_anchor = true;
    }
  }
  walk_children(resource, node);
}

void SchemaRegistry::walk_children(std::uint32_t resource, std::uint32_t node) {
  const std::shared_ptr<const SchemaFile> file = resources_[resource].file;
  const JsonDocument& document = file->document();
  const Draft draft = resources_[resource].draft;
  const std::uint32_t end = document[node].next;
  for (std::uint32_t i = node + 1; i < end; i = document[i + 1].next) {
    const auto keyword = find_keyword(draft, document.text(document[i]));
    if (keyword) walk_value(resource, entry_of(*keyword).holds, i + 1);
  }
}

void SchemaRegistry::walk_value(std::uint32_t resource, Holds holds, std::uint32_t node) {
  if (holds == Holds::nothing) return;
  const std::shared_ptr<const SchemaFile> file = resources_[resource].file;
  const JsonDocument& document = file->document();
  const JsonNode& value = document[node];
  const bool array = holds == Holds::array || holds == Holds::schema_or_array;
  if (array && value.type == JsonType::array) {
    for (std::uint32_t i = node + 1; i < value.next; i = document[i].next) walk(resource, i);
  } else if (holds == Holds::map || holds == Holds::map_of_either) {
    if (value.type != JsonType::object) return;
    for (std::uint32_t i = node + 1; i < value.next; i = document[i + 1].next) {
      walk(resource, i + 1);
    }
  } else if (holds != Holds::array) {
    walk(resource, node);
  }
}

}  // namespace guard::json
