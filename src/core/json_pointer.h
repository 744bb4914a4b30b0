// JSON Pointer (RFC 6901): compiled when configuration is read, looked up without allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_document.h"

namespace guard::core {

class JsonPointer {
 public:
  JsonPointer() = default;  // the whole document
  // "" is the whole document, "/a/0" an element. Throws ConfigError (words.h) that quotes the
  // pointer, for what section 3 of the RFC does not allow.
  explicit JsonPointer(std::string_view pointer);

  // What it points to, or null. Of members with the same name it is the last, which is what
  // most parsers take.
  const JsonNode* find(const JsonDocument& document) const noexcept;
  // What its token number i, less than depth(), leads to from node, or null.
  const JsonNode* step(const JsonDocument& document, const JsonNode& node,
                       std::size_t i) const noexcept;

  struct Reading {
    const JsonNode* node = nullptr;
    // A member on the way that some applications take instead; null: none.
    const JsonNode* rival = nullptr;
  };
  // The same for whoever looks for names in any case, as Go and ASP.NET do.
  Reading find_in_any_case(const JsonDocument& document) const noexcept;

  std::size_t depth() const { return steps_.size(); }

 private:
  struct Step {
    std::string name;
    std::uint32_t hash;
    std::optional<std::uint32_t> index;  // if the name is an array index
  };
  std::vector<Step> steps_;
};

// Adds "/" and one reference token to pointer, escaped (RFC 6901, section 4), if at most limit
// bytes come out of it; false, and nothing added, otherwise. pointer must have room for limit
// bytes.
bool append_pointer_token(char* pointer, std::size_t& size, std::size_t limit,
                          std::string_view token) noexcept;

// Writes the pointer to a node of document, at most limit bytes of it: one that is longer names the
// deepest container above the node that fits. Of a member's name it is the pointer to its value.
// Returns the bytes written. Costs a step for each sibling before the node and before what is
// around it.
std::size_t write_json_pointer(const JsonDocument& document, std::uint32_t node, char* out,
                               std::size_t limit) noexcept;

}  // namespace guard::core
