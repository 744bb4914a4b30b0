// The strict JSON parser of a worker: simdjson's first stage finds the tokens and validates UTF-8,
// one pass of ours over the tokens validates the grammar (RFC 8259), enforces every limit and
// builds the JsonDocument. Iterative; allocates only when a text is larger than those before it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/json_document.h"
#include "core/json_number.h"
#include "core/scratch.h"
#include "core/siphash.h"

namespace simdjson::internal {
class dom_parser_implementation;
}

namespace guard::core {

inline constexpr std::uint32_t kMaxJsonSize = 256U << 20;
inline constexpr std::uint32_t kMaxJsonDepth = 1024;
inline constexpr std::uint32_t kMaxJsonKeys = 1'000'000;

struct JsonLimits {
  std::uint32_t size = 1U << 20;  // bytes of the whole text, at most kMaxJsonSize
  std::uint32_t depth = 32;       // containers inside each other, at most kMaxJsonDepth
  std::uint32_t keys = 10'000;    // members of all objects together, at most kMaxJsonKeys
  std::uint32_t string = 65'536;  // bytes of one string or key, unescaped
  std::uint32_t array = 100'000;  // elements of one array
  JsonNumberMode number = JsonNumberMode::double_;
  bool duplicates = false;  // whether keys may be repeated within one object

  friend bool operator==(const JsonLimits&, const JsonLimits&) = default;
};

// The most that there can be, without a range for numbers: for texts of one's own.
constexpr JsonLimits widest_json_limits() {
  return {kMaxJsonSize, kMaxJsonDepth,       kMaxJsonKeys, kMaxJsonSize,
          kMaxJsonSize, JsonNumberMode::any, false};
}

// In the order of kJsonFaultNames. memory: the worker has none left for this text.
enum class JsonFault : std::uint8_t {
  syntax,
  encoding,
  duplicate_key,
  depth,
  keys,
  string,
  array,
  number,
  size,
  memory,
};

inline constexpr std::array<std::string_view, 10> kJsonFaultNames = {
    "syntax", "encoding", "duplicate_key", "depth", "keys",
    "string", "array",    "number",        "size",  "memory"};

constexpr std::string_view name_of(JsonFault fault) {
  return kJsonFaultNames[static_cast<std::size_t>(fault)];
}

struct JsonError {
  JsonFault fault = JsonFault::syntax;
  std::uint32_t offset = 0;  // byte in the text where it was noticed
  // A literal: lower case, no full stop, never with anything of the text in it.
  std::string_view detail;
  // RFC 6901, of the value, or of the container around the member name, that is at fault. One that
  // is longer than kMaxPointer names the deepest container above it that fits. Holds bytes of the
  // text (member names), always as whole UTF-8 characters. Lives as long as the document would.
  std::string_view pointer;
};

class JsonParser {
 public:
  static constexpr std::size_t kMaxPointer = 256;
  // What is kept between requests for a text of this size; the buffers of larger ones are given
  // back when a small one follows.
  static constexpr std::size_t kKeepSize = 1U << 20;

  JsonParser() noexcept;  // draws the seed of the key hash
  ~JsonParser();
  JsonParser(const JsonParser&) = delete;
  JsonParser& operator=(const JsonParser&) = delete;

  // The document, or null: then error() says why. The text must outlive the document. The first
  // fault in the order of the text is reported, except that a repeated key is noticed at the end
  // of its object.
  const JsonDocument* parse(std::string_view text, const JsonLimits& limits) noexcept;

  const JsonError& error() const { return error_; }
  // Bytes that are held between parses.
  std::size_t memory() const noexcept;

 private:
  class Walk;

  bool prepare(std::string_view text) noexcept;
  bool find_tokens(std::string_view text) noexcept;
  void set_error(JsonFault fault, std::size_t offset, std::string_view detail) noexcept;

  struct Frame {
    std::uint64_t bloom;       // of the key hashes so far
    std::uint64_t suspicious;  // not 0: bloom met a bit again, so that keys may repeat
    std::uint32_t node;        // the container
    std::uint32_t count;       // members or elements begun
    std::uint32_t key;         // node of the current member's key, or kNoKey
    char closing;              // the bracket that ends it
  };
  struct KeySlot {
    std::uint32_t hash;
    std::uint32_t node;  // 0: free; a key is never the first node
  };

  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1_;
  std::uint32_t token_count_ = 0;
  SipKey seed_{};
  Scratch<JsonNode> nodes_;
  Scratch<char> unescaped_;
  Scratch<KeySlot> slots_;
  std::array<Frame, kMaxJsonDepth + 1> frames_;
  std::array<char, kMaxPointer> pointer_;
  JsonDocument document_;
  JsonError error_;
};

}  // namespace guard::core
