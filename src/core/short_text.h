// Equality of short texts without a call: names and keywords of a few bytes, whose sizes are known
// to be the same.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace guard::core {

namespace detail {

template <class Word>
bool same_ends(const char* a, const char* b, std::size_t size) noexcept {
  Word a_first;
  Word b_first;
  Word a_last;
  Word b_last;
  std::memcpy(&a_first, a, sizeof(Word));
  std::memcpy(&b_first, b, sizeof(Word));
  std::memcpy(&a_last, a + size - sizeof(Word), sizeof(Word));
  std::memcpy(&b_last, b + size - sizeof(Word), sizeof(Word));
  return a_first == b_first && a_last == b_last;
}

}  // namespace detail

inline bool same_bytes(const char* a, const char* b, std::size_t size) noexcept {
  if (size > 16) return std::memcmp(a, b, size) == 0;
  if (size >= 8) return detail::same_ends<std::uint64_t>(a, b, size);
  if (size >= 4) return detail::same_ends<std::uint32_t>(a, b, size);
  if (size >= 2) return detail::same_ends<std::uint16_t>(a, b, size);
  return size == 0 || *a == *b;
}

inline bool same_text(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && same_bytes(a.data(), b.data(), a.size());
}

}  // namespace guard::core
