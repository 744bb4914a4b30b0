// enum, const and uniqueItems: values that are compared with others.
#include <algorithm>
#include <bit>

#include "core/short_text.h"
#include "json/schema_run.h"
#include "json/value.h"

namespace guard::json {

namespace {

using core::Hash128;
using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

// Arrays of up to so many scalars are compared pair by pair.
constexpr std::uint32_t kFewElements = 8;
// Of a node that uniqueItems hashes.
constexpr std::uint64_t kStepsPerHash = 8;

template <class Holds>
bool any_of(std::uint32_t first, std::uint32_t count, const Holds& holds) noexcept {
  for (std::uint32_t i = first; i < first + count; ++i) {
    if (holds(i)) return true;
  }
  return false;
}

}  // namespace

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

}  // namespace guard::json
