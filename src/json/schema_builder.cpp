#include "json/schema_builder.h"

#include <algorithm>
#include <bit>

#include "core/any_case.h"
#include "json/value.h"

namespace guard::json {

namespace {

using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

// More strings or numbers than these are found by their hash.
constexpr std::size_t kFewScalars = 4;
constexpr std::uint32_t kMaskBits = 64;
// Free slots for each that is taken, so that a search for what is not there is short.
constexpr std::size_t kSlack = 2;

std::uint32_t slots_for(std::size_t entries) {
  return static_cast<std::uint32_t>(std::bit_ceil(std::max<std::size_t>(entries, 1) * kSlack));
}

}  // namespace

SchemaBuilder::SchemaBuilder() {
  program.messages.push_back({Keyword::schema, "must match the schema"});
  program.blocks.resize(2);
  program.blocks[kNothing].types = 0;
}

std::uint32_t SchemaBuilder::message(Keyword keyword, std::string detail) {
  program.messages.push_back({keyword, std::move(detail)});
  return static_cast<std::uint32_t>(program.messages.size() - 1);
}

Name SchemaBuilder::name(std::string_view text) {
  if (const auto known = names_.find(text); known != names_.end()) return known->second;
  const Name name{static_cast<std::uint32_t>(program.names.size()),
                  static_cast<std::uint32_t>(text.size()), core::json_key_hash(text)};
  program.names.append(text);
  names_.emplace(text, name);
  return name;
}

std::uint32_t SchemaBuilder::list(const std::vector<std::uint32_t>& entries) {
  const auto first = static_cast<std::uint32_t>(program.lists.size());
  program.lists.insert(program.lists.end(), entries.begin(), entries.end());
  return first;
}

std::uint32_t SchemaBuilder::pattern(std::string_view text) {
  const auto next = static_cast<std::uint32_t>(program.patterns.size());
  const auto known = patterns_.find(text);
  if (known != patterns_.end()) return known->second;
  program.patterns.emplace_back(text);
  patterns_.emplace(text, next);
  return next;
}

std::uint32_t SchemaBuilder::enumeration(const std::vector<Value>& values) {
  Enumeration result;
  std::vector<Value> numbers;
  std::vector<Value> containers;
  std::vector<Name> strings;
  for (const Value& value : values) {
    const JsonNode& node = (*value.document)[value.node];
    switch (node.type) {
      case JsonType::null:
        result.null = true;
        break;
      case JsonType::boolean:
        (node.is_true() ? result.yes : result.no) = true;
        break;
      case JsonType::number:
        numbers.push_back(value);
        break;
      case JsonType::string:
        strings.push_back(name(value.document->text(node)));
        break;
      case JsonType::array:
      case JsonType::object:
        containers.push_back(value);
        break;
    }
  }
  const auto append = [](auto& list, const auto& more, std::uint32_t& first, std::uint32_t& count) {
    first = static_cast<std::uint32_t>(list.size());
    count = static_cast<std::uint32_t>(more.size());
    list.insert(list.end(), more.begin(), more.end());
  };
  append(program.enum_strings, strings, result.strings, result.string_count);
  append(program.values, numbers, result.numbers, result.number_count);
  append(program.values, containers, result.containers, result.container_count);
  if (strings.size() > kFewScalars) {
    std::vector<std::uint32_t> hashes;
    hashes.reserve(strings.size());
    for (const Name& string : strings) hashes.push_back(string.hash);
    enum_slots(hashes, result.strings, result.string_slots, result.string_mask);
  }
  if (numbers.size() > kFewScalars) {
    std::vector<std::uint32_t> hashes;
    hashes.reserve(numbers.size());
    for (const Value& number : numbers) {
      hashes.push_back(hash_scalar(*number.document, (*number.document)[number.node]));
    }
    enum_slots(hashes, result.numbers, result.number_slots, result.number_mask);
  }
  program.enumerations.push_back(result);
  return static_cast<std::uint32_t>(program.enumerations.size() - 1);
}

void SchemaBuilder::enum_slots(const std::vector<std::uint32_t>& hashes, std::uint32_t first,
                               std::uint32_t& slots, std::uint32_t& mask) {
  const std::uint32_t count = slots_for(hashes.size());
  slots = static_cast<std::uint32_t>(program.enum_slots.size());
  mask = count - 1;
  program.enum_slots.resize(program.enum_slots.size() + count);
  for (const std::uint32_t hash : hashes) {
    std::uint32_t at = hash & mask;
    while (program.enum_slots[slots + at].index != kNone) at = (at + 1) & mask;
    program.enum_slots[slots + at] = {hash, first++};
  }
}

std::uint32_t SchemaBuilder::take_slots(std::uint32_t count) {
  const auto first = static_cast<std::uint32_t>(program.slots.size());
  program.slots.resize(program.slots.size() + count);
  return first;
}

PropertySlot& SchemaBuilder::free_slot(std::uint32_t first, std::uint32_t mask,
                                       std::uint32_t hash) {
  std::uint32_t at = hash & mask;
  while (program.slots[first + at].block != kNone) at = (at + 1) & mask;
  return program.slots[first + at];
}

void SchemaBuilder::property_slots(ObjectRule& rule, const std::vector<Property>& properties) {
  const std::uint32_t count = slots_for(properties.size());
  rule.slots = take_slots(count);
  rule.mask = count - 1;
  for (const Property& property : properties) {
    const Name own = name(property.name);
    const bool early = property.required < kMaskBits;
    const std::uint64_t bit = early ? std::uint64_t{1} << property.required : 0;
    free_slot(rule.slots, rule.mask, own.hash) = {own, property.block, property.required, bit};
    rule.required_mask |= bit;
  }
}

void SchemaBuilder::lower_slots(ObjectRule& rule, const std::vector<Property>& properties) {
  rule.lower_slots = take_slots(rule.mask + 1);
  for (const Property& property : properties) {
    if (property.block == kNotProperty) continue;
    std::string folded;
    for (std::string_view rest = property.name; !rest.empty();) folded += core::take_folded(rest);
    const Name own = name(folded);
    free_slot(rule.lower_slots, rule.mask, own.hash) = {own, property.block, kNone, 0};
  }
}

}  // namespace guard::json
