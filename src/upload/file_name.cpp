#include "upload/file_name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "core/ascii.h"
#include "core/normalize.h"
#include "core/utf8.h"
#include "upload/file_types.h"

namespace guard::upload {

namespace {

constexpr NameRule kLong = {"long", "the name of a file is too long"};
constexpr NameRule kPath = {"path", "the name of a file has parts of a path"};
constexpr NameRule kCharacter = {"character", "the name of a file has a forbidden character"};
constexpr NameRule kInvisible = {"invisible", "the name of a file has an invisible character"};
constexpr NameRule kEdge = {"edge", "the name of a file begins or ends with a dot, space or dash"};
constexpr NameRule kReserved = {"reserved", "the name of a file is reserved"};
constexpr NameRule kEscape = {"escape", "the name of a file has an escape"};
constexpr NameRule kDouble = {"double_extension", "the name of a file has two extensions"};
constexpr NameRule kActive = {"active", "the name of a file has the extension of a program"};

// Bidirectional controls, what has no width, separators, tags: what shows a name as another one.
bool is_invisible(char32_t c) noexcept {
  return c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xfe00 && c <= 0xfe0f) ||
         (c >= 0xe0000 && c <= 0xe0fff) || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

// What looks like a slash, and is none to NFKC.
bool is_path_lookalike(char32_t c) noexcept {
  return c == 0x2044 || c == 0x2215 || c == 0x29f8;
}

// Device names of Windows, whatever follows a dot, and spaces before it.
bool is_reserved(std::string_view name) noexcept {
  std::string_view stem = name.substr(0, name.find('.'));
  stem = stem.substr(0, stem.find_last_not_of(' ') + 1);
  for (const std::string_view one : {"con", "prn", "aux", "nul", "conin$", "conout$"}) {
    if (core::equal_without_case(stem, one)) return true;
  }
  if (stem.size() != 4 || !core::is_digit(stem[3])) return false;
  const std::string_view device = stem.substr(0, 3);
  return core::equal_without_case(device, "com") || core::equal_without_case(device, "lpt");
}

bool is_ascii(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// "booking.com.pdf": the page of a site. No server runs these for not being at the end.
bool is_domain(std::string_view lower) noexcept {
  return lower == "com" || lower == "app" || lower == "so";
}

// "a.php.png", "a.pdf.exe", but not "1.2.png". "a.asp;.png" is a program to old servers.
NameRule check_extensions(std::string_view name) noexcept {
  if (is_active_extension(Extension(name).text())) return kActive;
  std::string_view stem = name.substr(0, std::min(name.rfind('.'), name.size()));
  while (stem.find('.') != std::string_view::npos) {
    const Extension inner(stem);
    const std::string_view text = inner.text().substr(0, inner.text().find(';'));
    const bool active = is_active_extension(text) && !is_domain(text);
    if (active || is_known_extension(text)) return kDouble;
    stem = stem.substr(0, stem.rfind('.'));
  }
  return {};
}

NameRule check_words(std::string_view name) noexcept {
  return is_reserved(name) ? kReserved : check_extensions(name);
}

// Of what Django, werkzeug and WordPress leave of a name; the last two take away what is at its
// end, too.
NameRule check_kept(std::string_view name) noexcept {
  constexpr std::string_view kMarks = " ._-";
  std::array<char, core::AccountName::kMaxSize> memory;
  char* const end = std::copy_if(name.begin(), name.end(), memory.begin(), [&](char c) {
    return core::is_letter(c) || core::is_digit(c) || kMarks.find(c) != std::string_view::npos;
  });
  const std::string_view kept(memory.data(), static_cast<std::size_t>(end - memory.data()));
  return check_extensions(kept.substr(0, kept.find_last_not_of(kMarks) + 1));
}

// As those store it who bring it into form NFKC.
NameRule check_folded(std::string_view name) noexcept {
  const core::AccountName account(name);
  const std::string_view folded = account.text();
  // Taken as it is: it would grow beyond what is normalized.
  if (folded.data() == name.data()) return kLong;
  const auto dots = [](std::string_view text) { return std::count(text.begin(), text.end(), '.'); };
  if (folded.find_first_of("/\\:") != std::string_view::npos || dots(folded) > dots(name)) {
    return kPath;
  }
  NameRule rule = check_words(folded);
  if (rule.keyword.empty()) rule = check_kept(folded);
  if (!rule.keyword.empty()) return rule;
  // Letters without their accents: "a.ph\u1e57" is "a.php" to werkzeug and WordPress.
  std::array<char, core::AccountName::kMaxSize> memory;
  const std::string_view letters = core::decomposed(folded, memory);
  return letters.empty() ? kLong : check_kept(letters);
}

NameRule check_characters(std::string_view name) noexcept {
  for (std::string_view rest = name; !rest.empty();) {
    const core::Utf8Unit unit = core::decode_utf8(rest);
    const char32_t c = unit.code_point;
    if (c == '/' || c == '\\' || c == ':' || is_path_lookalike(c)) return kPath;
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || !unit.valid) return kCharacter;
    if (c < 0x80 &&
        std::string_view("<>\"|?*").find(static_cast<char>(c)) != std::string_view::npos)
      return kCharacter;
    if (is_invisible(c)) return kInvisible;
    if (c == '%' && rest.size() > 2 && core::is_hex(rest[1]) && core::is_hex(rest[2])) {
      return kEscape;
    }
    rest.remove_prefix(unit.length);
  }
  return {};
}

NameRule check_plain(std::string_view name) noexcept {
  if (const NameRule rule = check_characters(name); !rule.keyword.empty()) return rule;
  constexpr std::string_view kEdges = ". -";
  if (kEdges.find(name.front()) != std::string_view::npos ||
      kEdges.substr(0, 2).find(name.back()) != std::string_view::npos) {
    return kEdge;
  }
  NameRule rule = check_words(name);
  if (rule.keyword.empty() && !is_ascii(name)) rule = check_folded(name);
  return rule.keyword.empty() ? check_kept(name) : rule;
}

// Of the references to characters that need no semicolon (HTML, "named character references"),
// those to what is neither letter nor digit: Django takes these away.
bool begins_reference(std::string_view word) noexcept {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"acute", "amp",    "brvbar", "cedil", "cent", "copy",   "curren", "deg", "divide", "gt",
       "iexcl", "iquest", "laquo",  "lt",    "macr", "middot", "nbsp",   "not", "para",   "plusmn",
       "pound", "quot",   "raquo",  "reg",   "sect", "shy",    "times",  "uml", "yen"});
  return std::ranges::any_of(kNames, [word](std::string_view name) {
    return core::equal_without_case(word.substr(0, name.size()), name);
  });
}

