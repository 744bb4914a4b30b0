#include "json/coercion.h"

#include <algorithm>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/ascii.h"
#include "core/json_number.h"

namespace guard::json {

namespace {

using core::JsonType;

// A name that is in no "properties".
constexpr Coercion kUnknown = {type_bit(JsonType::string), type_bit(JsonType::string)};

// Schemas inside each other for the same value. Below that a schema is taken for one that admits
// everything, which leaves a text a string.
constexpr std::uint32_t kMaxDepth = 1000;

// An integer is a number that the schema itself looks at more closely.
TypeSet of_json(TypeSet types) {
  TypeSet known = types & kAllTypes;
  if ((known & type_bit(JsonType::number)) != 0) {
    known |= kExponentBit;
  } else if ((types & kIntegerBit) != 0) {
    known |= type_bit(JsonType::number);
  }
  return known;
}

bool is_choice(Opcode code) {
  return code == Opcode::any_of || code == Opcode::one_of;
}

// Who walks a program's schemas as far as they hold for the same value. The compiler has refused
// schemas that do so without end; memory is what keeps shared ones from being walked again.
class Types {
 public:
  explicit Types(const SchemaProgram& program) : program_(program) {}

  TypeSet of(std::uint32_t index) {
    if (const auto known = known_.find(index); known != known_.end()) return known->second;
    if (depth_ == kMaxDepth) return kAnyText;
    ++depth_;
    const Block& block = program_.blocks[index];
    TypeSet types = of_json(block.types);
    for (std::uint32_t i = block.begin[Block::kTypes]; i < block.end; ++i) {
      types &= of(program_.operations[i]);
    }
    if (block.nullable) types |= type_bit(JsonType::null);
    --depth_;
    known_[index] = types;
    return types;
  }

 private:
  TypeSet of(const Operation& operation) {
    if (operation.code == Opcode::call) return of(operation.a);
    if (operation.code == Opcode::enumeration) return of(program_.enumerations[operation.a]);
    if (!is_choice(operation.code)) return kAnyText;
    TypeSet types = 0;
    for (std::uint32_t i = operation.a; i < operation.a + operation.b; ++i) {
      types |= of(program_.lists[i]);
    }
    return types;
  }

  TypeSet of(const Enumeration& list) const {
    TypeSet types = 0;
    if (list.null) types |= type_bit(JsonType::null);
    if (list.yes || list.no) types |= type_bit(JsonType::boolean);
    if (list.string_count > 0) types |= type_bit(JsonType::string);
    for (std::uint32_t i = list.numbers; i < list.numbers + list.number_count; ++i) {
      const Value& value = program_.values[i];
      const Decimal number(value.document->text((*value.document)[value.node]));
      types |= type_bit(JsonType::number);
      if (!number.is_integer()) types |= kExponentBit;
    }
    for (std::uint32_t i = list.containers; i < list.containers + list.container_count; ++i) {
      const Value& value = program_.values[i];
      types |= type_bit((*value.document)[value.node].type);
    }
    return types;
  }

  const SchemaProgram& program_;
  // As the others below, by block: no table of all, since a document asks of a few, many times.
  std::unordered_map<std::uint32_t, TypeSet> known_;
  std::uint32_t depth_ = 0;
};

class Coercions {
 public:
  using Table = std::map<std::string, Coercion, std::less<>>;

  explicit Coercions(const SchemaProgram& program) : program_(program), types_(program) {}

  Coercion of(std::uint32_t block) { return {types_.of(block), elements_of(block)}; }

  const Table& members_of(std::uint32_t index) {
    static const Table none;
    if (const auto known = tables_.find(index); known != tables_.end()) return known->second;
    if (depth_ == kMaxDepth) return none;
    ++depth_;
    Table table;
    const Block& block = program_.blocks[index];
    for (const Operation& operation : program_.operations_of(block, JsonType::object)) {
      if (operation.code == Opcode::object) add(table, program_.objects[operation.a]);
      if (operation.code == Opcode::dependent_schema) {
        const DependencyRule& rule = program_.dependencies[operation.a];
        narrow(table, members_of(rule.block));
      }
    }
    for (const Operation& operation : program_.operations_of_everything(block)) {
      if (operation.code == Opcode::call) narrow(table, members_of(operation.a));
      Table either;
      if (is_choice(operation.code)) {
        for (std::uint32_t i = operation.a; i < operation.a + operation.b; ++i) {
          widen(either, members_of(program_.lists[i]));
        }
      }
      if (operation.code == Opcode::conditional) {
        widen(either, members_of(operation.b));
        widen(either, members_of(operation.c));
      }
      narrow(table, either);
    }
    --depth_;
    return tables_[index] = std::move(table);
  }

