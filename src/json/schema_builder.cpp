#include "json/schema_builder.h"

#include <algorithm>
#include <bit>

#include "json/value.h"

namespace guard::json {

namespace {

using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

// More scalars than these are found by their hash.
constexpr std::size_t kFewScalars = 4;
// Free slots for each that is taken, so that a search for what is not there is short.
constexpr std::size_t kSlack = 2;

std::uint32_t slots_for(std::size_t entries) {
  return static_cast<std::uint32_t>(std::bit_ceil(std::max<std::size_t>(entries, 1) * kSlack));
}

}  // namespace

SchemaBuilder::SchemaBuilder() {
  program.messages.push_back({});
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
  result.first = static_cast<std::uint32_t>(program.values.size());
  std::vector<Value> containers;
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
      case JsonType::string:
        program.values.push_back(value);
        ++result.scalar_count;
        break;
      case JsonType::array:
      case JsonType::object:
        containers.push_back(value);
        break;
    }
  }
  program.values.insert(program.values.end(), containers.begin(), containers.end());
  result.container_count = static_cast<std::uint32_t>(containers.size());
  if (result.scalar_count > kFewScalars) {
    const std::uint32_t count = slots_for(result.scalar_count);
    result.slots = static_cast<std::uint32_t>(program.value_slots.size());
    result.mask = count - 1;
    program.value_slots.resize(program.value_slots.size() + count);
    for (std::uint32_t i = result.first; i < result.first + result.scalar_count; ++i) {
      const Value& value = program.values[i];
      const std::uint32_t hash = hash_scalar(*value.document, (*value.document)[value.node]);
      std::uint32_t at = hash & result.mask;
      while (program.value_slots[result.slots + at].value != kNone) at = (at + 1) & result.mask;
      program.value_slots[result.slots + at] = {hash, i};
    }
  }
  program.enumerations.push_back(result);
  return static_cast<std::uint32_t>(program.enumerations.size() - 1);
}

void SchemaBuilder::property_slots(ObjectRule& rule, const std::vector<Property>& properties) {
  const std::uint32_t count = slots_for(properties.size());
  rule.slots = static_cast<std::uint32_t>(program.slots.size());
  rule.mask = count - 1;
  program.slots.resize(program.slots.size() + count);
  for (const Property& property : properties) {
    const Name own = name(property.name);
    std::uint32_t at = own.hash & rule.mask;
    while (program.slots[rule.slots + at].block != kNone) at = (at + 1) & rule.mask;
    program.slots[rule.slots + at] = {own, property.block, property.required};
  }
}

}  // namespace guard::json
