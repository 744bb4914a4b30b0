#include "json/confinement.h"

#include <algorithm>

#include "json/format.h"

namespace guard::json {

namespace {

using core::JsonNode;
using core::JsonType;

class Marker {
 public:
  Marker(const SchemaProgram& program, const core::JsonDocument& document,
         std::span<std::uint64_t> bits)
      : program_(program),
        nodes_(document.nodes()),
        document_(document),
        bits_(bits),
        steps_(kFreeSteps + kStepsPerNode * nodes_.size()) {}

  void visit(std::uint32_t index, std::uint32_t at) noexcept {
    if (index == kAnything || depth_ == kMaxDepth || !take()) return;
    ++depth_;
    const Block& block = program_.blocks[index];
    const JsonNode& node = nodes_[at];
    if (!node.is_container() && confines(block, node)) {
      bits_[at / 64] |= std::uint64_t{1} << at % 64;
    } else {
      if (node.type == JsonType::object) visit_members(block, at);
      if (node.type == JsonType::array) visit_elements(block, at);
      for (const Operation& operation : program_.operations_of_everything(block)) {
        if (operation.code == Opcode::call) visit(operation.a, at);
      }
    }
    --depth_;
  }

 private:
  // Blocks inside each other, and visits in all.
  static constexpr std::uint32_t kMaxDepth = 500;
  static constexpr std::uint64_t kFreeSteps = 1000;
  static constexpr std::uint64_t kStepsPerNode = 8;

  bool take() noexcept {
    if (steps_ == 0) return false;
    --steps_;
    return true;
  }

  bool confines(const Block& block, const JsonNode& node) const noexcept {
    constexpr TypeSet kOpen =
        type_bit(JsonType::string) | type_bit(JsonType::array) | type_bit(JsonType::object);
    if ((block.types & kOpen) == 0) return true;
    const auto lists = [](const Operation& one) { return one.code == Opcode::enumeration; };
    const auto everything = program_.operations_of_everything(block);
    if (std::any_of(everything.begin(), everything.end(), lists)) return true;
    if (node.type != JsonType::string) return false;
    const auto of_strings = program_.operations_of(block, JsonType::string);
    return std::any_of(of_strings.begin(), of_strings.end(), [this](const Operation& one) {
      return one.code == Opcode::format && is_confining(program_.formats[one.a]);
    });
  }

  void visit_members(const Block& block, std::uint32_t at) noexcept {
    for (const Operation& operation : program_.operations_of(block, JsonType::object)) {
      if (operation.code != Opcode::object) continue;
      const ObjectRule& rule = program_.objects[operation.a];
      for (std::uint32_t i = at + 1; i < nodes_[at].next; i = nodes_[i + 1].next) {
        if (!take()) return;
        const PropertySlot* property = find(rule, nodes_[i]);
        if (property != nullptr) {
          visit(property->block, i + 1);
        } else if (rule.pattern_count == 0) {
          visit(rule.additional, i + 1);
        }
      }
    }
  }

  // Null: not one of "properties".
  const PropertySlot* find(const ObjectRule& rule, const JsonNode& key) const noexcept {
    const PropertySlot* const slots = program_.slots.data() + rule.slots;
    for (std::uint32_t slot = key.hash & rule.mask; slots[slot].block != kNone;
         slot = (slot + 1) & rule.mask) {
      const PropertySlot& property = slots[slot];
      if (property.name.hash == key.hash && program_.text(property.name) == document_.text(key)) {
        return property.block == kNotProperty ? nullptr : &property;
      }
    }
    return nullptr;
  }

  void visit_elements(const Block& block, std::uint32_t at) noexcept {
    for (const Operation& operation : program_.operations_of(block, JsonType::array)) {
      if (operation.code != Opcode::array) continue;
      const ArrayRule& rule = program_.arrays[operation.a];
      std::uint32_t place = 0;
      for (std::uint32_t i = at + 1; i < nodes_[at].next; i = nodes_[i].next) {
        visit(place < rule.prefix_count ? program_.lists[rule.prefix + place] : rule.rest, i);
        ++place;
      }
    }
  }

  const SchemaProgram& program_;
  std::span<const JsonNode> nodes_;
  const core::JsonDocument& document_;
  std::span<std::uint64_t> bits_;
  std::uint64_t steps_;
  std::uint32_t depth_ = 0;
};

}  // namespace

void mark_confined(const SchemaProgram& program, std::uint32_t block,
                   const core::JsonDocument& document, std::span<std::uint64_t> bits) noexcept {
  Marker(program, document, bits).visit(block, 0);
}

}  // namespace guard::json
