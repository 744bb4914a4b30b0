#include "core/normalize.h"

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/utf8.h"

namespace guard::core {

namespace {

bool is_ascii(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x80;
}

bool is_ignorable(char32_t c) noexcept {
  return c >= 0x80 && uc_is_property_default_ignorable_code_point(c);
}

// What falls away at either end. An ignorable one may stand between blanks.
bool is_fringe(char32_t c) noexcept {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return uc_is_property_white_space(c) || is_ignorable(c);
}

std::size_t last_unit(std::string_view text) noexcept {
  std::size_t at = text.size() - 1;
  std::size_t first = text.size() < 4 ? 0 : text.size() - 4;
  while (at > first && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80) --at;
  return at;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty()) {
    Utf8Unit unit = decode_utf8(text);
    if (!unit.valid || !is_fringe(unit.code_point)) break;
    text.remove_prefix(unit.length);
  }
  while (!text.empty()) {
    std::size_t at = last_unit(text);
    Utf8Unit unit = decode_utf8(text.substr(at));
    if (!unit.valid || unit.length != text.size() - at || !is_fringe(unit.code_point)) break;
    text.remove_suffix(unit.length);
  }
  return text;
}

}  // namespace

AccountName::AccountName(std::string_view text) noexcept : text_(text) {
  std::size_t size = 0;
  bool ascii = true;
  for (std::string_view rest = trimmed(text); !rest.empty();) {
    if (is_ascii(rest[0])) {
      if (size == kMaxSize) return;
      char c = rest[0];
      kept_[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      rest.remove_prefix(1);
      continue;
    }
    Utf8Unit unit = decode_utf8(rest);
    if (!unit.valid) return;
    if (!is_ignorable(unit.code_point)) {
      if (size + unit.length > kMaxSize) return;
      std::memcpy(kept_.data() + size, rest.data(), unit.length);
      size += unit.length;
      ascii = false;
    }
    rest.remove_prefix(unit.length);
  }
  std::string_view kept(kept_.data(), size);
  text_ = ascii ? kept : fold(size);
  if (text_.data() == nullptr) text_ = text;
}

// Folds kept_; nothing: it does not fit.
std::string_view AccountName::fold(std::size_t size) noexcept {
  const auto* kept = reinterpret_cast<const std::uint8_t*>(kept_.data());
  auto* folded = reinterpret_cast<std::uint8_t*>(folded_.data());
  std::size_t length = folded_.size();
  // With NFKC: NFD, then twice case folding and NFKC, as definition D146 needs it.
  std::uint8_t* result = u8_casefold(kept, size, nullptr, UNINORM_NFKC, folded, &length);
  if (result == folded) return trimmed({folded_.data(), length});
  std::free(result);
  return {};
}

}  // namespace guard::core