 private:
  TypeSet elements_of(std::uint32_t index) {
    if (const auto known = elements_.find(index); known != elements_.end()) return known->second;
    if (depth_ == kMaxDepth) return kAnyText;
    ++depth_;
    const Block& block = program_.blocks[index];
    TypeSet types = kAnyText;
    for (const Operation& operation : program_.operations_of(block, JsonType::array)) {
      if (operation.code != Opcode::array) continue;
      const ArrayRule& rule = program_.arrays[operation.a];
      TypeSet any = types_.of(rule.rest);
      for (std::uint32_t i = rule.prefix; i < rule.prefix + rule.prefix_count; ++i) {
        any |= types_.of(program_.lists[i]);
      }
      types &= any;
    }
    for (const Operation& operation : program_.operations_of_everything(block)) {
      if (operation.code == Opcode::call) types &= elements_of(operation.a);
      if (!is_choice(operation.code)) continue;
      TypeSet any = 0;
      for (std::uint32_t i = operation.a; i < operation.a + operation.b; ++i) {
        const std::uint32_t branch = program_.lists[i];
        if ((types_.of(branch) & type_bit(JsonType::array)) != 0) any |= elements_of(branch);
      }
      types &= any;
    }
    --depth_;
    elements_[index] = types;
    return types;
  }

  void add(Table& table, const ObjectRule& rule) {
    for (std::uint32_t i = rule.slots; i <= rule.slots + rule.mask; ++i) {
      const PropertySlot& slot = program_.slots[i];
      if (slot.block >= kNotProperty) continue;
      table.insert_or_assign(std::string(program_.text(slot.name)), of(slot.block));
    }
  }

  static void narrow(Table& table, const Table& more) {
    for (const auto& [name, coercion] : more) {
      const auto [known, added] = table.emplace(name, coercion);
      if (added) continue;
      known->second.types &= coercion.types;
      known->second.elements &= coercion.elements;
    }
  }

  static void widen(Table& table, const Table& more) {
    for (const auto& [name, coercion] : more) {
      const auto [known, added] = table.emplace(name, coercion);
      if (added) continue;
      known->second.types |= coercion.types;
      known->second.elements |= coercion.elements;
    }
  }

  const SchemaProgram& program_;
  Types types_;
  std::unordered_map<std::uint32_t, TypeSet> elements_;
  std::unordered_map<std::uint32_t, Table> tables_;
  std::uint32_t depth_ = 0;
};

}  // namespace

class CoercionTree::Builder {
 public:
  Builder(const SchemaProgram& program, CoercionTree& tree)
      : program_(program), coercions_(program), places_(tree.places_) {}

  const CoercionPlace* build(std::uint32_t block) {
    const CoercionPlace* root = place({block});
    // Places are added on the way: schemas may be recursive, and so may places.
    for (std::size_t i = 0; i < pending_.size(); ++i) fill(pending_[i]->first, pending_[i]->second);
    return root;
  }

 private:
  // More than any document has: below that nothing is known.
  static constexpr std::size_t kMaxPlaces = 100'000;

  using Blocks = std::set<std::uint32_t>;
  using Places = std::map<std::vector<std::uint32_t>, CoercionPlace>;

  const CoercionPlace* place(const Blocks& blocks) {
    if (blocks.empty() || places_.size() == kMaxPlaces) return nullptr;
    const auto [found, added] =
        places_.try_emplace(std::vector<std::uint32_t>(blocks.begin(), blocks.end()));
    if (added) pending_.push_back(found);
    return &found->second;
  }

