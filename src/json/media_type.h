// Media types as guard_json sees them (RFC 9110, section 8.3.1; structured suffixes: RFC 6839).
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::json {

// json: application/json or TYPE/SUBTYPE+json, well-formed, whose charset is absent or utf-8.
// unfit: it speaks of JSON, but not as exactly one such type: a list, bad syntax, another charset,
//   a parameter twice.
// other: anything else. gRPC's +json is framed in a format of its own and is other.
enum class MediaType : std::uint8_t { other, unfit, json };

// value: one Content-Type field's.
MediaType media_type(std::string_view value) noexcept;

}  // namespace guard::json
