// The keywords that go through the members of an object or the elements of an array.
#include <algorithm>
#include <array>
#include <bit>

#include "core/any_case.h"
#include "core/short_text.h"
#include "json/schema_run.h"

namespace guard::json {

namespace {

using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

constexpr std::string_view kOtherCase = "must be written as the schema names it";

// A longer name is no property's.
constexpr std::size_t kMaxFolded = 256;

}  // namespace

[[gnu::noinline]] bool SchemaEvaluator::is_in_other_case(const ObjectRule& rule,
                                                         std::uint32_t key) noexcept {
  // Closed: it is refused all the same, for a better reason.
  if (rule.additional == kNothing) return false;
  std::array<char, kMaxFolded> room;
  std::size_t size = 0;
  for (std::string_view rest = document_->text(nodes_[key]); !rest.empty();) {
    if (size == room.size()) return false;
    room[size++] = core::take_folded(rest);
  }
  const std::string_view name(room.data(), size);
  const PropertySlot* const slots = program_->slots.data() + rule.lower_slots;
  for (std::uint32_t slot = core::json_key_hash(name) & rule.mask; slots[slot].block != kNone;
       slot = (slot + 1) & rule.mask) {
    if (program_->text(slots[slot].name) != name) continue;
    errors_[0] = {key + 1, Keyword::properties, kOtherCase};
    error_count_ = 1;
    stop(SchemaVerdict::invalid);
    return true;
  }
  return false;
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
    if (!known && rule.lower_slots != kNone && is_in_other_case(rule, i)) return false;
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

template bool SchemaEvaluator::check_object<SchemaEvaluator::Report::no>(const ObjectRule&,
                                                                         std::uint32_t,
                                                                         bool) noexcept;
template bool SchemaEvaluator::check_object<SchemaEvaluator::Report::yes>(const ObjectRule&,
                                                                          std::uint32_t,
                                                                          bool) noexcept;
template bool SchemaEvaluator::check_required<SchemaEvaluator::Report::no>(const ObjectRule&,
                                                                           std::uint32_t,
                                                                           std::uint64_t) noexcept;
template bool SchemaEvaluator::check_required<SchemaEvaluator::Report::yes>(const ObjectRule&,
                                                                            std::uint32_t,
                                                                            std::uint64_t) noexcept;
template bool SchemaEvaluator::check_array<SchemaEvaluator::Report::no>(const ArrayRule&,
                                                                        std::uint32_t,
                                                                        bool) noexcept;
template bool SchemaEvaluator::check_array<SchemaEvaluator::Report::yes>(const ArrayRule&,
                                                                         std::uint32_t,
                                                                         bool) noexcept;
template bool SchemaEvaluator::check_contains<SchemaEvaluator::Report::no>(const Operation&,
                                                                           std::uint32_t,
                                                                           bool) noexcept;
template bool SchemaEvaluator::check_contains<SchemaEvaluator::Report::yes>(const Operation&,
                                                                            std::uint32_t,
                                                                            bool) noexcept;
template bool SchemaEvaluator::check_dependency<SchemaEvaluator::Report::no>(const Operation&,
                                                                             std::uint32_t,
                                                                             bool) noexcept;
template bool SchemaEvaluator::check_dependency<SchemaEvaluator::Report::yes>(const Operation&,
                                                                              std::uint32_t,
                                                                              bool) noexcept;
template bool SchemaEvaluator::check_unevaluated<SchemaEvaluator::Report::no>(
    const Operation&, std::uint32_t) noexcept;
template bool SchemaEvaluator::check_unevaluated<SchemaEvaluator::Report::yes>(
    const Operation&, std::uint32_t) noexcept;

}  // namespace guard::json
