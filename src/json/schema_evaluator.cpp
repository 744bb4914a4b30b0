#include "json/schema_evaluator.h"

#include <algorithm>

#include "core/short_text.h"
#include "json/schema_run.h"

namespace guard::json {

namespace {

using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

}  // namespace

SchemaEvaluator::SchemaEvaluator() noexcept : key_(core::draw_sip_key()) {}

SchemaVerdict SchemaEvaluator::evaluate(const SchemaProgram& program, std::uint32_t block,
                                        const JsonDocument& document, std::uint32_t node,
                                        std::size_t max_errors) noexcept {
  program_ = &program;
  document_ = &document;
  blocks_ = program.blocks.data();
  nodes_ = document.nodes().data();
  stopped_ = SchemaVerdict::valid;
  depth_ = 0;
  scope_size_ = 0;
  error_count_ = 0;
  max_errors_ = std::min(max_errors, kMaxErrors);
  if (!prepare(document)) return SchemaVerdict::memory;
  const bool valid = run<Report::no>(block, node, false);
  if (stopped_ != SchemaVerdict::valid) return stopped_;
  if (valid) return SchemaVerdict::valid;
  if (max_errors_ > 0 && prepare(document)) {
    (void)run<Report::yes>(block, node, false);
    // To tell all reasons may take longer than to know that there is one.
    if (error_count_ == 0) {
      const Message& said = program.messages.front();
      errors_[error_count_++] = {node, said.keyword, said.detail};
    }
  }
  return SchemaVerdict::invalid;
}

bool SchemaEvaluator::prepare(const JsonDocument& document) noexcept {
  const auto nodes = static_cast<std::uint32_t>(document.nodes().size());
  steps_ = kFreeSteps + kStepsPerByte * document.text().size();
  work_ = Pattern::work_for(document.text().size());
  return !program_->unevaluated || trail_.prepare(nodes, kKeepNodes);
}

void SchemaEvaluator::stop(SchemaVerdict verdict) noexcept {
  if (stopped_ == SchemaVerdict::valid) stopped_ = verdict;
  steps_ = 0;
}

template <SchemaEvaluator::Report report>
[[gnu::noinline]] bool SchemaEvaluator::run_leaf(const Block& block, std::uint32_t at) noexcept {
  const JsonNode& node = nodes_[at];
  const Operation* const operations = program_->operations.data();
  const auto type = static_cast<std::size_t>(node.type);
  const Operation* operation = operations + block.begin[type];
  const Operation* const last = operations + block.begin[type + 1];
  bool valid = true;
  if (operation != last) {
    // Nothing else has any in a leaf.
    if (node.type == JsonType::string) {
      for (; operation != last && (valid || report == Report::yes); ++operation) {
        valid &= check_string<report>(*operation, at);
      }
    } else {
      const WrittenNumber number(document_->text(node));
      for (; operation != last && (valid || report == Report::yes); ++operation) {
        valid &= check_number<report>(*operation, number, at);
      }
    }
  }
  for (std::uint32_t i = block.begin[Block::kTypes];
       i < block.end && (valid || report == Report::yes); ++i) {
    valid &= is_listed(program_->enumerations[operations[i].a], at) ||
             fail<report>(at, operations[i].message);
  }
  return valid;
}

template <SchemaEvaluator::Report report>
[[gnu::noinline]] bool SchemaEvaluator::run_branch(const Block& block, std::uint32_t at,
                                                   bool track) noexcept {
  if (depth_ == kMaxDepth) stop(SchemaVerdict::limit);
  if (!take(1)) return false;
  if (block.nullable && nodes_[at].type == JsonType::null) return true;
  ++depth_;
  const bool enters =
      program_->scoped && (scope_size_ == 0 || scope_[scope_size_ - 1] != block.resource);
  if (enters) scope_[scope_size_++] = block.resource;
  bool valid;
  if (block.unevaluated) {
    const std::uint32_t outer = trail_.open();
    valid = run_operations<report>(block, at, true);
    trail_.close(outer, track && valid);
  } else {
    valid = run_operations<report>(block, at, track);
  }
  if (enters) --scope_size_;
  --depth_;
  return valid;
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::run_operations(const Block& block, std::uint32_t at, bool track) noexcept {
  const Operation* const operations = program_->operations.data();
  const auto type = static_cast<std::size_t>(nodes_[at].type);
  bool valid = true;
  for (std::uint32_t i = block.begin[type]; i < block.begin[type + 1]; ++i) {
    if (run_operation<report>(operations[i], at, track)) continue;
    if (report == Report::no) return false;
    valid = false;
  }
  for (std::uint32_t i = block.begin[Block::kTypes]; i < block.end; ++i) {
    if (run_operation<report>(operations[i], at, track)) continue;
    if (report == Report::no) return false;
    valid = false;
  }
  return valid;
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_string(const Operation& operation, std::uint32_t at) noexcept {
  const JsonNode& node = nodes_[at];
  const auto text = [&] { return document_->text(node); };
  switch (operation.code) {
    case Opcode::length: {
      // A character takes one to four bytes: counting them is rarely needed.
      if (node.size / 4 >= operation.a && node.size <= operation.b) return true;
      if (!take(node.size / kBytesPerStep)) return false;
      const std::size_t count = code_points(text());
      if (count < operation.a) return fail<report>(at, operation.message);
      return count <= operation.b || fail<report>(at, operation.c);
    }
    case Opcode::pattern:
      return search(operation.a, text()) || fail<report>(at, operation.message);
    default: {
      const FormatCheck check = program_->formats[operation.a];
      if (!take(node.size / kBytesPerStep + extra_steps(check, text()))) return false;
      if (check(text())) return true;
      return take(failed_steps(check)) && fail<report>(at, operation.message);
    }
  }
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_number(const Operation& operation, const WrittenNumber& number,
                                   std::uint32_t at) noexcept {
  const auto bound = [&]() -> const Bound& { return program_->bounds[operation.a]; };
  const auto compared = [&] { return bound().compare(number); };
  const auto check = [&](bool holds) { return holds || fail<report>(at, operation.message); };
  switch (operation.code) {
    case Opcode::minimum:
      return check(compared() >= 0);
    case Opcode::maximum:
      return check(compared() <= 0);
    case Opcode::exclusive_minimum:
      return check(compared() > 0 && !bound().rounds_to(number));
    case Opcode::exclusive_maximum:
      return check(compared() < 0 && !bound().rounds_to(number));
    default:
      return check(program_->divisors[operation.a].divides(Decimal(number.text())));
  }
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::run_operation(const Operation& operation, std::uint32_t at,
                                    bool track) noexcept {
  const JsonNode& node = nodes_[at];
  const auto check = [&](bool holds) { return holds || fail<report>(at, operation.message); };
  switch (operation.code) {
    case Opcode::length:
    case Opcode::pattern:
    case Opcode::format:
      return check_string<report>(operation, at);
    case Opcode::minimum:
    case Opcode::maximum:
    case Opcode::exclusive_minimum:
    case Opcode::exclusive_maximum:
    case Opcode::multiple_of:
      return check_number<report>(operation, document_->text(node), at);
    case Opcode::min_items:
    case Opcode::min_properties:
      return check(node.size >= operation.a);
    case Opcode::max_items:
    case Opcode::max_properties:
      return check(node.size <= operation.a);
    case Opcode::unique_items:
      return check(is_unique(at));
    case Opcode::array:
      return check_array<report>(program_->arrays[operation.a], at, track);
    case Opcode::contains:
      return check_contains<report>(operation, at, track);
    case Opcode::object:
      return check_object<report>(program_->objects[operation.a], at, track);
    case Opcode::dependent_required:
    case Opcode::dependent_schema:
      return check_dependency<report>(operation, at, track);
    case Opcode::unevaluated_items:
    case Opcode::unevaluated_properties:
      return check_unevaluated<report>(operation, at);
    case Opcode::enumeration:
      return check(is_listed(program_->enumerations[operation.a], at));
    case Opcode::call:
      return operation.a == kNothing ? check(false) : run<report>(operation.a, at, track);
    case Opcode::dynamic_call:
      return run<report>(dynamic_target(program_->dynamics[operation.a]), at, track);
    case Opcode::any_of:
      return check_any_of<report>(operation, at, track);
    case Opcode::one_of:
      return check_one_of<report>(operation, at, track);
    case Opcode::not_:
      return check(!matches(operation.a, at, false));
    case Opcode::conditional:
      return check_conditional<report>(operation, at, track);
  }
  return true;
}

// What most objects are, and what most of the time goes to: a valid one, with properties alone.
// This and passes_list only ever go down in the document, whose depth has a limit.
bool SchemaEvaluator::passes_object(const ObjectRule& rule, std::uint32_t at) noexcept {
  const JsonNode* const nodes = nodes_;
  const PropertySlot* const slots = program_->slots.data() + rule.slots;
  const char* const names = program_->names.data();
  const std::uint32_t mask = rule.mask;
  const std::uint32_t end = nodes[at].next;
  if (!take(nodes[at].size + 1)) return false;
  std::uint64_t seen = 0;
  for (std::uint32_t i = at + 1; i < end; i = nodes[i + 1].next) {
    const JsonNode& key = nodes[i];
    const PropertySlot* property = slots + (key.hash & mask);
    while (
        property->block != kNone &&
        (property->name.hash != key.hash || property->name.size != key.size ||
         !core::same_bytes(names + property->name.offset, document_->text(key).data(), key.size))) {
      property = slots + (static_cast<std::uint32_t>(property - slots + 1) & mask);
    }
    seen |= property->required_bit;
    const bool known = property->block < kNotProperty;
    const std::uint32_t block = known ? property->block : rule.additional;
    if (!known && rule.lower_slots != kNone && is_in_other_case(rule, i)) return false;
    if (!run<Report::no>(block, i + 1, false)) return false;
  }
  if ((seen & rule.required_mask) != rule.required_mask) return false;
  return rule.required_count <= kMaskBits || check_required<Report::no>(rule, at, seen);
}

bool SchemaEvaluator::passes_list(const Block& block, std::uint32_t at) noexcept {
  const JsonNode& list = nodes_[at];
  if (list.size < block.a || list.size > block.b || !take(list.size + 1)) return false;
  if (block.c != kAnything) {
    const std::uint32_t end = list.next;
    for (std::uint32_t i = at + 1; i < end; i = nodes_[i].next) {
      if (!run<Report::no>(block.c, i, false)) return false;
    }
  }
  return !block.differ || is_unique(at);
}

bool SchemaEvaluator::search(std::uint32_t pattern, std::string_view text) noexcept {
  const Pattern::Match match = program_->patterns[pattern].search(text, work_);
  if (match == Pattern::Match::limit) {
    stop(SchemaVerdict::pattern_limit);
  }
  return match == Pattern::Match::yes;
}

std::uint32_t SchemaEvaluator::dynamic_target(const DynamicRule& rule) const noexcept {
  for (std::uint32_t i = 0; i < scope_size_; ++i) {
    for (const DynamicTarget& target : rule.targets) {
      if (target.resource == scope_[i]) return target.block;
    }
  }
  return rule.fallback;
}

// For the other files: what run() calls.
template bool SchemaEvaluator::run_leaf<SchemaEvaluator::Report::no>(const Block&,
                                                                     std::uint32_t) noexcept;
template bool SchemaEvaluator::run_leaf<SchemaEvaluator::Report::yes>(const Block&,
                                                                      std::uint32_t) noexcept;
template bool SchemaEvaluator::run_branch<SchemaEvaluator::Report::no>(const Block&, std::uint32_t,
                                                                       bool) noexcept;
template bool SchemaEvaluator::run_branch<SchemaEvaluator::Report::yes>(const Block&, std::uint32_t,
                                                                        bool) noexcept;

}  // namespace guard::json
