// A compiled schema: blocks of instructions and the tables they point into, all flat. Made by
// schema_compiler.h, run by schema_evaluator.h, changed by nobody in between.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_document.h"
#include "json/bound.h"
#include "json/decimal.h"
#include "json/format.h"
#include "json/pattern.h"
#include "json/schema_registry.h"

namespace guard::json {

inline constexpr std::uint32_t kNone = 0xffffffff;
// The blocks of `true` and `false`.
inline constexpr std::uint32_t kAnything = 0;
inline constexpr std::uint32_t kNothing = 1;
// In a PropertySlot: the name is only required, and no property.
inline constexpr std::uint32_t kNotProperty = 0xfffffffe;

// A set of types: bit 1 << JsonType, and these.
using TypeSet = std::uint8_t;
inline constexpr TypeSet kIntegerBit = 1U << 6U;  // a number whose value is whole
inline constexpr TypeSet kWrittenBit = 1U << 7U;  // draft 4: whole as it is written, so not 1.0
inline constexpr TypeSet kAllTypes = 0x3f;
constexpr TypeSet type_bit(core::JsonType type) {
  return static_cast<TypeSet>(1U << static_cast<unsigned>(type));
}

enum class Opcode : std::uint8_t {
  // Of strings. length: a to b characters, c the message of b; a: index of patterns, formats.
  length,
  pattern,
  format,
  // Of numbers. a: index of bounds, divisors.
  minimum,
  maximum,
  exclusive_minimum,
  exclusive_maximum,
  multiple_of,
  // Of arrays. a: a number of elements; or an index of arrays, contains.
  min_items,
  max_items,
  unique_items,
  array,
  contains,
  unevaluated_items,  // a: block
  // Of objects. a: a number of members; or an index of objects, dependencies.
  min_properties,
  max_properties,
  object,
  dependent_required,
  dependent_schema,
  unevaluated_properties,  // a: block
  // Of everything.
  enumeration,   // a: index of enumerations
  call,          // a: block
  dynamic_call,  // a: index of dynamics
  any_of,        // a: first of lists, b: how many
  one_of,
  not_,         // a: block
  conditional,  // a, b, c: blocks of if, then, else
};

struct Operation {
  Opcode code = Opcode::call;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t message = 0;  // index of messages
};

struct Message {
  Keyword keyword = Keyword::schema;
  std::string detail;  // a sentence without its subject: "must be a string"
};

// What can be said of a block without a look at its operations.
enum class BlockKind : std::uint8_t {
  bare,    // nothing but the types
  range,   // numbers lie between two whole ones, including them
  text,    // strings have so many characters, and match a simple pattern, if one is named
  listed,  // an enumeration
  object,  // properties and what is required of an object, no rule for names
  list,    // an array's size, one block for all elements, and whether they must differ
  leaf,    // runs no other block: looks into strings, numbers and enumerations alone
  branch,  // anything else
};

// The instructions for a value are those of its type and those of everything.
struct Block {
  static constexpr std::size_t kTypes = 6;

