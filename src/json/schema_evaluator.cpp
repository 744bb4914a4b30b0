#include "json/schema_evaluator.h"

#include <algorithm>
#include <bit>

#include "core/short_text.h"
#include "json/value.h"

namespace guard::json {

namespace {

using core::Hash128;
using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

// Nodes whose memory is kept between documents.
constexpr std::size_t kKeepNodes = 1U << 16U;
// Arrays of up to so many scalars are compared pair by pair.
constexpr std::uint32_t kFewElements = 8;
constexpr std::uint32_t kMaskBits = 64;
// Of a text that is gone through.
constexpr std::uint32_t kBytesPerStep = 16;
// Of a node that uniqueItems hashes.
constexpr std::uint64_t kStepsPerHash = 8;

std::size_t code_points(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

template <class Holds>
bool any_of(std::uint32_t first, std::uint32_t count, const Holds& holds) noexcept {
  for (std::uint32_t i = first; i < first + count; ++i) {
    if (holds(i)) return true;
  }
  return false;
}

}  // namespace

SchemaEvaluator::SchemaEvaluator() noexcept : key_(core::draw_sip_key()) {}

SchemaVerdict SchemaEvaluator::evaluate(const SchemaProgram& program, const JsonDocument& document,
                                        std::uint32_t node, std::size_t max_errors) noexcept {
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
  const bool valid = run<Report::no>(program.root, node, false);
  if (stopped_ != SchemaVerdict::valid) return stopped_;
  if (valid) return SchemaVerdict::valid;
  if (max_errors_ > 0 && prepare(document)) {
    (void)run<Report::yes>(program.root, node, false);
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

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::fail(std::uint32_t at, std::uint32_t message) noexcept {
  if constexpr (report == Report::yes) {
    if (stopped_ == SchemaVerdict::valid) {
      const Message& said = program_->messages[message];
      errors_[error_count_++] = {at, said.keyword, said.detail};
      if (error_count_ == max_errors_) stop(SchemaVerdict::invalid);
    }
  }
  return false;
}

void SchemaEvaluator::stop(SchemaVerdict verdict) noexcept {
  if (stopped_ == SchemaVerdict::valid) stopped_ = verdict;
  steps_ = 0;
}

inline bool SchemaEvaluator::take(std::uint64_t steps) noexcept {
  if (steps_ < steps) {
    stop(SchemaVerdict::limit);
    return false;
  }
  steps_ -= steps;
  return true;
}

// Inlined wherever it is called: most values are done with here.
template <SchemaEvaluator::Report report>
[[gnu::always_inline]] inline bool SchemaEvaluator::run(std::uint32_t index, std::uint32_t at,
                                                        bool track) noexcept {
  const Block& block = blocks_[index];
  const JsonNode& node = nodes_[at];
  if (!has_type(block.types, node)) return fail<report>(at, block.message);
  switch (block.kind) {
    case BlockKind::bare:
      return true;
    case BlockKind::range:
      if (node.type != JsonType::number || in_range(block, node)) return true;
      break;
    case BlockKind::text:
      if (node.type != JsonType::string || passes_text(block, node)) return true;
      break;
    case BlockKind::listed:
      if (is_listed(program_->enumerations[block.a], at)) return true;
      break;
    case BlockKind::leaf:
      break;
    case BlockKind::object:
      if (report == Report::yes || track) return run_branch<report>(block, at, track);
      return node.type != JsonType::object || passes_object(program_->objects[block.a], at);
    case BlockKind::list:
      if (report == Report::yes || track) return run_branch<report>(block, at, track);
      return node.type != JsonType::array || passes_list(block, at);
    case BlockKind::branch:
      return run_branch<report>(block, at, track);
  }
  return run_leaf<report>(block, at);
}

// True only if it surely is: what this does not know, and what is wrong, is looked at once more.
[[gnu::always_inline]] inline bool SchemaEvaluator::in_range(const Block& block,
                                                             const JsonNode& node) const noexcept {
  constexpr std::uint32_t kMaxBytes = 18;  // whose digits fit an int64_t
  if (node.size > kMaxBytes || node.has_exponent()) return false;
  const std::string_view text = document_->text(node);
  const char* at = text.data();
  const char* const end = at + text.size();
  if (node.is_negative()) ++at;
  std::int64_t whole = 0;
  for (; at != end && *at != '.'; ++at) whole = whole * 10 + (*at - '0');
  if (node.is_negative()) whole = -whole;
  // With a fraction it lies beyond whole.
  if (node.is_integer()) return whole >= block.low && whole <= block.high;
  return whole > block.low && whole < block.high;
}

[[gnu::always_inline]] inline bool SchemaEvaluator::passes_text(const Block& block,
                                                                const JsonNode& node) noexcept {
  const std::string_view text = document_->text(node);
  // A character takes one to four bytes: counting them is rarely needed.
  if (text.size() / 4 < block.a || text.size() > block.b) {
    if (!take(text.size() / kBytesPerStep)) return false;
    const std::size_t count = code_points(text);
    if (count < block.a || count > block.b) return false;
  }
  return block.c == kNone || search(block.c, text);
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

bool SchemaEvaluator::is_whole(TypeSet types, const JsonNode& node) const noexcept {
  if (node.type != JsonType::number || (types & kIntegerBit) == 0) return false;
  if (node.is_integer()) return true;
  return (types & kWrittenBit) == 0 && Decimal(document_->text(node)).is_integer();
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
    default:
      if (!take(node.size / kBytesPerStep)) return false;
      return program_->formats[operation.a](text()) || fail<report>(at, operation.message);
  }
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_number(const Operation& operation, const WrittenNumber& number,
                                   std::uint32_t at) noexcept {
  const auto compared = [&] { return program_->bounds[operation.a].compare(number); };
  const auto check = [&](bool holds) { return holds || fail<report>(at, operation.message); };
  switch (operation.code) {
    case Opcode::minimum:
      return check(compared() >= 0);
    case Opcode::maximum:
      return check(compared() <= 0);
    case Opcode::exclusive_minimum:
      return check(compared() > 0);
    case Opcode::exclusive_maximum:
      return check(compared() < 0);
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

template <SchemaEvaluator::Report report>
[[gnu::always_inline]] inline bool SchemaEvaluator::run_child(std::uint32_t block, std::uint32_t at,
                                                              std::uint32_t message) noexcept {
  return block == kNothing ? fail<report>(at, message) : run<report>(block, at, false);
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
    const std::uint32_t block = property->block < kNotProperty ? property->block : rule.additional;
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

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_object(const ObjectRule& rule, std::uint32_t at, bool track) noexcept {
  if (!take(nodes_[at].size)) return false;
  const JsonDocument& document = *document_;
  const PropertySlot* const slots = program_->slots.data() + rule.slots;
  const PatternProperty* const patterns = program_->pattern_properties.data() + rule.patterns;
  const std::uint32_t end = document[at].next;
  std::uint64_t seen = 0;
  bool valid = true;
  for (std::uint32_t i = at + 1; i < end; i = document[i + 1].next) {
    const JsonNode& key = document[i];
    const std::string_view name = document.text(key);
    bool known = false;
    bool holds = true;
    for (std::uint32_t slot = key.hash & rule.mask; slots[slot].block != kNone;
         slot = (slot + 1) & rule.mask) {
      const PropertySlot& property = slots[slot];
      if (property.name.hash != key.hash || !core::same_text(program_->text(property.name), name)) {
        continue;
      }
      seen |= property.required_bit;
      if (property.block == kNotProperty) break;
      known = true;
      holds = run_child<report>(property.block, i + 1, rule.property_message);
      break;
    }
    for (std::uint32_t p = 0; p < rule.pattern_count && (holds || report == Report::yes); ++p) {
      if (!search(patterns[p].pattern, name)) continue;
      known = true;
      holds &= run_child<report>(patterns[p].block, i + 1, rule.pattern_message);
    }
    if (!known && rule.evaluates_others) {
      holds &= run_child<report>(rule.additional, i + 1, rule.additional_message);
    } else if (known && track && !rule.evaluates_others && !trail_.add(i + 1)) {
      stop(SchemaVerdict::memory);
    }
    if (rule.names != kAnything) holds &= run_child<report>(rule.names, i, rule.names_message);
    if (holds) continue;
    valid = false;
    if (report == Report::no) return false;
  }
  if (track && rule.evaluates_others && !trail_.add(at)) stop(SchemaVerdict::memory);
  return check_required<report>(rule, at, seen) && valid;
}

// The first ones were counted on the way. For each 64 of the others the members are gone through
// once more: linear in the body, whatever the schema asks for.
template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_required(const ObjectRule& rule, std::uint32_t at,
                                     std::uint64_t seen) noexcept {
  const JsonDocument& document = *document_;
  const PropertySlot* const slots = program_->slots.data() + rule.slots;
  bool valid = true;
  for (std::uint32_t first = 0; first < rule.required_count; first += kMaskBits) {
    if (first > 0) {
      seen = 0;
      if (!take(document[at].size)) return false;
      for (std::uint32_t i = at + 1; i < document[at].next; i = document[i + 1].next) {
        const JsonNode& key = document[i];
        for (std::uint32_t slot = key.hash & rule.mask; slots[slot].block != kNone;
             slot = (slot + 1) & rule.mask) {
          if (slots[slot].name.hash != key.hash ||
              program_->text(slots[slot].name) != document.text(key)) {
            continue;
          }
          const std::uint32_t bit = slots[slot].required - first;
          if (bit < kMaskBits) seen |= std::uint64_t{1} << bit;
          break;
        }
      }
    }
    const std::uint32_t count = std::min(rule.required_count - first, kMaskBits);
    std::uint64_t missing = ~seen & (~std::uint64_t{0} >> (kMaskBits - count));
    if (missing == 0) continue;
    valid = false;
    if (report == Report::no) return false;
    for (; missing != 0; missing &= missing - 1) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(missing));
      fail<report>(at, program_->required[rule.required + first + bit].message);
    }
  }
  return valid;
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_array(const ArrayRule& rule, std::uint32_t at, bool track) noexcept {
  const JsonDocument& document = *document_;
  const std::uint32_t end = document[at].next;
  std::uint32_t i = at + 1;
  bool valid = true;
  for (std::uint32_t p = 0; p < rule.prefix_count && i < end; ++p, i = document[i].next) {
    if (track && !trail_.add(i)) stop(SchemaVerdict::memory);
    if (run_child<report>(program_->lists[rule.prefix + p], i, rule.prefix_message)) continue;
    valid = false;
    if (report == Report::no) return false;
  }
  if (!rule.evaluates_rest) return valid;
  if (track && !trail_.add(at)) stop(SchemaVerdict::memory);
  if (rule.rest == kAnything) return valid;
  if (!take(document[at].size)) return false;
  for (; i < end; i = document[i].next) {
    if (run_child<report>(rule.rest, i, rule.rest_message)) continue;
    valid = false;
    if (report == Report::no) return false;
  }
  return valid;
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_contains(const Operation& operation, std::uint32_t at,
                                     bool track) noexcept {
  const ContainsRule& rule = program_->contains[operation.a];
  const bool all = track && rule.evaluates;
  std::uint32_t count = 0;
  if (!take(nodes_[at].size)) return false;
  for (std::uint32_t i = at + 1; i < nodes_[at].next; i = nodes_[i].next) {
    if (!matches(rule.block, i, false)) continue;
    if (all && !trail_.add(i)) stop(SchemaVerdict::memory);
    ++count;
    if (count > rule.max) return fail<report>(at, rule.max_message);
    if (count >= rule.min && rule.max == kNone && !all) return true;
  }
  return count >= rule.min || fail<report>(at, operation.message);
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_dependency(const Operation& operation, std::uint32_t at,
                                       bool track) noexcept {
  const DependencyRule& rule = program_->dependencies[operation.a];
  const JsonNode& node = nodes_[at];
  const auto has = [&](const Name& name) {
    return document_->member(node, program_->text(name), name.hash) != nullptr;
  };
  if (!take(node.size)) return false;
  if (!has(rule.name)) return true;
  if (operation.code == Opcode::dependent_schema) {
    return rule.block == kNothing ? fail<report>(at, operation.message)
                                  : run<report>(rule.block, at, track);
  }
  bool valid = true;
  if (!take(std::uint64_t{node.size} * rule.required_count)) return false;
  for (std::uint32_t i = rule.required; i < rule.required + rule.required_count; ++i) {
    if (!has(program_->required[i].name)) valid = fail<report>(at, program_->required[i].message);
  }
  return valid;
}

bool SchemaEvaluator::matches(std::uint32_t block, std::uint32_t at, bool track) noexcept {
  const std::uint32_t size = trail_.size();
  if (!take(1)) return false;
  if (run<Report::no>(block, at, track)) return true;
  trail_.cut(size);
  return false;
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_any_of(const Operation& operation, std::uint32_t at,
                                   bool track) noexcept {
  bool any = false;
  for (std::uint32_t i = operation.a; i < operation.a + operation.b; ++i) {
    any |= matches(program_->lists[i], at, track);
    if (any && !track) return true;
  }
  return any || blame_alternatives<report>(operation, at);
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_one_of(const Operation& operation, std::uint32_t at,
                                   bool track) noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t i = operation.a; i < operation.a + operation.b; ++i) {
    if (matches(program_->lists[i], at, track) && ++count > 1) {
      return fail<report>(at, operation.message);
    }
  }
  return count == 1 || blame_alternatives<report>(operation, at);
}

// None matches. If only one of them is for values of this type, its reasons say more.
template <SchemaEvaluator::Report report>
bool SchemaEvaluator::blame_alternatives(const Operation& operation, std::uint32_t at) noexcept {
  if constexpr (report == Report::yes) {
    std::uint32_t fitting = kNone;
    std::uint32_t count = 0;
    for (std::uint32_t i = operation.a; i < operation.a + operation.b; ++i) {
      const std::uint32_t block = program_->lists[i];
      if (!has_type(blocks_[block].types, nodes_[at])) continue;
      fitting = block;
      ++count;
    }
    const std::size_t before = error_count_;
    if (count == 1) (void)run<report>(fitting, at, false);
    if (error_count_ > before) return false;
  }
  return fail<report>(at, operation.message);
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_conditional(const Operation& operation, std::uint32_t at,
                                        bool track) noexcept {
  const std::uint32_t block = matches(operation.a, at, track) ? operation.b : operation.c;
  return block == kNothing ? fail<report>(at, operation.message) : run<report>(block, at, track);
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_unevaluated(const Operation& operation, std::uint32_t at) noexcept {
  const JsonDocument& document = *document_;
  const bool items = operation.code == Opcode::unevaluated_items;
  const JsonNode& node = document[at];
  if (node.type != (items ? JsonType::array : JsonType::object) || trail_.has(at)) return true;
  if (!take(node.size)) return false;
  const std::uint32_t to_value = items ? 0 : 1;
  bool valid = true;
  for (std::uint32_t i = at + 1 + to_value; i < node.next; i = document[i].next + to_value) {
    if (trail_.has(i) || run_child<report>(operation.a, i, operation.message)) continue;
    valid = false;
    if (report == Report::no) return false;
  }
  if (!trail_.add(at)) stop(SchemaVerdict::memory);
  return valid;
}

bool SchemaEvaluator::is_listed(const Enumeration& list, std::uint32_t at) const noexcept {
  const JsonNode& node = nodes_[at];
  switch (node.type) {
    case JsonType::null:
      return list.null;
    case JsonType::boolean:
      return node.is_true() ? list.yes : list.no;
    case JsonType::string: {
      const std::string_view text = document_->text(node);
      const auto equals = [&](std::uint32_t i) {
        return core::same_text(text, program_->text(program_->enum_strings[i]));
      };
      if (list.string_slots == kNone) return any_of(list.strings, list.string_count, equals);
      return is_in_slots(list.string_slots, list.string_mask, at, equals);
    }
    case JsonType::number:
      if (list.number_slots == kNone) {
        return any_of(list.numbers, list.number_count,
                      [&](std::uint32_t i) { return is_value(at, i); });
      }
      return is_in_slots(list.number_slots, list.number_mask, at,
                         [&](std::uint32_t i) { return is_value(at, i); });
    case JsonType::array:
    case JsonType::object:
      break;
  }
  return any_of(list.containers, list.container_count,
                [&](std::uint32_t i) { return is_value(at, i); });
}

template <class Equals>
bool SchemaEvaluator::is_in_slots(std::uint32_t first, std::uint32_t mask, std::uint32_t at,
                                  const Equals& equals) const noexcept {
  const std::uint32_t hash = hash_scalar(*document_, nodes_[at]);
  const EnumSlot* const slots = program_->enum_slots.data() + first;
  for (std::uint32_t i = hash & mask; slots[i].index != kNone; i = (i + 1) & mask) {
    if (slots[i].hash == hash && equals(slots[i].index)) return true;
  }
  return false;
}

bool SchemaEvaluator::is_value(std::uint32_t at, std::uint32_t value) const noexcept {
  const Value& other = program_->values[value];
  return equal_values(*document_, at, *other.document, other.node);
}

bool SchemaEvaluator::is_unique(std::uint32_t at) noexcept {
  const JsonDocument& document = *document_;
  const JsonNode& node = document[at];
  if (node.size < 2) return true;
  // The elements are all scalars if no node is behind another but they.
  if (node.size <= kFewElements && node.next - at - 1 == node.size) {
    for (std::uint32_t i = at + 1; i < node.next; ++i) {
      for (std::uint32_t j = at + 1; j < i; ++j) {
        const JsonNode& one = document[i];
        const JsonNode& other = document[j];
        // Most are short strings.
        if (one.type != other.type || (one.type == JsonType::string && one.size != other.size)) {
          continue;
        }
        if (equal_values(document, i, document, j)) return false;
      }
    }
    return true;
  }
  if (!take(kStepsPerHash * (node.next - at))) return false;
  const std::size_t count = std::bit_ceil(std::size_t{node.size} * 2);
  if (!unique_.reserve(count, kKeepNodes)) {
    stop(SchemaVerdict::memory);
    return false;
  }
  UniqueSlot* const slots = unique_.data();
  std::fill_n(slots, count, UniqueSlot{{}, 0});
  for (std::uint32_t i = at + 1; i < node.next; i = document[i].next) {
    const Hash128 hash = hash_value(document, i, key_);
    std::size_t slot = hash.low & (count - 1);
    for (; slots[slot].node != 0; slot = (slot + 1) & (count - 1)) {
      if (slots[slot].hash == hash) return false;
    }
    slots[slot] = {hash, i};
  }
  return true;
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

}  // namespace guard::json