  void fill(const std::vector<std::uint32_t>& blocks, CoercionPlace& place_at) {
    place_at.value = {0, 0};
    Blocks holding;
    for (const std::uint32_t block : blocks) {
      const Coercion coercion = coercions_.of(block);
      place_at.value.types |= coercion.types;
      place_at.value.elements |= coercion.elements;
      gather(block, holding);
    }
    std::map<std::string, Blocks, std::less<>> members;
    Blocks elements;
    for (const std::uint32_t index : holding) {
      const Block& block = program_.blocks[index];
      for (const Operation& operation : program_.operations_of(block, JsonType::object)) {
        if (operation.code == Opcode::object) add(members, program_.objects[operation.a]);
      }
      for (const Operation& operation : program_.operations_of(block, JsonType::array)) {
        if (operation.code != Opcode::array) continue;
        const ArrayRule& rule = program_.arrays[operation.a];
        elements.insert(rule.rest);
        for (std::uint32_t i = rule.prefix; i < rule.prefix + rule.prefix_count; ++i) {
          elements.insert(program_.lists[i]);
        }
      }
    }
    for (const auto& [name, own] : members) place_at.members.emplace(name, place(own));
    place_at.element = place(elements);
  }

  void add(std::map<std::string, Blocks, std::less<>>& members, const ObjectRule& rule) const {
    for (std::uint32_t i = rule.slots; i <= rule.slots + rule.mask; ++i) {
      const PropertySlot& slot = program_.slots[i];
      if (slot.block >= kNotProperty) continue;
      members[std::string(program_.text(slot.name))].insert(slot.block);
    }
  }

  // block, and what it is put together from.
  void gather(std::uint32_t block, Blocks& found) const {
    std::vector<std::uint32_t> left = {block};
    while (!left.empty()) {
      const std::uint32_t index = left.back();
      left.pop_back();
      if (!found.insert(index).second) continue;
      const Block& one = program_.blocks[index];
      for (const Operation& operation : program_.operations_of(one, JsonType::object)) {
        if (operation.code == Opcode::dependent_schema) {
          left.push_back(program_.dependencies[operation.a].block);
        }
      }
      for (const Operation& operation : program_.operations_of_everything(one)) {
        if (operation.code == Opcode::call) left.push_back(operation.a);
        if (operation.code == Opcode::conditional) {
          left.push_back(operation.b);
          left.push_back(operation.c);
        }
        if (!is_choice(operation.code)) continue;
        const auto first = program_.lists.begin() + operation.a;
        left.insert(left.end(), first, first + operation.b);
      }
    }
  }

  const SchemaProgram& program_;
  Coercions coercions_;
  Places& places_;
  std::vector<Places::iterator> pending_;
};

CoercionTree::CoercionTree(const SchemaProgram& program, std::uint32_t block)
    : root_(Builder(program, *this).build(block)) {}

TypeSet admitted_types(const SchemaProgram& program, std::uint32_t block) {
  return Types(program).of(block);
}

Coercion coercion_of(const SchemaProgram& program, std::uint32_t block) {
  return Coercions(program).of(block);
}

CoercionTable::CoercionTable(const SchemaProgram& program, std::uint32_t block)
    : coercions_(Coercions(program).members_of(block)) {
  for (const auto& [name, coercion] : coercions_) alike_.add(name);
}

Coercion CoercionTable::find(std::string_view name) const noexcept {
  const auto found = coercions_.find(name);
  return found == coercions_.end() ? kUnknown : found->second;
}

core::JsonType coerced_type(TypeSet types, std::string_view text) noexcept {
  const auto admits = [types](JsonType type) { return (types & type_bit(type)) != 0; };
  if (admits(JsonType::string)) return JsonType::string;
  if (text == "null" && admits(JsonType::null)) return JsonType::null;
  const bool truth = text == "true" || text == "false" || text == "True" || text == "False";
  if (truth && admits(JsonType::boolean)) return JsonType::boolean;
  core::JsonNumber number;
  if (admits(JsonType::number) && core::parse_json_number(text, number) &&
      (number.exponent.empty() || (types & kExponentBit) != 0)) {
    return JsonType::number;
  }
  return JsonType::string;
}

char* write_token(std::string_view text, char* out) noexcept {
  // An "E" is behind a digit.
  *out++ = core::to_lower(text.front());
  return std::copy(text.begin() + 1, text.end(), out);
}

}  // namespace guard::json
