#include "json/schema_compiler.h"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "core/words.h"
#include "json/metaschemas.h"
#include "json/schema_builder.h"
#include "json/schema_cycles.h"
#include "json/schema_evaluator.h"
#include "json/schema_keywords.h"
#include "json/uri.h"

namespace guard::json {

namespace {

using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

bool is_metaschema(std::string_view uri) {
  for (const Metaschema& metaschema : metaschemas()) {
    if (metaschema.uri == uri) return true;
  }
  return false;
}

class Compiler : public SchemaLinker {
 public:
  // above: the resources for whose metaschemas it works.
  Compiler(SchemaRegistry& registry, const CompileOptions& options,
           const std::set<std::uint32_t>& above = {})
      : registry_(registry), options_(options), above_(above) {}

  CompiledSchema run(SchemaPlace root) {
    CompiledSchemas compiled = run(std::vector<SchemaPlace>{root});
    compiled.program.root = compiled.blocks.front();
    const Block& first = compiled.program.blocks[compiled.program.root];
    if (first.types == kAllTypes && first.begin.front() == first.end) {
      warn(root, root.node, "the schema accepts everything");
      compiled.warnings.push_back(std::move(warnings_.back()));
    }
    return {std::move(compiled.program), std::move(compiled.warnings)};
  }

  CompiledSchemas run(const std::vector<SchemaPlace>& roots) {
    std::vector<std::uint32_t> blocks;
    blocks.reserve(roots.size());
    for (const SchemaPlace root : roots) blocks.push_back(block_of(root));
    do {
      fill_pending();
    } while (link_dynamic());
    settle_dynamic();
    if (const auto block = find_endless(builder_.program)) {
      const SchemaPlace place = places_.at(*block);
      fail(place, place.node, "a schema that applies itself to the same value, without end");
    }
    for (const auto& file : files_) builder_.program.files.push_back(file);
    return {std::move(builder_.program), std::move(blocks), std::exchange(warnings_, {})};
  }

  // What SchemaKeywords asks for.

  std::uint32_t block_of(SchemaPlace place) override {
    place = without_aliases(place);
    const JsonNode& schema = registry_.document(place)[place.node];
    if (schema.type == JsonType::boolean) return schema.is_true() ? kAnything : kNothing;
    if (schema.type != JsonType::object) {
      fail(place, place.node, "a schema must be an object or a boolean");
    }
    if (says_nothing(place, schema)) return kAnything;
    const auto [known, added] = blocks_.emplace(place, builder_.program.blocks.size());
    if (added) {
      check(place);
      places_.emplace(known->second, place);
      Block& block = builder_.program.blocks.emplace_back();
      block.resource = place.resource;
      pending_.push_back(known->second);
    }
    return known->second;
  }

  std::uint32_t block_of_reference(SchemaPlace from, std::uint32_t node) override {
    return block_of(resolve(from, node));
  }

  SchemaPlace place_of_reference(SchemaPlace from, std::uint32_t node) override {
    return resolve(from, node);
  }

  // Nothing if the reference is a plain one after all.
  std::optional<std::uint32_t> dynamic_reference(SchemaPlace from, std::uint32_t node) override {
    const SchemaPlace target = resolve(from, node);
    const SchemaResource& resource = registry_.resource(target.resource);
    Wanted wanted;
    if (registry_.resource(from.resource).draft == Draft::draft2020_12) {
      const std::string_view text = registry_.document(from).text(registry_.document(from)[node]);
      wanted.anchor = resolve_uri("", text).fragment;
      const auto anchor = resource.dynamic_anchors.find(wanted.anchor);
      if (anchor == resource.dynamic_anchors.end() || anchor->second != target.node) {
        return std::nullopt;
      }
    } else if (!resource.recursive_anchor || target.node != resource.root) {
      return std::nullopt;
    }
    wanted_.push_back(wanted);
    const std::uint32_t fallback = block_of(target);
    builder_.program.dynamics.push_back({fallback, {}});
    return static_cast<std::uint32_t>(builder_.program.dynamics.size() - 1);
  }

  void warn(SchemaPlace place, std::uint32_t node, std::string_view what) override {
    const SchemaFile& file = *registry_.resource(place.resource).file;
    std::string text = "\"";
    text.append(file.name()).append("\" at \"").append(file.pointer(node));
    warnings_.push_back(text.append("\": ").append(what));
  }

  [[noreturn]] void fail(SchemaPlace place, std::uint32_t node, std::string_view what) const {
    registry_.resource(place.resource).file->fail(node, what);
  }

 private:
  // A $dynamicRef's anchor, or empty: a $recursiveRef.
  struct Wanted {
    std::string anchor;
  };

