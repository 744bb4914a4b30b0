#include "core/normalize.h"

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "core/ascii.h"
#include "core/json_number.h"
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

// Whether text may be such a number as JSON can write in other ways as well.
bool may_be_respelled(std::string_view text) noexcept {
  return !text.empty() && (is_digit(text[0]) || text[0] == '-') &&
         (text == "-0" || text.find_first_of(".e") != std::string_view::npos);
}

}  // namespace

std::string_view decomposed(std::string_view text, std::span<char> memory) noexcept {
  auto* to = reinterpret_cast<std::uint8_t*>(memory.data());
  std::size_t size = memory.size();
  std::uint8_t* result = u8_normalize(
      UNINORM_NFKD, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), to, &size);
  if (result == to) return {memory.data(), size};
  std::free(result);
  return {};
}

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
  if (may_be_respelled(text_)) spell_number();
}

// In digits, as a double has it: applications that take 42.0 for 42 round as well.
void AccountName::spell_number() noexcept {
  JsonNumber number;
  double value = 0;
  if (!parse_json_number(text_, number)) return;
  const auto read = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (read.ec != std::errc{}) return;
  std::array<char, kMaxDigits> digits;
  // Of zero without its sign.
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(),
                                     value == 0 ? 0 : value, std::chars_format::fixed);
  if (written.ec != std::errc{}) return;
  const auto size = static_cast<std::size_t>(written.ptr - digits.data());
  std::memcpy(kept_.data(), digits.data(), size);
  text_ = {kept_.data(), size};
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
