#include "upload/script_search.h"

#include <algorithm>
#include <cstring>

#include "core/ascii.h"

namespace guard::upload {

namespace {

// Behind each there must be white space, "/" or ">".
constexpr std::array<std::string_view, 8> kTags = {"script", "svg",    "html",  "body",
                                                   "iframe", "object", "embed", "!doctype html"};
// What PHP prints is told from chance by so many characters of text behind it.
constexpr std::size_t kEchoed = 8;

bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_text(char c) noexcept {
  return (c >= ' ' && c <= '~') || c == '\t' || c == '\n' || c == '\r';
}

bool starts_with(std::string_view text, std::string_view lower) noexcept {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(),
                    [](char a, char b) { return a == core::to_lower(b); });
}

bool is_php(std::string_view text) noexcept {
  if (text.starts_with('=')) {
    text.remove_prefix(1);
    return text.size() >= kEchoed && std::ranges::all_of(text.substr(0, kEchoed), is_text);
  }
  constexpr std::string_view kName = "php";
  return starts_with(text, kName) && text.size() > kName.size() && is_space(text[kName.size()]);
}

// text: behind a "<"
bool is_script(std::string_view text) noexcept {
  if (text.empty()) return false;
  if (text.front() == '?') return is_php(text.substr(1));
  return std::ranges::any_of(kTags, [text](std::string_view tag) {
    if (!starts_with(text, tag) || text.size() == tag.size()) return false;
    const char next = text[tag.size()];
    return is_space(next) || next == '/' || next == '>';
  });
}

// What a PHP archive is known by, wherever in a file. text: behind a "_"
bool ends_program(std::string_view text) noexcept {
  return starts_with(text, "_halt_compiler();");
}

}  // namespace

bool ScriptSearch::found(std::string_view text, std::size_t starts) noexcept {
  const auto any = [&](char first, auto is_one) {
    for (std::size_t at = 0; at < starts;) {
      const void* place = std::memchr(text.data() + at, first, starts - at);
      if (place == nullptr) return false;
      at = static_cast<std::size_t>(static_cast<const char*>(place) - text.data()) + 1;
      if (is_one(text.substr(at, kWindow - 1))) return true;
    }
    return false;
  };
  return any('<', is_script) || any('_', ends_program);
}

bool ScriptSearch::add(std::string_view bytes) noexcept {
  return overlap_.add(bytes, [](std::string_view text, std::size_t starts, std::uint64_t) {
    return found(text, starts);
  });
}

bool ScriptSearch::finish() const noexcept {
  return found(overlap_.rest(), overlap_.rest().size());
}

bool opens_comment(std::string_view head) noexcept {
  const auto has = [head](std::size_t at) {
    return head.substr(std::min(at, head.size()), 2) == "/*";
  };
  if (head.starts_with("GIF8")) return has(6);
  if (head.starts_with("\xff\xd8\xff")) return has(4);
  if (head.starts_with("BM")) return has(2);
  return head.starts_with("RIFF") && has(4);
}

bool begins_pdf(std::string_view head) noexcept {
  constexpr std::size_t kSearched = 1024;
  constexpr std::string_view kBegin = "%PDF-";
  return head.substr(0, kSearched + kBegin.size()).find(kBegin) != std::string_view::npos;
}

}  // namespace guard::upload
