// Any bytes as a JSON text. With loose limits the strict parser and simdjson's DOM must agree but
// for what the strict one is stricter about (escapes of surrogates, U+0000 in names, byte order
// marks) and simdjson's numbers; what is built must be a sound document; tight limits must hold.
#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "core/json_parser.h"
#include "core/json_string.h"

namespace core = guard::core;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_structure(const core::JsonDocument& document) {
  const auto nodes = document.nodes();
  require(!nodes.empty());
  std::vector<std::uint32_t> left;  // values still to come in each open container
  std::vector<std::uint32_t> ends;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const core::JsonNode& node = nodes[i];
    const std::string_view text = document.text(node);
    require(core::find_invalid_utf8(text) == std::string_view::npos);
    if (node.is_key()) {
      require(node.hash == core::json_key_hash(text));
      require(i + 1 < nodes.size() && !nodes[i + 1].is_key());
      continue;
    }
    if (!left.empty()) --left.back();
    if (node.is_container()) {
      require(node.next > i && node.next <= nodes.size());
      left.push_back(node.size);
      ends.push_back(node.next);
    } else {
      require(node.next == i + 1);
    }
    while (!left.empty() && left.back() == 0) {
      require(ends.back() == i + 1);
      left.pop_back();
      ends.pop_back();
    }
  }
  require(left.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static core::JsonParser parser;
  static simdjson::dom::parser peer;
  // A copy that ends where its memory ends, so that reads behind it are seen.
  const std::unique_ptr<char[]> copy(new char[size]);
  if (size != 0) std::memcpy(copy.get(), data, size);
  const std::string_view text(copy.get(), size);

  core::JsonLimits loose;
  loose.depth = 1000;
  loose.duplicates = true;
  loose.number = core::JsonNumberMode::any;
  const core::JsonDocument* document = parser.parse(text, loose);
  const bool accepted = document != nullptr;
  if (accepted) {
    check_structure(*document);
  } else {
    const core::JsonError& error = parser.error();
    require(error.offset <= size && !error.detail.empty());
    require(error.pointer.empty() || error.pointer.front() == '/');
    require(core::find_invalid_utf8(error.pointer) == std::string_view::npos);
  }
  const core::JsonFault fault = parser.error().fault;

  const auto theirs = peer.parse(copy.get(), size).error();
  if (theirs == simdjson::SUCCESS && !accepted) {
    const bool stricter = text.find("\\u") != std::string_view::npos;
    require(stricter || fault == core::JsonFault::number || fault == core::JsonFault::depth);
  }
  if (theirs != simdjson::SUCCESS && accepted) {
    require(theirs == simdjson::NUMBER_ERROR || theirs == simdjson::DEPTH_ERROR);
  }

  core::JsonLimits tight;
  tight.size = 4096;
  tight.depth = 3;
  tight.keys = 5;
  tight.string = 8;
  tight.array = 4;
  tight.number = core::JsonNumberMode::int64;
  document = parser.parse(text, tight);
  if (document == nullptr) return 0;
  require(accepted && size <= tight.size);
  std::uint32_t keys = 0;
  for (const core::JsonNode& node : document->nodes()) {
    if (node.is_key()) ++keys;
    if (node.type == core::JsonType::string) require(node.size <= tight.string);
    if (node.type == core::JsonType::array) require(node.size <= tight.array);
    if (node.type == core::JsonType::object) {
      const std::uint32_t at = document->index_of(node);
      for (std::uint32_t i = at + 1; i < node.next; i = (*document)[i + 1].next) {
        for (std::uint32_t k = at + 1; k < i; k = (*document)[k + 1].next) {
          require(document->text((*document)[i]) != document->text((*document)[k]));
        }
      }
    }
  }
  require(keys <= tight.keys);
  return 0;
}