  SchemaPlace resolve(SchemaPlace from, std::uint32_t node) {
    const JsonDocument& document = registry_.document(from);
    const std::string reference(document.text(document[node]));
    if (document[node].type != JsonType::string) fail(from, node, "a reference must be a string");
    const auto target = registry_.find(from, reference);
    if (!target) {
      fail(from, node, "a reference to no known schema, \"" + reference + "\"");
    }
    return *target;
  }

  // A schema that is nothing but a reference is what it refers to.
  SchemaPlace without_aliases(SchemaPlace place) {
    std::set<SchemaPlace> seen;
    for (;;) {
      const JsonDocument& document = registry_.document(place);
      const JsonNode& schema = document[place.node];
      const JsonNode* reference = document.member(schema, "$ref", core::json_key_hash("$ref"));
      const bool alone =
          schema.size == 1 || registry_.resource(place.resource).draft < Draft::draft2019_09;
      if (reference == nullptr || !alone || reference->type != JsonType::string) return place;
      warn_of_ignored(place, schema);
      if (!seen.insert(place).second) {
        fail(place, place.node, "a schema that applies itself to the same value, without end");
      }
      const SchemaPlace target = resolve(place, document.index_of(*reference));
      // Both count for the dynamic scope.
      if (target.resource != place.resource) return place;
      place = target;
    }
  }

  // What stands beside a reference and would have been looked at anywhere else.
  void warn_of_ignored(SchemaPlace place, const JsonNode& schema) {
    if (schema.size == 1 || !warned_.insert(place).second) return;
    const JsonDocument& document = registry_.document(place);
    const Draft draft = registry_.resource(place.resource).draft;
    for (std::uint32_t i = place.node + 1; i < schema.next; i = document[i + 1].next) {
      const auto keyword = find_keyword(draft, document.text(document[i]));
      if (!keyword) continue;
      const Vocabulary vocabulary = entry_of(*keyword).vocabulary;
      if (vocabulary == Vocabulary::core || vocabulary == Vocabulary::annotation) continue;
      std::string text(name_of(draft));
      text.append(" ignores \"").append(name_of(*keyword));
      warn(place, i + 1, text.append("\" beside \"$ref\"; write both into \"allOf\""));
    }
  }

  bool says_nothing(SchemaPlace place, const JsonNode& schema) const {
    const JsonDocument& document = registry_.document(place);
    const Draft draft = registry_.resource(place.resource).draft;
    for (std::uint32_t i = place.node + 1; i < schema.next; i = document[i + 1].next) {
      const auto keyword = find_keyword(draft, document.text(document[i]));
      if (!keyword || entry_of(*keyword).vocabulary != Vocabulary::annotation) return false;
    }
    return true;
  }

  void check(SchemaPlace place) {
    const SchemaResource& resource = registry_.resource(place.resource);
    if (checked_.insert(place.resource).second) {
      files_.insert(resource.file);
      if (!resource.openapi) check_resource(place.resource);
    }
    if (resource.openapi) check_within(place);
  }

  // The outermost schemas of a document that is none itself.
  void check_within(SchemaPlace place) {
    std::map<std::uint32_t, std::uint32_t>& ranges = checked_within_[place.resource];
    const auto after = ranges.upper_bound(place.node);
    if (after != ranges.begin() && std::prev(after)->second > place.node) return;
    ranges[place.node] = registry_.document(place)[place.node].next;
    const std::string uri(metaschema_of(registry_.resource(place.resource).draft));
    expect(metaschema_program(*registry_.find_uri(uri), place.resource), place, uri);
  }

  void check_resource(std::uint32_t index) {
    const SchemaResource& resource = registry_.resource(index);
    if (is_metaschema(resource.uri)) return;
    const JsonDocument& document = resource.file->document();
    std::string uri(metaschema_of(resource.draft));
    const JsonNode* named =
        document.member(document[resource.root], "$schema", core::json_key_hash("$schema"));
    if (named == nullptr && resource.root != 0) return;  // with the schema around it
    if (named != nullptr) uri = document.text(*named);
    const SchemaPlace from{index, resource.root};
    const auto metaschema = registry_.find(from, uri);
    if (!metaschema || metaschema->resource == index) return;
    if (above_.contains(metaschema->resource)) return;
    expect(metaschema_program(*metaschema, index), from, uri);
  }

  // That the schema at place is one.
  void expect(const SchemaProgram& metaschema, SchemaPlace place, const std::string& uri) {
    if (evaluator_ == nullptr) evaluator_ = std::make_unique<SchemaEvaluator>();
    SchemaEvaluator& evaluator = *evaluator_;
    const JsonDocument& text = registry_.document(place);
    if (evaluator.evaluate(metaschema, text, place.node, 1) == SchemaVerdict::valid) return;
    if (evaluator.errors().empty()) {
      fail(place, place.node, "too large to be checked against its metaschema");
    }
    const SchemaError& error = evaluator.errors().front();
    fail(place, error.node,
         std::string(error.detail) + " (\"" + std::string(name_of(error.keyword)) + "\" of \"" +
             uri + "\")");
  }

