// Schemas that apply themselves to the value they are applied to.
#pragma once

#include <cstdint>
#include <optional>

#include "json/schema_program.h"

namespace guard::json {

// A block that would run without end, if there is one. Dynamic references are left to the
// evaluator's own limit: where they lead depends on the way there.
std::optional<std::uint32_t> find_endless(const SchemaProgram& program);

}  // namespace guard::json
