#include "json/schema_evaluator.h"

#include <algorithm>
#include <bit>

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

constexpr std::uint32_t code_points(std::string_view text) {
  return static_cast<std::uint32_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

// A character takes one to four bytes: counting is rarely needed.
bool has_at_least(std::string_view text, std::uint32_t characters) noexcept {
  if (text.size() < characters) return false;
  return text.size() / 4 >= characters || code_points(text) >= characters;
}

}  // namespace

SchemaEvaluator::SchemaEvaluator() noexcept : key_(core::draw_sip_key()) {}

SchemaVerdict SchemaEvaluator::evaluate(const SchemaProgram& program, const JsonDocument& document,
                                        std::uint32_t node, std::size_t max_errors) noexcept {
  program_ = &program;
  document_ = &document;
  stopped_ = SchemaVerdict::valid;
  depth_ = 0;
  scope_size_ = 0;
  error_count_ = 0;
  max_errors_ = std::min(max_errors, kMaxErrors);
  if (!prepare(document)) return SchemaVerdict::memory;
  const bool valid = run<Report::no>(program.root, node, false);
  if (stopped_ != SchemaVerdict::valid) return stopped_;
  if (valid) return SchemaVerdict::valid;
  if (max_errors_ > 0 && prepare(document)) (void)run<Report::yes>(program.root, node, false);
  return SchemaVerdict::invalid;
}

