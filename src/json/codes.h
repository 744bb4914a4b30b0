// The refusals of guard_json: their stable codes, statuses and titles.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/json_parser.h"
#include "json/admission.h"
#include "json/openapi.h"
#include "json/schema_evaluator.h"

namespace guard::json {

struct Code {
  std::uint16_t status;
  std::string_view code;
  std::string_view title;
  std::string_view keyword;  // the limit that was exceeded; empty where none was
};

const Code& code_of(core::JsonFault fault) noexcept;
// The same of a form, which is not called JSON.
const Code& form_code_of(core::JsonFault fault) noexcept;
// The body could not be had, or there was no memory to check it.
const Code& code_unavailable() noexcept;

// Of any verdict but valid.
const Code& code_of(SchemaVerdict verdict) noexcept;

struct FieldRefusal {
  Code code;
  std::string_view detail;
};

// One of the refuse_ values. forms: as admit() was told.
FieldRefusal refusal_of(Admission admission, const Fields& fields, bool forms) noexcept;

inline constexpr Code kUnknownPath = {404, "openapi.path", "Unknown path", ""};
inline constexpr Code kUnknownMethod = {405, "openapi.method", "Method not allowed", ""};
inline constexpr Code kParameter = {422, "openapi.parameter", "Bad parameter", ""};
inline constexpr Code kResponse = {502, "openapi.response", "Bad response of the application", ""};

// Of a body that is neither none nor to be looked at.
FieldRefusal refusal_of(BodyChoice choice, const Fields& fields) noexcept;

// "expected a value at byte 17", written to out, which holds kMaxDetail bytes.
inline constexpr std::size_t kMaxDetail = 128;
std::string_view write_detail(const core::JsonError& error, char* out) noexcept;

}  // namespace guard::json
