// The names of a form that nest: "name[member][0]=value" (OpenAPI's deepObject, which defines one
// level; clients and frameworks agree on the rest). Stricter than they are, where they differ: no
// name is written in two ways, elements are numbered from 0 in order, and what has "[]" ends there.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/json_parser.h"
#include "core/scratch.h"
#include "core/siphash.h"
#include "json/coercion.h"

namespace guard::json {

class FormTree {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  enum class Kind : std::uint8_t { empty, value, object, list, numbered };

  // Children are in the order in which they first came.
  struct Node {
    std::string_view name;       // of a member of an object
    const CoercionPlace* place;  // null: nothing is known
    std::uint32_t parent;
    std::uint32_t first;
    std::uint32_t last;
    std::uint32_t next;
    std::uint32_t count;
    std::uint32_t field;  // of a value
    Kind kind;
  };

  FormTree() noexcept;  // draws the key of the hash of names

  // Forgets all nodes; room for so many.
  bool prepare(std::size_t nodes) noexcept;

  // What stands for a name without its brackets.
  std::uint32_t add_root(const CoercionPlace* place) noexcept;

  // Adds what path ("[member][0]") leads to below root, which nobody may have led to before. Names
  // must stay where they are. keys: of the form so far; those that are new here are added. Null,
  // and error(), where it cannot be.
  const Node* add(std::uint32_t root, std::string_view path, std::uint32_t field,
                  const core::JsonLimits& limits, std::uint32_t& keys) noexcept;

  const Node& operator[](std::uint32_t node) const noexcept { return nodes_.data()[node]; }

  // Of the last add(): fault and detail alone.
  const core::JsonError& error() const { return error_; }

 private:
  static constexpr std::size_t kKeepNodes = 1U << 12U;

  std::uint32_t child(std::uint32_t parent, std::string_view name, std::uint32_t& keys) noexcept;
  std::uint32_t append(std::uint32_t parent, std::string_view name,
                       const CoercionPlace* place) noexcept;
  std::uint32_t fail(core::JsonFault fault, std::string_view detail) noexcept;

  core::SipKey key_{};
  core::Scratch<Node> nodes_;
  core::Scratch<std::uint32_t> slots_;  // of the members of objects, by hash of parent and name
  std::size_t mask_ = 0;
  std::uint32_t size_ = 0;
  core::JsonError error_;
};

}  // namespace guard::json
