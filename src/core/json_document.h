// A parsed JSON text as one flat array of 16-byte nodes, in document order: what guard_json has
// checked, and what schemas, inspection and variables read. Strings are unescaped, numbers are kept
// as their own text, so that nothing is lost to a double.
//
//   {"a":[1,2],"b":"x"}      0 object size=2 next=7
//                            1 string "a" key
//                            2 array  size=2 next=5
//                            3 number "1"     next=4
//                            4 number "2"     next=5
//                            5 string "b" key
//                            6 string "x"     next=7
//
// A document is a view: it holds as long as the text it was parsed from and until its parser parses
// again.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace guard::core {

enum class JsonType : std::uint8_t { null, boolean, number, string, array, object };

struct JsonNode {
  static constexpr std::uint8_t kKey = 1;  // a member's name: its value is the next node
  static constexpr std::uint8_t kUnescaped =
      2;                                    // the string held escapes: it lies in the side buffer
  static constexpr std::uint8_t kTrue = 4;  // of a boolean
  static constexpr std::uint8_t kInteger = 8;    // a number without fraction and exponent
  static constexpr std::uint8_t kNegative = 16;  // a number with a minus sign
  static constexpr std::uint8_t kExponent = 32;  // a number with an exponent

  JsonType type = JsonType::null;
  std::uint8_t flags = 0;
  std::uint16_t reserved = 0;
  // First byte of the token in the text (of a string: behind its quote), or of the string in the
  // side buffer.
  std::uint32_t offset = 0;
  // Bytes of a string, number or literal; elements of an array; members of an object.
  std::uint32_t size = 0;
  union {
    std::uint32_t next = 0;  // index of the node behind this value and all that is in it
    std::uint32_t hash;      // of a key: json_key_hash of its name
  };

  bool is_key() const { return (flags & kKey) != 0; }
  bool is_true() const { return (flags & kTrue) != 0; }
  bool is_integer() const { return (flags & kInteger) != 0; }
  bool is_negative() const { return (flags & kNegative) != 0; }
  bool has_exponent() const { return (flags & kExponent) != 0; }
  bool is_container() const { return type >= JsonType::array; }
};

static_assert(sizeof(JsonNode) == 16);

// A filter, not a defence: equal names have equal hashes, and a client can make others equal on
// purpose, so compare the names themselves behind it. The same in every process, so that names may
// be hashed when configuration is read.
inline std::uint32_t json_key_hash(std::uint64_t a, std::uint64_t b, std::size_t size) noexcept {
  // Odd constants: the golden ratio and the first multiplier of MurmurHash3's 64-bit finaliser.
  std::uint64_t h = (a + size) * 0x9E3779B97F4A7C15U ^ b;
  h = (h ^ h >> 32) * 0xFF51AFD7ED558CCDU;
  return static_cast<std::uint32_t>(h >> 32);
}

// a and b above: the first and the last eight bytes; of a shorter name a is the name, zeros behind
// it.
inline std::uint32_t json_key_hash(const char* name, std::size_t size) noexcept {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  if (size >= 8) {
    std::memcpy(&a, name, 8);
    std::memcpy(&b, name + size - 8, 8);
  } else if (size > 0) {
    std::memcpy(&a, name, size);
  }
  return json_key_hash(a, b, size);
}

inline std::uint32_t json_key_hash(std::string_view name) noexcept {
  return json_key_hash(name.data(), name.size());
}

class JsonDocument {
 public:
  JsonDocument() = default;
  JsonDocument(std::string_view text, const char* unescaped, std::span<const JsonNode> nodes)
      : text_(text), unescaped_(unescaped), nodes_(nodes) {}

  // The whole text it was parsed from.
  std::string_view text() const { return text_; }
  std::span<const JsonNode> nodes() const { return nodes_; }
  const JsonNode& root() const { return nodes_.front(); }
  const JsonNode& operator[](std::uint32_t index) const { return nodes_[index]; }
  std::uint32_t index_of(const JsonNode& node) const {
    return static_cast<std::uint32_t>(&node - nodes_.data());
  }

  // A string or a key without its quotes and escapes; a number or literal as it was written;
  // nothing for containers.
  std::string_view text(const JsonNode& node) const {
    if (node.is_container()) return {};
    const char* from = (node.flags & JsonNode::kUnescaped) != 0 ? unescaped_ : text_.data();
    return {from + node.offset, node.size};
  }

  // A scalar as text: null is empty. Nothing for containers.
  std::optional<std::string_view> scalar(const JsonNode& node) const {
    if (node.is_container()) return std::nullopt;
    if (node.type == JsonType::null) return std::string_view{};
    return text(node);
  }

  // The value of object's member of that name, the last of several; null if there is none.
  // hash is json_key_hash(name).
  const JsonNode* member(const JsonNode& object, std::string_view name,
                         std::uint32_t hash) const noexcept;
  // The element of array, or null. Costs a step for each element before it.
  const JsonNode* element(const JsonNode& array, std::uint32_t index) const noexcept;

 private:
  std::string_view text_;
  const char* unescaped_ = nullptr;
  std::span<const JsonNode> nodes_;
};

}  // namespace guard::core
