#include "upload/magic.h"

#include <magic.h>

#include <algorithm>
#include <array>
#include <utility>

namespace guard::upload {

namespace {

constexpr std::array<std::pair<int, std::size_t>, 7> kLimits = {{
    {MAGIC_PARAM_BYTES_MAX, Magic::kHead},
    {MAGIC_PARAM_INDIR_MAX, 15},
    {MAGIC_PARAM_NAME_MAX, 30},
    {MAGIC_PARAM_REGEX_MAX, 4096},
    {MAGIC_PARAM_ELF_PHNUM_MAX, 64},
    {MAGIC_PARAM_ELF_SHNUM_MAX, 64},
    {MAGIC_PARAM_ELF_NOTES_MAX, 16},
}};

// It must not unpack anything, and what is in an ELF file does not matter.
constexpr int kFlags = MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF;

// White space to libmagic: that of ASCII, also where it is UTF-16 or UTF-32, and of EBCDIC.
bool is_blank(char c) noexcept {
  constexpr std::string_view kBlanks("\0\x05\t\n\v\f\r\x15 %@", 11);
  return kBlanks.find(c) != std::string_view::npos;
}

// Runs of it shortened, but by whole characters.
std::string_view without_long_blanks(std::string_view text, char* to) noexcept {
  constexpr std::size_t kMaxRun = 32;
  constexpr std::size_t kLargest = 4;  // bytes of a character
  char* out = to;
  while (!text.empty()) {
    const auto* const end = std::ranges::find_if_not(text, is_blank);
    const auto run = static_cast<std::size_t>(end - text.begin());
    const std::size_t kept = run <= kMaxRun ? run : kMaxRun + (run - kMaxRun) % kLargest;
    out = std::copy_n(text.begin(), kept, out);
    text.remove_prefix(run);
    const auto* const next = std::ranges::find_if(text, is_blank);
    out = std::copy(text.begin(), next, out);
    text.remove_prefix(static_cast<std::size_t>(next - text.begin()));
  }
  return {to, static_cast<std::size_t>(out - to)};
}

}  // namespace

bool Magic::open() noexcept {
  if (cookie_ != nullptr) return true;
  cookie_ = magic_open(kFlags);
  if (cookie_ == nullptr) {
    error_ = "libmagic cannot be started";
    return false;
  }
  for (const auto& [name, value] : kLimits) {
    if (magic_setparam(cookie_, name, &value) != 0) {
      error_ = "libmagic does not take its limits";
      close();
      return false;
    }
  }
  if (magic_load(cookie_, nullptr) != 0) {
    error_ = "libmagic cannot read its database";
    close();
    return false;
  }
  return true;
}

void Magic::close() noexcept {
  if (cookie_ != nullptr) magic_close(cookie_);
  cookie_ = nullptr;
}

// Of a text it asks regexes that take a time by the square of the length of white space: 90 ms for
// 16 KiB of it.
std::string_view Magic::type_of(std::string_view head) noexcept {
  if (cookie_ == nullptr) return {};
  const auto ask = [this](int flags, std::string_view bytes) {
    (void)magic_setflags(cookie_, kFlags | flags);
    const char* type = magic_buffer(cookie_, bytes.data(), bytes.size());
    return type == nullptr ? std::string_view{} : std::string_view(type);
  };
  head = head.substr(0, kHead);
  const std::string_view type = ask(MAGIC_NO_CHECK_TEXT, head);
  if (type != "application/octet-stream") return type;
  std::array<char, kHead> memory;
  return ask(0, without_long_blanks(head, memory.data()));
}

}  // namespace guard::upload
