#include "core/json_document.h"

namespace guard::core {

const JsonNode* JsonDocument::member(const JsonNode& object, std::string_view name,
                                     std::uint32_t hash) const noexcept {
  if (object.type != JsonType::object) return nullptr;
  const JsonNode* found = nullptr;
  for (std::uint32_t i = index_of(object) + 1; i < object.next; i = nodes_[i + 1].next) {
    const JsonNode& key = nodes_[i];
    if (key.hash == hash && text(key) == name) found = &nodes_[i + 1];
  }
  return found;
}

const JsonNode* JsonDocument::element(const JsonNode& array, std::uint32_t index) const noexcept {
  if (array.type != JsonType::array || index >= array.size) return nullptr;
  std::uint32_t i = index_of(array) + 1;
  while (index-- > 0) i = nodes_[i].next;
  return &nodes_[i];
}

}  // namespace guard::core
