// Forms (application/x-www-form-urlencoded, WHATWG URL, section 5.1) as JSON objects, more strictly
// than browsers read them: what applications read in different ways is refused.
// docs/decisions/form-coercion.md says what and why.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/json_parser.h"
#include "core/scratch.h"
#include "core/siphash.h"
#include "json/coercion.h"
#include "json/form_plan.h"
#include "json/form_tree.h"

namespace guard::json {

// Of a form with a member whose name FormPlan::lookalike finds.
inline constexpr std::string_view kLookalike = "must be written as the schema names it";

// One for each worker: what it needs of memory it keeps, so that it allocates only for a form
// larger than those before it, and then less than 50 times the size of the form, or 100 where
// names nest.
class FormReader {
 public:
  FormReader() noexcept;  // draws the key of the hash of names

  // The JSON text of an object with a member for each name, in the order in which they first come,
  // written to out; nothing where the form is refused or over one of the limits: error() says why.
  // Names that are repeated make an array where plan admits one; otherwise they are refused, or
  // repeated members where limits allow duplicates.
  std::optional<std::string_view> read(std::string_view form, const FormPlan& plan,
                                       const core::JsonLimits& limits,
                                       core::Scratch<char>& out) noexcept;

  // offset: of the form. pointer: of the object that would have come of it.
  const core::JsonError& error() const { return error_; }

 private:
  static constexpr std::uint32_t kNoField = 0xffffffff;
  // What is kept between forms.
  static constexpr std::size_t kKeepBytes = 1U << 20U;
  static constexpr std::size_t kKeepFields = 1U << 14U;

  // A name and its value. Both are decoded, in texts_.
  struct Field {
    std::uint32_t name;
    std::uint32_t name_size;
    std::uint32_t value;
    std::uint32_t value_size;
    std::uint32_t offset;  // of the form
    std::uint32_t next;    // of the same name, or kNoField
    std::uint32_t last;    // of the first of a name: the last one
    std::uint32_t count;   // of the first of a name: how many; 0 of the others
    std::uint32_t tree;    // of the first of a name that nests: its root, or kNoField
    TypeSet types;         // of the value, or of its elements
    bool is_array;
    char delimiter;  // of the elements in the value; U+0000, which no value holds: it is one
  };

  bool prepare(std::string_view form, core::Scratch<char>& out) noexcept;
  bool split(std::string_view form) noexcept;
  bool add_field(std::string_view form, std::uint32_t begin, std::uint32_t end) noexcept;
  std::optional<std::uint32_t> decode(std::string_view form, std::uint32_t begin,
                                      std::uint32_t end) noexcept;
  std::uint32_t* slot_of(std::string_view name) noexcept;
  bool link(std::uint32_t index) noexcept;
  bool link_nested(std::uint32_t index, std::string_view path) noexcept;
  bool count_name(const Field& field) noexcept;
  char* write_fields(char* out) const noexcept;
  char* write_node(std::uint32_t node, char* out) const noexcept;
  static char* write_texts(const Field& field, std::string_view value, char* out) noexcept;
  bool check_value(const Field& field) noexcept;
  bool check_text(const Field& field, std::string_view text) noexcept;
  bool fail(core::JsonFault fault, std::uint32_t offset, std::string_view detail) noexcept;
  void point_at(std::string_view name, std::string_view path) noexcept;

  std::string_view name_of(const Field& field) const {
    return {texts_.data() + field.name, field.name_size};
  }
  std::string_view value_of(const Field& field) const {
    return {texts_.data() + field.value, field.value_size};
  }

  const FormPlan* plan_ = nullptr;
  const core::JsonLimits* limits_ = nullptr;
  core::SipKey key_{};
  core::Scratch<char> texts_;
  core::Scratch<Field> fields_;
  core::Scratch<std::uint32_t> slots_;  // of the first fields of names, by hash
  FormTree tree_;
  std::size_t mask_ = 0;
  std::uint32_t text_size_ = 0;
  std::uint32_t field_count_ = 0;
  std::uint32_t name_count_ = 0;
  std::array<char, core::JsonParser::kMaxPointer> pointer_;
  core::JsonError error_;
};

}  // namespace guard::json