  const SchemaProgram& metaschema_program(SchemaPlace place, std::uint32_t of) {
    const std::string& uri = registry_.resource(place.resource).uri;
    // Those of the drafts are the same for every schema.
    static std::map<std::string, SchemaProgram> drafts;
    const bool shared = is_metaschema(uri);
    std::map<std::string, SchemaProgram>& programs = shared ? drafts : own_metaschemas_;
    if (const auto known = programs.find(uri); known != programs.end()) return known->second;
    SchemaRegistry apart(nullptr);
    CompileOptions options;
    options.assert_formats = false;
    SchemaRegistry& registry = shared ? apart : registry_;
    const SchemaPlace from = shared ? *apart.find_uri(uri) : place;
    std::set<std::uint32_t> above = above_;
    above.insert(of);
    if (shared) above.clear();
    CompiledSchema compiled = Compiler(registry, options, above).run(from);
    return programs.emplace(uri, std::move(compiled.program)).first->second;
  }

  void fill_pending() {
    while (!pending_.empty()) {
      const std::uint32_t block = pending_.front();
      pending_.pop_front();
      const SchemaPlace place = places_.at(block);
      SchemaKeywords(builder_, *this, registry_, place, options_).fill(block);
    }
  }

  // The resources that take part so far may each have what a dynamic reference wants. True if that
  // brought new schemas.
  bool link_dynamic() {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      const std::set<std::uint32_t> resources = checked_;
      for (const std::uint32_t index : resources) {
        if (!linked_.emplace(i, index).second) continue;
        const SchemaResource& resource = registry_.resource(index);
        SchemaPlace place{index, resource.root};
        if (wanted_[i].anchor.empty()) {
          if (!resource.recursive_anchor) continue;
        } else {
          const auto anchor = resource.dynamic_anchors.find(wanted_[i].anchor);
          if (anchor == resource.dynamic_anchors.end()) continue;
          place.node = anchor->second;
        }
        const std::uint32_t block = block_of(place);
        builder_.program.dynamics[i].targets.push_back({index, block});
      }
    }
    return !pending_.empty();
  }

  // With one possible target there is nothing to decide. With more, every block enters its
  // resource, which those that are passed on the shortest way do not.
  void settle_dynamic() {
    for (Operation& operation : builder_.program.operations) {
      if (operation.code != Opcode::dynamic_call) continue;
      const DynamicRule& rule = builder_.program.dynamics[operation.a];
      if (rule.targets.size() > 1 || rule.targets.front().block != rule.fallback) {
        builder_.program.scoped = true;
        continue;
      }
      operation.code = Opcode::call;
      operation.a = rule.fallback;
    }
    if (!builder_.program.scoped) return;
    for (Block& block : builder_.program.blocks) {
      const bool passed = block.kind == BlockKind::object || block.kind == BlockKind::list;
      if (passed) block.kind = BlockKind::branch;
    }
  }

  SchemaRegistry& registry_;
  CompileOptions options_;
  std::set<std::uint32_t> above_;
  SchemaBuilder builder_;
  std::map<SchemaPlace, std::uint32_t> blocks_;
  std::map<std::uint32_t, SchemaPlace> places_;
  std::deque<std::uint32_t> pending_;
  std::vector<Wanted> wanted_;  // beside dynamics
  std::set<std::pair<std::size_t, std::uint32_t>> linked_;
  std::set<std::uint32_t> checked_;  // resources that take part
  std::set<SchemaPlace> warned_;     // of what is ignored there
  // Of OpenAPI documents: first and last + 1 node of the schemas that were checked, by the first.
  std::map<std::uint32_t, std::map<std::uint32_t, std::uint32_t>> checked_within_;
  std::unique_ptr<SchemaEvaluator> evaluator_;
  std::set<std::shared_ptr<const SchemaFile>> files_;
  std::map<std::string, SchemaProgram> own_metaschemas_;
  std::vector<std::string> warnings_;
};

}  // namespace

CompiledSchemas compile_schemas(SchemaRegistry& registry, const std::vector<SchemaPlace>& roots,
                                const CompileOptions& options) {
  return Compiler(registry, options).run(roots);
}

CompiledSchema compile_schema(SchemaRegistry& registry, SchemaPlace root,
                              const CompileOptions& options) {
  return Compiler(registry, options).run(root);
}

}  // namespace guard::json
