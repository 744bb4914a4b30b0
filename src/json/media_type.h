// Media types as guard_json sees them (RFC 9110, section 8.3.1; structured suffixes: RFC 6839).
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::json {

// json: application/json or TYPE/SUBTYPE+json, well-formed, whose charset is absent or utf-8.
// unfit: it speaks of JSON, but not as exactly one such type: a list, bad syntax, another charset,
//   a parameter twice, bytes around or in it that cannot be part of a type, another type with
//   "/json" or "+json" in a parameter (JSON to Laravel), gRPC's +json, which is framed.
// form: application/x-www-form-urlencoded, well-formed, whose charset is absent or utf-8.
// other: anything else.
enum class MediaType : std::uint8_t { other, form, unfit, json };

// value: one Content-Type field's.
MediaType media_type(std::string_view value) noexcept;

// Whether the type itself is one of JSON, whatever its parameters say: none has a meaning for JSON
// (RFC 8259, section 11), and those who read it pass over them.
bool is_json_type(std::string_view value) noexcept;

}  // namespace guard::json
