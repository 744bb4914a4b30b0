// One schema's keywords as the instructions of its block. At configuration time only.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/schema_builder.h"
#include "json/schema_compiler.h"
#include "json/schema_registry.h"

namespace guard::json {

// What connects a schema with others.
class SchemaLinker {
 public:
  virtual ~SchemaLinker() = default;
  virtual std::uint32_t block_of(SchemaPlace place) = 0;
  // Of the reference at node, written in from.
  virtual std::uint32_t block_of_reference(SchemaPlace from, std::uint32_t node) = 0;
  virtual SchemaPlace place_of_reference(SchemaPlace from, std::uint32_t node) = 0;
  // An index of dynamics; nothing if it is an ordinary reference.
  virtual std::optional<std::uint32_t> dynamic_reference(SchemaPlace from, std::uint32_t node) = 0;
  virtual void warn(SchemaPlace place, std::uint32_t node, std::string_view what) = 0;
};

class SchemaKeywords {
 public:
  SchemaKeywords(SchemaBuilder& builder, SchemaLinker& linker, const SchemaRegistry& registry,
                 SchemaPlace place, const CompileOptions& options);

  // Fills the block, which its linker has made for this place.
  void fill(std::uint32_t block);

 private:
  using Group = std::vector<Operation>;
  // One for each JsonType, and one for everything.
  static constexpr std::size_t kEverything = Block::kTypes;

  [[noreturn]] void fail(std::uint32_t node, std::string_view what) const;
  void gather();
  bool is_list(std::size_t all);
  void classify(Block& block);
  bool has(Keyword keyword) const { return at(keyword) != 0; }
  std::uint32_t at(Keyword keyword) const { return nodes_[static_cast<std::size_t>(keyword)]; }
  const core::JsonNode& value(Keyword keyword) const { return document_[at(keyword)]; }
  Group& group(core::JsonType type) { return groups_[static_cast<std::size_t>(type)]; }
  Group& everything() { return groups_[kEverything]; }
  std::uint32_t child(std::uint32_t node);
  std::uint32_t child(Keyword keyword) { return child(at(keyword)); }
  std::vector<std::uint32_t> children(Keyword keyword);  // of an array
  const core::JsonNode& expect(Keyword keyword, core::JsonType type, std::string_view what) const;
  std::optional<std::uint32_t> count(Keyword keyword) const;
  std::vector<std::string_view> strings(std::uint32_t node) const;
  void add(core::JsonType type, Opcode code, std::uint32_t a, Keyword keyword, std::string detail);
  void add_everything(Opcode code, std::uint32_t a, std::uint32_t b, Keyword keyword,
                      std::string detail);

  std::uint32_t pattern(std::uint32_t node);  // of the text at node

  void types(Block& block);
  bool is_nullable() const { return has(Keyword::nullable) && value(Keyword::nullable).is_true(); }
  void string_keywords();
  void number_keywords();
  void number_format(std::string_view name);
  void add_bound(Keyword keyword, Opcode code, std::string_view words);
  void array_keywords();
  void array_rule();
  void contains_rule();
  void object_keywords();
  void object_rule();
  bool comes_from_other_side(SchemaPlace schema, std::string_view property, int depth);
  void dependency_keywords();
  void dependency(std::uint32_t name, std::uint32_t value, Keyword keyword);
  void value_keywords();
  void applicator_keywords();
  void reference_keywords();
  void unevaluated_keywords(Block& block);

  SchemaBuilder& builder_;
  SchemaLinker& linker_;
  const SchemaRegistry& registry_;
  SchemaPlace place_;
  const core::JsonDocument& document_;
  Draft draft_;
  CompileOptions options_;
  std::array<std::uint32_t, kKeywordCount> nodes_{};  // of the values; 0: absent
  std::array<Group, kEverything + 1> groups_;
};

}  // namespace guard::json
