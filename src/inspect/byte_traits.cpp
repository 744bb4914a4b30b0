#include "inspect/byte_traits.h"

#include <array>
#include <cstdint>
#include <cstring>

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

constexpr std::uint64_t each(unsigned char byte) {
  return 0x0101010101010101U * byte;
}

// The high bit of every byte of a word that is this one.
std::uint64_t equal_bytes(std::uint64_t word, unsigned char byte) {
  const std::uint64_t difference = word ^ each(byte);
  return ~(((difference & each(0x7f)) + each(0x7f)) | difference | each(0x7f));
}

std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

Traits behind_space(char next) {
  return next == ' ' ? trait::kTwoSpaces : next == '/' || next == '(' ? trait::kSpaceSlash : 0;
}

// What stands behind spaces.
Traits behind_spaces(std::string_view value) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  std::uint64_t spaces = 0;
  std::uint64_t slashes = 0;
  std::size_t at = 0;
  for (; at + kWord < value.size(); at += kWord) {
    const std::uint64_t space = equal_bytes(word_at(value.data() + at), ' ');
    if (space == 0) continue;
    const std::uint64_t next = word_at(value.data() + at + 1);
    spaces |= space & equal_bytes(next, ' ');
    slashes |= space & (equal_bytes(next, '/') | equal_bytes(next, '('));
  }
  Traits traits = (spaces != 0 ? trait::kTwoSpaces : 0) | (slashes != 0 ? trait::kSpaceSlash : 0);
  for (; at + 1 < value.size(); ++at) {
    if (value[at] == ' ') traits |= behind_space(value[at + 1]);
  }
  return traits;
}

}  // namespace

Traits byte_traits(std::string_view value) noexcept {
  // Four at a time, so that none waits for another.
  const auto of = [&](std::size_t at) { return kTable[static_cast<unsigned char>(value[at])]; };
  Traits traits = 0;
  Traits second = 0;
  Traits third = 0;
  Traits fourth = 0;
  std::size_t i = 0;
  for (; i + 4 <= value.size(); i += 4) {
    traits |= of(i);
    second |= of(i + 1);
    third |= of(i + 2);
    fourth |= of(i + 3);
  }
  traits |= second | third | fourth;
  for (; i < value.size(); ++i) traits |= of(i);
  if ((traits & kPathBytes) != 0 && has_path_dots(value, traits)) traits |= trait::kPathDots;
  if ((traits & kAmpersand) != 0 && has_entity(value)) traits |= trait::kEntity;
  if ((traits & trait::kSpace) != 0) traits |= behind_spaces(value);
  return traits;
}

}  // namespace guard::inspect
