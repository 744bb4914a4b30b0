#include "json/schema_cycles.h"

#include <vector>

namespace guard::json {

namespace {

// The blocks that an instruction applies to the same value.
void add_targets(const SchemaProgram& program, const Operation& operation,
                 std::vector<std::uint32_t>& targets) {
  switch (operation.code) {
    case Opcode::call:
    case Opcode::not_:
      targets.push_back(operation.a);
      break;
    case Opcode::any_of:
    case Opcode::one_of: {
      const auto first = program.lists.begin() + operation.a;
      targets.insert(targets.end(), first, first + operation.b);
      break;
    }
    case Opcode::conditional:
      targets.insert(targets.end(), {operation.a, operation.b, operation.c});
      break;
    case Opcode::dependent_schema:
      targets.push_back(program.dependencies[operation.a].block);
      break;
    default:
      break;
  }
}

std::vector<std::uint32_t> targets_of(const SchemaProgram& program, const Block& block) {
  std::vector<std::uint32_t> targets;
  for (std::uint32_t i = block.begin.front(); i < block.end; ++i) {
    add_targets(program, program.operations[i], targets);
  }
  return targets;
}

}  // namespace

// Depth first, with a stack of its own: a schema may nest as deeply as it likes.
std::optional<std::uint32_t> find_endless(const SchemaProgram& program) {
  enum class Mark : std::uint8_t { unseen, open, done };
  struct Frame {
    std::uint32_t block;
    std::vector<std::uint32_t> targets;
  };
  std::vector<Mark> marks(program.blocks.size(), Mark::unseen);
  for (std::uint32_t start = 0; start < program.blocks.size(); ++start) {
    if (marks[start] != Mark::unseen) continue;
    std::vector<Frame> stack;
    const auto enter = [&](std::uint32_t block) {
      marks[block] = Mark::open;
      stack.push_back({block, targets_of(program, program.blocks[block])});
    };
    enter(start);
    while (!stack.empty()) {
      std::vector<std::uint32_t>& targets = stack.back().targets;
      if (targets.empty()) {
        marks[stack.back().block] = Mark::done;
        stack.pop_back();
        continue;
      }
      const std::uint32_t next = targets.back();
      targets.pop_back();
      if (marks[next] == Mark::open) return next;
      if (marks[next] == Mark::unseen) enter(next);
    }
  }
  return std::nullopt;
}

}  // namespace guard::json
