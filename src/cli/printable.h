// Text from outside, made fit for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace guard::cli {

// Whatever bytes text holds: valid UTF-8, in one line, without control characters, and without
// those that reorder or hide text. They, and bytes that are not UTF-8, are written as \u{1b} and
// \x{ff}. What is longer than limit bytes is cut and ends in U+2026.
std::string printable(std::string_view text, std::size_t limit = 4096);

}  // namespace guard::cli