bool SchemaEvaluator::prepare(const JsonDocument& document) noexcept {
  const auto nodes = static_cast<std::uint32_t>(document.nodes().size());
  steps_ = kFreeSteps + kStepsPerNode * nodes;
  return !program_->unevaluated || trail_.prepare(nodes, kKeepNodes);
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::fail(std::uint32_t at, std::uint32_t message) noexcept {
  if constexpr (report == Report::yes) {
    if (error_count_ < max_errors_) {
      const Message& said = program_->messages[message];
      errors_[error_count_++] = {at, said.keyword, said.detail};
    }
    // Enough is known.
    if (error_count_ == max_errors_) steps_ = 0;
  }
  return false;
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::run(std::uint32_t block, std::uint32_t at, bool track) noexcept {
  if (block == kAnything) return true;
  if (steps_ == 0 || depth_ == kMaxDepth) {
    if (report == Report::no && stopped_ == SchemaVerdict::valid) stopped_ = SchemaVerdict::limit;
    steps_ = 0;
    return false;
  }
  --steps_;
  ++depth_;
  const bool valid = run_block<report>(program_->blocks[block], at, track);
  --depth_;
  return valid;
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::run_block(const Block& block, std::uint32_t at, bool track) noexcept {
  const JsonNode& node = (*document_)[at];
  if (!has_type(block.types, node)) return fail<report>(at, block.message);
  const bool enters =
      program_->scoped && (scope_size_ == 0 || scope_[scope_size_ - 1] != block.resource);
  if (enters) scope_[scope_size_++] = block.resource;
  std::uint32_t outer = 0;
  const bool tracked = track || block.unevaluated;
  if (block.unevaluated) outer = trail_.open();

  bool valid = true;
  const auto run_all = [&](std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to; ++i) {
      if (run_operation<report>(program_->operations[i], at, tracked)) continue;
      valid = false;
      if (report == Report::no) return;
    }
  };
  const auto type = static_cast<std::size_t>(node.type);
  run_all(block.begin[type], block.begin[type + 1]);
  if (valid || report == Report::yes) run_all(block.begin[Block::kTypes], block.end);

  if (block.unevaluated) trail_.close(outer, track && valid);
  if (enters) --scope_size_;
  return valid;
}

bool SchemaEvaluator::has_type(TypeSet types, const JsonNode& node) const noexcept {
  if ((types & type_bit(node.type)) != 0) return true;
  if (node.type != JsonType::number || (types & kIntegerBit) == 0) return false;
  if (node.is_integer()) return true;
  return (types & kWrittenBit) == 0 && Decimal(document_->text(node)).is_integer();
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::run_operation(const Operation& operation, std::uint32_t at,
                                    bool track) noexcept {
  const JsonNode& node = (*document_)[at];
  const auto check = [&](bool holds) { return holds || fail<report>(at, operation.message); };
  const auto text = [&] { return document_->text(node); };
  const auto compared = [&] { return program_->bounds[operation.a].compare(text()); };
  switch (operation.code) {
    case Opcode::min_length:
      return check(has_at_least(text(), operation.a));
    case Opcode::max_length:
      return check(node.size <= operation.a || code_points(text()) <= operation.a);
    case Opcode::pattern:
      return check(search(operation.a, text()));
    case Opcode::format:
      return check(program_->formats[operation.a](text()));
    case Opcode::minimum:
      return check(compared() >= 0);
    case Opcode::maximum:
      return check(compared() <= 0);
    case Opcode::exclusive_minimum:
      return check(compared() > 0);
    case Opcode::exclusive_maximum:
      return check(compared() < 0);
    case Opcode::multiple_of:
      return check(program_->divisors[operation.a].divides(Decimal(text())));
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
bool SchemaEvaluator::run_child(std::uint32_t block, std::uint32_t at,
                                std::uint32_t message) noexcept {
  return block == kNothing ? fail<report>(at, message) : run<report>(block, at, false);
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_object(const ObjectRule& rule, std::uint32_t at, bool track) noexcept {
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
      if (property.name.hash != key.hash || program_->text(property.name) != name) continue;
      if (property.required - 1 < kMaskBits) seen |= std::uint64_t{1} << (property.required - 1);
      if (property.block == kNotProperty) break;
      known = true;
      holds = run_child<report>(property.block, i + 1, rule.property_message);
      break;
    }
    for (std::uint32_t p = 0; p < rule.pattern_count && (holds || report == Report::yes); ++p) {
      if (!search(patterns[p].pattern, name)) continue;
      known = true;
      holds &= run_child<report>(patterns[p].block, i + 1, rule.property_message);
    }
    if (!known && rule.evaluates_others) {
      holds &= run_child<report>(rule.additional, i + 1, rule.additional_message);
    } else if (known && track && !rule.evaluates_others && !trail_.add(i + 1)) {
      stopped_ = SchemaVerdict::memory;
    }
    if (rule.names != kAnything) holds &= run_child<report>(rule.names, i, rule.property_message);
    if (holds) continue;
    valid = false;
    if (report == Report::no) return false;
  }
  if (track && rule.evaluates_others && !trail_.add(at)) stopped_ = SchemaVerdict::memory;
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
      for (std::uint32_t i = at + 1; i < document[at].next; i = document[i + 1].next) {
        const JsonNode& key = document[i];
        for (std::uint32_t slot = key.hash & rule.mask; slots[slot].block != kNone;
             slot = (slot + 1) & rule.mask) {
          if (slots[slot].name.hash != key.hash ||
              program_->text(slots[slot].name) != document.text(key)) {
            continue;
          }
          const std::uint32_t bit = slots[slot].required - 1 - first;
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
    if (track && !trail_.add(i)) stopped_ = SchemaVerdict::memory;
    if (run_child<report>(program_->lists[rule.prefix + p], i, rule.prefix_message)) continue;
    valid = false;
    if (report == Report::no) return false;
  }
  if (!rule.evaluates_rest) return valid;
  if (track && !trail_.add(at)) stopped_ = SchemaVerdict::memory;
  if (rule.rest == kAnything) return valid;
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
  for (std::uint32_t i = at + 1; i < (*document_)[at].next; i = (*document_)[i].next) {
    if (!matches(rule.block, i, false)) continue;
    if (all && !trail_.add(i)) stopped_ = SchemaVerdict::memory;
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
  const JsonNode& node = (*document_)[at];
  const auto has = [&](const Name& name) {
    return document_->member(node, program_->text(name), name.hash) != nullptr;
  };
  if (!has(rule.name)) return true;
  if (operation.code == Opcode::dependent_schema) {
    return rule.block == kNothing ? fail<report>(at, operation.message)
                                  : run<report>(rule.block, at, track);
  }
  bool valid = true;
  for (std::uint32_t i = rule.required; i < rule.required + rule.required_count; ++i) {
    if (!has(program_->required[i].name)) valid = fail<report>(at, program_->required[i].message);
  }
  return valid;
}

bool SchemaEvaluator::matches(std::uint32_t block, std::uint32_t at, bool track) noexcept {
  const std::uint32_t size = trail_.size();
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
      if (!has_type(program_->blocks[block].types, (*document_)[at])) continue;
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
  const std::uint32_t to_value = items ? 0 : 1;
  bool valid = true;
  for (std::uint32_t i = at + 1 + to_value; i < node.next; i = document[i].next + to_value) {
    if (trail_.has(i) || run_child<report>(operation.a, i, operation.message)) continue;
    valid = false;
    if (report == Report::no) return false;
  }
  if (!trail_.add(at)) stopped_ = SchemaVerdict::memory;
  return valid;
}

bool SchemaEvaluator::is_listed(const Enumeration& list, std::uint32_t at) const noexcept {
  const JsonNode& node = (*document_)[at];
  const auto equals = [&](std::uint32_t i) {
    const Value& value = program_->values[i];
    return equal_values(*document_, at, *value.document, value.node);
  };
  if (node.type == JsonType::null) return list.null;
  if (node.type == JsonType::boolean) return node.is_true() ? list.yes : list.no;
  std::uint32_t first = list.first;
  std::uint32_t count = list.scalar_count;
  if (node.is_container()) {
    first += count;
    count = list.container_count;
  } else if (list.slots != kNone) {
    const std::uint32_t hash = hash_scalar(*document_, node);
    const ValueSlot* const slots = program_->value_slots.data() + list.slots;
    for (std::uint32_t i = hash & list.mask; slots[i].value != kNone; i = (i + 1) & list.mask) {
      if (slots[i].hash == hash && equals(slots[i].value)) return true;
    }
    return false;
  }
  for (std::uint32_t i = first; i < first + count; ++i) {
    if (equals(i)) return true;
  }
  return false;
}

bool SchemaEvaluator::is_unique(std::uint32_t at) noexcept {
  const JsonDocument& document = *document_;
  const JsonNode& node = document[at];
  if (node.size < 2) return true;
  // The elements are all scalars if no node is behind another but they.
  if (node.size <= kFewElements && node.next - at - 1 == node.size) {
    for (std::uint32_t i = at + 1; i < node.next; ++i) {
      for (std::uint32_t j = at + 1; j < i; ++j) {
        if (equal_values(document, i, document, j)) return false;
      }
    }
    return true;
  }
  const std::size_t count = std::bit_ceil(std::size_t{node.size} * 2);
  if (!unique_.reserve(count, kKeepNodes)) {
    stopped_ = SchemaVerdict::memory;
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
  const Pattern::Match match = program_->patterns[pattern].search(text);
  if (match == Pattern::Match::limit) {
    stopped_ = SchemaVerdict::pattern_limit;
    steps_ = 0;
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
