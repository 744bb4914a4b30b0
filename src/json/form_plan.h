// What the names of a form mean: what the schema wants of each, and how OpenAPI has it written. Of
// JSON it tells the names that the schema knows.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_document.h"
#include "json/coercion.h"

namespace guard::json {

// How a property is written in a form (OpenAPI 3.1.1, "Encoding Object" and "Style Values").
enum class FormStyle : std::uint8_t {
  repeated,  // form, explode: a field for each element
  commas,    // form, not explode: all elements in one field
  spaces,    // spaceDelimited
  pipes,     // pipeDelimited
  nested,    // deepObject: name[member]=value, as deep as it goes
};

struct FormEncoding {
  std::string name;
  FormStyle style = FormStyle::repeated;

  auto operator<=>(const FormEncoding&) const = default;
};

// Made at configuration time. Stays where it is made.
class FormPlan {
 public:
  FormPlan(const SchemaProgram& program, std::uint32_t block,
           const std::vector<FormEncoding>& encodings = {});
  FormPlan(const FormPlan&) = delete;
  FormPlan& operator=(const FormPlan&) = delete;

  Coercion find(std::string_view name) const noexcept { return coercions_.find(name); }
  // What stands between the elements of an array in one field; 0: each has a field of its own.
  char delimiter(std::string_view name) const noexcept;

  // Whether brackets mean anything.
  bool nests() const noexcept { return tree_.has_value(); }
  bool nests(std::string_view name) const noexcept { return style_of(name) == FormStyle::nested; }
  bool knows(std::string_view name) const noexcept { return coercions_.knows(name); }
  // Whether an application may read name as one that the schema knows (lookalike.h).
  bool may_know(std::string_view name) const noexcept { return coercions_.may_know(name); }
  // The value of the first member of what a form has become whose name the schema does not know
  // and an application may read as one that it knows (lookalike.h); 0: of none.
  std::uint32_t lookalike(const core::JsonDocument& form) const noexcept;

  // What is known of a name that nests; null: nothing.
  const CoercionPlace* place(std::string_view name) const noexcept;

 private:
  FormStyle style_of(std::string_view name) const noexcept;

  CoercionTable coercions_;
  std::map<std::string, FormStyle, std::less<>> styles_;
  std::optional<CoercionTree> tree_;
};

}  // namespace guard::json
