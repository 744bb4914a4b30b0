// The tables of a SchemaProgram in the making. At configuration time only.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/schema_program.h"

namespace guard::json {

class SchemaBuilder {
 public:
  SchemaBuilder();  // with the blocks kAnything and kNothing

  SchemaProgram program;

  std::uint32_t message(Keyword keyword, std::string detail);
  Name name(std::string_view text);
  std::uint32_t list(const std::vector<std::uint32_t>& entries);  // index of the first
  std::uint32_t pattern(std::string_view text);
  std::uint32_t enumeration(const std::vector<Value>& values);

  struct Property {
    std::string_view name;
    std::uint32_t block = kNotProperty;
    std::uint32_t required = kNone;  // as in PropertySlot
  };
  // Fills slots, mask and required_mask.
  void property_slots(ObjectRule& rule, const std::vector<Property>& properties);
  // And behind that lower_slots.
  void lower_slots(ObjectRule& rule, const std::vector<Property>& properties);

 private:
  std::uint32_t take_slots(std::uint32_t count);
  PropertySlot& free_slot(std::uint32_t first, std::uint32_t mask, std::uint32_t hash);
  void enum_slots(const std::vector<std::uint32_t>& hashes, std::uint32_t first,
                  std::uint32_t& slots, std::uint32_t& mask);

  std::map<std::string, std::uint32_t, std::less<>> patterns_;
  std::map<std::string, Name, std::less<>> names_;
};

}  // namespace guard::json
