// guard_json, guard_json_limits, guard_json_schema and guard_json_set as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/json_parser.h"
#include "core/json_pointer.h"
#include "core/words.h"
#include "json/openapi.h"
#include "json/schema.h"

namespace guard::json {

// on: bodies that say they are JSON are checked. required: bodies must say so, and be it.
enum class Mode : std::uint8_t { off, on, required };

// All throw ConfigError.
Mode parse_mode(const core::Words& words);
core::JsonLimits parse_limits(core::Words& words);

// A set of methods.
using Methods = std::uint8_t;
inline constexpr Methods kPost = 1;
inline constexpr Methods kPut = 2;
inline constexpr Methods kPatch = 4;
inline constexpr Methods kDelete = 8;
// Those that carry a body by their nature (RFC 9110, section 9.3; RFC 5789).
inline constexpr Methods kWriting = kPost | kPut | kPatch;

// One guard_json_schema.
struct SchemaPolicy {
  SchemaSource source;         // file and refs as they were written
  Methods methods = kWriting;  // of requests that must have a body
  std::size_t errors = 10;     // at most so many are told, 1 to SchemaEvaluator::kMaxErrors
  bool forms = false;          // application/x-www-form-urlencoded is as good as JSON
};

SchemaPolicy parse_schema(core::Words& words);

// What becomes of answers that are not as the document says.
enum class Responses : std::uint8_t { off, observe, enforce };

// One guard_openapi.
struct OpenApiPolicy {
  std::string file;  // as it was written
  // What stands before the document's paths, without a slash at its end; nothing: the path of the
  // document's servers.
  std::optional<std::string> base;
  bool pass_unknown = false;  // paths and methods that the document does not have
  // Bodies that can be held to no schema, where the operation takes others that can.
  bool refuse_unchecked = false;
  std::size_t errors = 10;  // at most so many are told, 1 to SchemaEvaluator::kMaxErrors
  Responses responses = Responses::off;
  std::uint32_t responses_size = 1U << 20;  // bytes of an answer that are kept to judge it
};

OpenApiPolicy parse_openapi(core::Words& words);

// One guard_json_set.
struct Extraction {
  std::string variable;  // without the $
  core::JsonPointer pointer;
  bool lower = false;
  bool trim = false;
};

Extraction parse_extraction(core::Words& words);

}  // namespace guard::json
