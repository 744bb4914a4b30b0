#include "inspect/byte_traits.h"

namespace guard::inspect {

namespace {

constexpr std::array<Traits, 256> make_table() {
  std::array<Traits, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    table[byte] = trait::of_byte(static_cast<unsigned char>(byte));
  }
  return table;
}

constexpr std::array<Traits, 256> kTable = make_table();

constexpr Traits kAmpersand = trait::of_mark('&');
constexpr Traits kPathBytes = trait::of_marks("/\\.");

constexpr bool is_slash(char c) {
  return c == '/' || c == '\\';
}

// The entities that t:htmlEntityDecode knows: by number, &quot; &amp; &lt; &gt; &nbsp;
bool has_entity(std::string_view value) {
  constexpr std::string_view kBeginnings = "#qalgnQALGN";
  for (std::size_t at = value.find('&'); at != std::string_view::npos;
       at = value.find('&', at + 1)) {
    if (at + 1 < value.size() && kBeginnings.find(value[at + 1]) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// Whether a slash of that kind stands beside a dot or before another slash.
bool has_path_dots_at(std::string_view value, char slash) {
  for (std::size_t at = value.find(slash); at != std::string_view::npos;
       at = value.find(slash, at + 1)) {
    if (at > 0 && value[at - 1] == '.') return true;
    if (at + 1 < value.size() && (is_slash(value[at + 1]) || value[at + 1] == '.')) return true;
  }
  return false;
}

bool has_path_dots(std::string_view value, Traits traits) {
  return value.front() == '.' || value.back() == '.' ||
         ((traits & trait::of_mark('/')) != 0 && has_path_dots_at(value, '/')) ||
         ((traits & trait::of_mark('\\')) != 0 && has_path_dots_at(value, '\\'));
}

// What stands behind spaces.
Traits behind_spaces(std::string_view value) {
  Traits traits = 0;
  for (std::size_t at = value.find(' '); at < value.size() - 1; at = value.find(' ', at + 1)) {
    const char next = value[at + 1];
    if (next == ' ') traits |= trait::kTwoSpaces;
    if (next == '/' || next == '(') traits |= trait::kSpaceSlash;
  }
  return traits;
}

}  // namespace

Traits byte_traits(std::string_view value) noexcept {
  // Two at a time, so that neither waits for the other.
  Traits traits = 0;
  Traits others = 0;
  std::size_t i = 0;
  for (; i + 1 < value.size(); i += 2) {
    traits |= kTable[static_cast<unsigned char>(value[i])];
    others |= kTable[static_cast<unsigned char>(value[i + 1])];
  }
  if (i < value.size()) traits |= kTable[static_cast<unsigned char>(value[i])];
  traits |= others;
  if ((traits & kPathBytes) != 0 && has_path_dots(value, traits)) traits |= trait::kPathDots;
  if ((traits & kAmpersand) != 0 && has_entity(value)) traits |= trait::kEntity;
  if ((traits & trait::kSpace) != 0) traits |= behind_spaces(value);
  return traits;
}

}  // namespace guard::inspect
