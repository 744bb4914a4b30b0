// guard_json, guard_json_limits and guard_json_set as plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/json_parser.h"
#include "core/json_pointer.h"
#include "core/words.h"

namespace guard::json {

// on: bodies that say they are JSON are checked. required: bodies must say so, and be it.
enum class Mode : std::uint8_t { off, on, required };

// All throw ConfigError.
Mode parse_mode(const core::Words& words);
core::JsonLimits parse_limits(core::Words& words);

// One guard_json_set.
struct Extraction {
  std::string variable;  // without the $
  core::JsonPointer pointer;
  bool lower = false;
  bool trim = false;
};

Extraction parse_extraction(core::Words& words);

}  // namespace guard::json
