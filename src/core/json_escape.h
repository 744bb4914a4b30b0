// Any bytes as a JSON string (RFC 8259) that is also safe as part of one log line: valid UTF-8,
// no byte below 0x20, no DEL, no C1 control, no U+2028 or U+2029. What is not UTF-8 becomes U+FFFD,
// one for each maximal part of an ill-formed sequence (Unicode 15, 3.9, "U+FFFD substitution").
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace guard::core {

// One byte of text is at most this many bytes of JSON.
inline constexpr std::size_t kJsonEscapeFactor = 6;

// Appends text with its quotes.
void append_json_string(std::string& out, std::string_view text);

// Writes text with its quotes to out, as much of it as fits whole into size bytes; the closing
// quote always does. Answers the bytes written, 0 if size is less than 2; whole, if given, is set
// to whether all of text is there.
std::size_t write_json_string(char* out, std::size_t size, std::string_view text,
                              bool* whole = nullptr) noexcept;

}  // namespace guard::core