// The references to characters by numbers written out, as Django, formidable and multiparty do,
// since browsers write so what the encoding of a page does not have. What a named one may be, or
// none that there is, does not pass: nothing.
std::optional<std::string_view> unescape(std::string_view name,
                                         std::array<char, kMaxName>& to) noexcept {
  char* out = to.data();
  while (!name.empty()) {
    if (name.front() != '&') {
      *out++ = name.front();
      name.remove_prefix(1);
      continue;
    }
    const auto end_of = [name](std::size_t from, auto is_part) {
      while (from < name.size() && is_part(name[from])) ++from;
      return from;
    };
    const std::string_view word = name.substr(
        1, end_of(1, [](char c) { return core::is_letter(c) || core::is_digit(c); }) - 1);
    const bool is_named = !word.empty() && name.substr(word.size() + 1).starts_with(';');
    if (is_named || begins_reference(word)) return std::nullopt;
    const bool hex = name.size() > 2 && (name[2] == 'x' || name[2] == 'X');
    const std::size_t begin = hex ? 3 : 2;
    const std::size_t end =
        end_of(begin, [hex](char c) { return hex ? core::is_hex(c) : core::is_digit(c); });
    if (!name.substr(1).starts_with('#') || end <= begin) {
      *out++ = '&';
      name.remove_prefix(1);
      continue;
    }
    std::uint32_t code_point = 0;
    const auto [at, error] =
        std::from_chars(name.data() + begin, name.data() + end, code_point, hex ? 16 : 10);
    if (error != std::errc{} || code_point == 0 || code_point > 0x10ffff ||
        (code_point >= 0xd800 && code_point < 0xe000)) {
      return std::nullopt;
    }
    out = core::put_utf8(out, code_point);
    name.remove_prefix(name.substr(end).starts_with(';') ? end + 1 : end);
  }
  return std::string_view(to.data(), static_cast<std::size_t>(out - to.data()));
}

}  // namespace

Extension::Extension(std::string_view name) noexcept {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return;
  const std::string_view text = name.substr(dot + 1);
  if (text.size() > letters_.size()) return;
  size_ = text.size();
  std::transform(text.begin(), text.end(), letters_.begin(), core::to_lower);
}

NameRule check_name(std::string_view name) noexcept {
  if (name.size() > kMaxName) return kLong;
  if (const NameRule rule = check_plain(name); !rule.keyword.empty()) return rule;
  if (name.find('&') == std::string_view::npos) return {};
  std::array<char, kMaxName> memory;
  const std::optional<std::string_view> plain = unescape(name, memory);
  return plain ? check_plain(*plain) : kEscape;
}

}  // namespace guard::upload