  TypeSet types = kAllTypes;
  BlockKind kind = BlockKind::bare;
  bool unevaluated = false;  // holds an unevaluated_ instruction
  bool nullable = false;     // of a branch: null passes, whatever its operations say
  std::uint32_t resource = 0;
  std::uint32_t message = 0;                      // of types
  std::array<std::uint32_t, kTypes + 1> begin{};  // operations of each JsonType
  std::uint32_t end = 0;                          // begin[kTypes] .. end: of everything
  // What the operations of the first kinds come to: low and high of a range; the characters of a
  // text, a to b, and c, its index of patterns or kNone; a, the index of enumerations or objects;
  // the elements of a list, a to b, c, their block, and whether they must differ.
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  std::uint32_t a = 0;
  std::uint32_t b = kNone;
  std::uint32_t c = kNone;
  bool differ = false;
};

struct Name {
  std::uint32_t offset = 0;  // in names
  std::uint32_t size = 0;
  std::uint32_t hash = 0;  // json_key_hash
};

// An entry of an open hash table.
struct PropertySlot {
  Name name;
  std::uint32_t block = kNone;     // kNone: free
  std::uint32_t required = kNone;  // its number among the required ones, or kNone
  std::uint64_t required_bit = 0;  // 1 << required, of the first 64
};

struct PatternProperty {
  std::uint32_t pattern = 0;
  std::uint32_t block = 0;
};

// properties, patternProperties, additionalProperties, propertyNames and required: one walk.
struct ObjectRule {
  std::uint32_t slots = 0;  // first of slots
  std::uint32_t mask = 0;   // one less than there are: a power of 2
  // First of as many slots by the names of properties in lower case; kNone: case does not matter.
  std::uint32_t lower_slots = kNone;
  std::uint32_t patterns = 0;
  std::uint32_t pattern_count = 0;
  std::uint32_t additional = kAnything;
  std::uint32_t names = kAnything;  // block for the names themselves
  std::uint32_t required = 0;       // first of required
  std::uint32_t required_count = 0;
  // Of what has the schema false.
  std::uint32_t property_message = 0;
  std::uint32_t pattern_message = 0;
  std::uint32_t names_message = 0;
  std::uint32_t additional_message = 0;  // of other members
  bool evaluates_others = false;         // additionalProperties is there
  bool plain = false;                    // neither patterns nor rules for names
  std::uint64_t required_mask = 0;       // the required_bit of all
};

struct RequiredName {
  Name name;
  std::uint32_t message = 0;
};

struct ArrayRule {
  std::uint32_t prefix = 0;  // first of lists
  std::uint32_t prefix_count = 0;
  std::uint32_t rest = kAnything;
  std::uint32_t prefix_message = 0;
  std::uint32_t rest_message = 0;
  bool evaluates_rest = false;  // there is a keyword for the rest
};

struct ContainsRule {
  std::uint32_t block = 0;
  std::uint32_t min = 1;
  std::uint32_t max = kNone;
  std::uint32_t max_message = 0;
  bool evaluates = false;  // 2020-12: what matches counts as evaluated
};

struct DependencyRule {
  Name name;                   // if this member is there
  std::uint32_t block = 0;     // dependent_schema: this holds
  std::uint32_t required = 0;  // dependent_required: these must be there as well
  std::uint32_t required_count = 0;
};

struct Enumeration {
  std::uint32_t strings = 0;  // first of enum_strings
  std::uint32_t string_count = 0;
  std::uint32_t numbers = 0;  // first of values
  std::uint32_t number_count = 0;
  std::uint32_t containers = 0;  // first of values
  std::uint32_t container_count = 0;
  // First of enum_slots, which hold indexes of enum_strings and values, if there are many of them.
  std::uint32_t string_slots = kNone;
  std::uint32_t string_mask = 0;
  std::uint32_t number_slots = kNone;
  std::uint32_t number_mask = 0;
  bool null = false;
  bool yes = false;
  bool no = false;
};

struct Value {
  const core::JsonDocument* document = nullptr;
  std::uint32_t node = 0;
};

struct EnumSlot {
  std::uint32_t hash = 0;       // hash_scalar
  std::uint32_t index = kNone;  // kNone: free
};

// $dynamicRef, $recursiveRef: the first resource of the dynamic scope that has the anchor decides.
struct DynamicTarget {
  std::uint32_t resource = 0;
  std::uint32_t block = 0;
};

struct DynamicRule {
  std::uint32_t fallback = 0;  // block
  std::vector<DynamicTarget> targets;
};

struct SchemaProgram {
  std::uint32_t root = kAnything;
  bool scoped = false;       // there is a dynamic_call
  bool unevaluated = false;  // there is an unevaluated_ instruction
  std::vector<Block> blocks;
  std::vector<Operation> operations;
  std::vector<std::uint32_t> lists;
  std::vector<Message> messages;
  std::string names;
  std::vector<Pattern> patterns;
  std::vector<FormatCheck> formats;
  std::vector<Bound> bounds;
  std::vector<Divisor> divisors;
  std::vector<ObjectRule> objects;
  std::vector<PropertySlot> slots;
  std::vector<PatternProperty> pattern_properties;
  std::vector<RequiredName> required;
  std::vector<ArrayRule> arrays;
  std::vector<ContainsRule> contains;
  std::vector<DependencyRule> dependencies;
  std::vector<Enumeration> enumerations;
  std::vector<Name> enum_strings;
  std::vector<Value> values;
  std::vector<EnumSlot> enum_slots;
  std::vector<DynamicRule> dynamics;
  // What decimals and values are views of.
  std::vector<std::shared_ptr<const SchemaFile>> files;

  std::string_view text(const Name& name) const { return {names.data() + name.offset, name.size}; }
  std::span<const Operation> operations_of(const Block& block, core::JsonType type) const {
    const auto i = static_cast<std::size_t>(type);
    return std::span(operations).subspan(block.begin[i], block.begin[i + 1] - block.begin[i]);
  }
  std::span<const Operation> operations_of_everything(const Block& block) const {
    const std::uint32_t first = block.begin[Block::kTypes];
    return std::span(operations).subspan(first, block.end - first);
  }
};

}  // namespace guard::json
