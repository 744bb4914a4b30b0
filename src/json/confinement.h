// Which values of a document its schema has confined to what can hold no attack, so that nobody
// needs to search them for one: JsonBody::confine().
#pragma once

#include <cstdint>
#include <span>

#include "core/json_document.h"
#include "json/schema_program.h"

namespace guard::json {

// Sets the bits of those values; bits: one for each node, lowest first. block has found the
// document valid. A value counts if a schema that holds for it, whatever else is in the body,
// admits no strings, lists what it may be, or asserts a format that is_confining(). What holds only
// under a condition or in an alternative does not count, nor do names. Bounded: of what is too much
// work nothing more is marked.
void mark_confined(const SchemaProgram& program, std::uint32_t block,
                   const core::JsonDocument& document, std::span<std::uint64_t> bits) noexcept;

}  // namespace guard::json
