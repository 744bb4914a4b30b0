// Values that come as text (the fields of a form, parameters) and what a schema wants them to be:
// docs/decisions/form-coercion.md. Tables are made at configuration time, from a compiled schema.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json/lookalike.h"
#include "json/schema_program.h"

namespace guard::json {

// Beside the bits of JsonType, in sets of types that a text may become: numbers with an exponent as
// well, which no whole number is written with. Of 100e-2 Ruby's to_i and JavaScript's parseInt make
// 100.
inline constexpr TypeSet kExponentBit = 1U << 6U;
inline constexpr TypeSet kAnyText = kAllTypes | kExponentBit;

// The types that the block admits, looked at through its references, allOf, anyOf, oneOf, enum and
// const: a value of any other type fails for sure. Who admits integers admits numbers here, since
// what makes one whole is for the schema to say, but not kExponentBit.
TypeSet admitted_types(const SchemaProgram& program, std::uint32_t block);

// What a text becomes at one place.
struct Coercion {
  TypeSet types = kAnyText;
  // Of the elements, where it becomes an array.
  TypeSet elements = kAnyText;

  bool admits(core::JsonType type) const { return (types & type_bit(type)) != 0; }
  // Several texts make one array.
  bool may_repeat() const { return admits(core::JsonType::array); }
  // One text makes one as well.
  bool is_array() const { return may_repeat() && !admits(core::JsonType::string); }
};

Coercion coercion_of(const SchemaProgram& program, std::uint32_t block);

// By the names under which a schema knows the members of an object: its "properties", and those of
// what it refers to or is put together from. Of alternatives that name one, any type that one of
// them admits. Names that no "properties" holds are not in it.
class CoercionTable {
 public:
  CoercionTable() = default;
  CoercionTable(const SchemaProgram& program, std::uint32_t block);

  // Of any other name: a text stays a string, and may not be repeated.
  Coercion find(std::string_view name) const noexcept;
  bool knows(std::string_view name) const noexcept {
    return coercions_.find(name) != coercions_.end();
  }
  // Or an application may read name as one that it knows.
  bool may_know(std::string_view name) const noexcept { return alike_.has(name); }

 private:
  std::map<std::string, Coercion, std::less<>> coercions_;
  Lookalikes alike_;
};

// A place in a document and those below it, as far as "properties" and items tell. Where several
// schemas say something of one, any type counts that one of them admits.
struct CoercionPlace {
  Coercion value;
  std::map<std::string, const CoercionPlace*, std::less<>> members;
  const CoercionPlace* element = nullptr;  // of each element of an array; null: nothing is known
};

class CoercionTree {
 public:
  CoercionTree(const SchemaProgram& program, std::uint32_t block);

  const CoercionPlace& root() const { return *root_; }

 private:
  class Builder;

  // By the blocks that say something of the place.
  std::map<std::vector<std::uint32_t>, CoercionPlace> places_;
  const CoercionPlace* root_;
};

// What text becomes where types are admitted: a number, a boolean or null if it is exactly that
// token of JSON, or "True" or "False" (Python, C#), one of these is admitted and no string is;
// otherwise a string.
core::JsonType coerced_type(TypeSet types, std::string_view text) noexcept;
// Writes the token that text, which becomes no string, is; returns where it ends.
char* write_token(std::string_view text, char* out) noexcept;

}  // namespace guard::json
