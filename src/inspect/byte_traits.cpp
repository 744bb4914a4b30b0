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
constexpr Traits kBehindSpace = trait::of_marks("/(");
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

constexpr Traits kSlashes = trait::of_marks("/\\");

bool has_path_dots(std::string_view value, Traits traits) {
  if (value.front() == '.' || value.back() == '.') return true;
  if ((traits & kSlashes) == 0) return false;
  for (std::size_t i = 0; i + 1 < value.size(); ++i) {
    const char next = value[i + 1];
    if (is_slash(value[i]) ? is_slash(next) || next == '.' : value[i] == '.' && is_slash(next)) {
      return true;
    }
  }
  return false;
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
  if ((traits & trait::kSpace) == 0) return traits;
  if (value.find("  ") != std::string_view::npos) traits |= trait::kTwoSpaces;
  if ((traits & kBehindSpace) != 0) {
    bool space = false;
    for (const char c : value) {
      if (space && (c == '/' || c == '(')) traits |= trait::kSpaceSlash;
      space = c == ' ';
    }
  }
  return traits;
}

}  // namespace guard::inspect
