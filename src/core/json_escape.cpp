#include "core/json_escape.h"

#include <array>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "core/utf8.h"

namespace guard::core {

namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
constexpr std::uint64_t kHighs = 0x8080808080808080ULL;

// A high bit wherever a byte of the word is below 0x20, a quote, a backslash, or not below 0x7f.
// Borrows may mark bytes after a true mark too, never before it and never without one.
constexpr std::uint64_t marks(std::uint64_t word) {
  const std::uint64_t below = word - kOnes * 0x20;
  const std::uint64_t quote = (word ^ (kOnes * '"')) - kOnes;
  const std::uint64_t backslash = (word ^ (kOnes * '\\')) - kOnes;
  const std::uint64_t not_below_del = word + kOnes;
  return (((below | quote | backslash) & ~word) | not_below_del | word) & kHighs;
}

constexpr bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

std::uint64_t load(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Whether a text of four to seven bytes needs no escape.
bool is_plain_word(std::string_view text) noexcept {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::memcpy(&first, text.data(), sizeof first);
  std::memcpy(&last, text.data() + text.size() - sizeof last, sizeof last);
  return marks(std::uint64_t{last} << 32U | first) == 0;
}

// How many bytes at the start of text need no escape.
std::size_t plain_run(std::string_view text) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  std::size_t at = 0;
  if (text.size() >= kWord) {
    while (at + kWord <= text.size() && marks(load(text.data() + at)) == 0) at += kWord;
    // The rest, with bytes that are known already.
    if (at + kWord > text.size() && marks(load(text.data() + text.size() - kWord)) == 0) {
      return text.size();
    }
  } else if (text.size() >= kWord / 2 && is_plain_word(text)) {
    return text.size();
  }
  while (at < text.size() && is_plain(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

template <class Word>
Word copy_word(char* out, const char* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  std::memcpy(out, &word, sizeof word);
  return word;
}

#if defined(__SSE2__)
// A bit set in a byte that needs an escape: below 0x20 or, as a signed one, from 0x80 on, or one of
// the three.
__m128i marks(__m128i block) noexcept {
  const __m128i control = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
  const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  const __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
  return _mm_or_si128(_mm_or_si128(control, quote), _mm_or_si128(backslash, del));
}
#endif

// Copies the text; false if something in it needs an escape, and then the bytes it has written are
// worth nothing. The last word may overlap the one before, so that few bytes are looked at one by
// one.
bool copy_plain(char* out, std::string_view text) noexcept {
  const char* from = text.data();
  std::size_t left = text.size();
#if defined(__SSE2__)
  if (left >= sizeof(__m128i)) {
    __m128i found = _mm_setzero_si128();
    const auto copy = [&](std::size_t at) {
      found = _mm_or_si128(found, marks(copy_word<__m128i>(out + at, from + at)));
    };
    for (std::size_t at = 0; at + sizeof(__m128i) < left; at += sizeof(__m128i)) copy(at);
    copy(left - sizeof(__m128i));
    return _mm_movemask_epi8(found) == 0;
  }
#endif
  std::uint64_t found = 0;
  if (left >= sizeof(std::uint64_t)) {
    for (std::size_t at = 0; at + sizeof found < left; at += sizeof found) {
      found |= marks(copy_word<std::uint64_t>(out + at, from + at));
    }
    const std::size_t last = left - sizeof found;
    return (found | marks(copy_word<std::uint64_t>(out + last, from + last))) == 0;
  }
  if (left >= sizeof(std::uint32_t)) {
    const std::size_t last = left - sizeof(std::uint32_t);
    const std::uint64_t first = copy_word<std::uint32_t>(out, from);
    return marks(first << 32U | copy_word<std::uint32_t>(out + last, from + last)) == 0;
  }
  for (; left > 0; --left, ++from) {
    if (!is_plain(static_cast<unsigned char>(*from))) return false;
    *out++ = *from;
  }
  return true;
}

// An escape, or a character that stands for itself.
struct Piece {
  std::array<char, kJsonEscapeFactor> bytes;
  std::size_t size;
};

Piece unicode_escape(char32_t code_point) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  return {{'\\', 'u', kHex[(code_point >> 12) & 0xfU], kHex[(code_point >> 8) & 0xfU],
           kHex[(code_point >> 4) & 0xfU], kHex[code_point & 0xfU]},
          6};
}

Piece piece_of(std::string_view text, const Utf8Unit& unit) noexcept {
  if (!unit.valid) return {{'\xef', '\xbf', '\xbd'}, 3};
  switch (unit.code_point) {
    case '"':
    case '\\':
      return {{'\\', static_cast<char>(unit.code_point)}, 2};
    case '\b':
      return {{'\\', 'b'}, 2};
    case '\f':
      return {{'\\', 'f'}, 2};
    case '\n':
      return {{'\\', 'n'}, 2};
    case '\r':
      return {{'\\', 'r'}, 2};
    case '\t':
      return {{'\\', 't'}, 2};
    case 0x2028:
    case 0x2029:
      return unicode_escape(unit.code_point);
    default:
      break;
  }
  if (unit.code_point < 0x20 || (unit.code_point >= 0x7f && unit.code_point < 0xa0)) {
    return unicode_escape(unit.code_point);
  }
  Piece piece{{}, unit.length};
  std::memcpy(piece.bytes.data(), text.data(), unit.length);
  return piece;
}

// Calls run(plain bytes) and escape(piece) in turn, until one of them answers false; whether none
// did.
template <class Run, class Escape>
bool for_each_part(std::string_view text, Run run, Escape escape) {
  while (!text.empty()) {
    const std::size_t plain = plain_run(text);
    if (plain > 0 && !run(text.substr(0, plain))) return false;
    text.remove_prefix(plain);
    if (text.empty()) return true;
    const Utf8Unit unit = decode_utf8(text);
    if (!escape(piece_of(text, unit))) return false;
    text.remove_prefix(unit.length);
  }
  return true;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for_each_part(
      text,
      [&out](std::string_view plain) {
        out.append(plain);
        return true;
      },
      [&out](const Piece& piece) {
        out.append(piece.bytes.data(), piece.size);
        return true;
      });
  out.push_back('"');
}

std::size_t write_json_string(char* out, std::size_t size, std::string_view text,
                              bool* whole) noexcept {
  if (size < 2) return 0;
  const std::size_t end = size - 1;  // where the closing quote may stand at the latest
  std::size_t at = 0;
  out[at++] = '"';
  // Where it fits even with escapes, whatever copy_plain has written is written over.
  if (text.size() <= (end - at) / kJsonEscapeFactor && copy_plain(out + at, text)) {
    at += text.size();
    out[at++] = '"';
    if (whole != nullptr) *whole = true;
    return at;
  }
  const bool all = for_each_part(
      text,
      [&](std::string_view plain) {
        const std::size_t fits = plain.size() < end - at ? plain.size() : end - at;
        std::memcpy(out + at, plain.data(), fits);
        at += fits;
        return fits == plain.size();
      },
      [&](const Piece& piece) {
        if (piece.size > end - at) return false;
        std::memcpy(out + at, piece.bytes.data(), piece.size);
        at += piece.size;
        return true;
      });
  out[at++] = '"';
  if (whole != nullptr) *whole = all;
  return at;
}

}  // namespace guard::core
