// guard_path against a slow second opinion: decode the whole path first, then look at it. What that
// finds wrong must have been found, and what it finds well must not.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/path.h"
#include "core/utf8.h"
#include "core/words.h"

namespace {

namespace core = guard::core;
using core::PathFlaw;

bool is_hex(char c) {
  return std::string_view("0123456789abcdefABCDEF").find(c) != std::string_view::npos;
}

bool has_escape(std::string_view text) {
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] == '%' && is_hex(text[i + 1]) && is_hex(text[i + 2])) return true;
  }
  return false;
}

// For a target that starts with a slash.
bool ambiguous(std::string_view path) {
  std::string decoded;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == ';') return true;
    if (path[i] != '%') {
      decoded.push_back(path[i]);
      continue;
    }
    if (i + 2 >= path.size() || !is_hex(path[i + 1]) || !is_hex(path[i + 2])) return true;
    const int byte = std::stoi(std::string(path.substr(i + 1, 2)), nullptr, 16);
    if (byte == '/' || byte == ';') return true;
    decoded.push_back(static_cast<char>(byte));
    i += 2;
  }
  if (decoded.find("//") != std::string::npos || decoded.find('\\') != std::string::npos)
    return true;
  if (has_escape(decoded)) return true;
  for (std::string_view segment : core::split(decoded, '/')) {
    if (segment == "." || segment == "..") return true;
  }
  for (std::string_view rest = decoded; !rest.empty();) {
    const core::Utf8Unit unit = core::decode_utf8(rest);
    const char32_t c = unit.code_point;
    if (!unit.valid || c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
    rest.remove_prefix(unit.length);
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view target(reinterpret_cast<const char*>(data), size);
  const PathFlaw flaw = core::find_path_flaw(target);
  if (core::text_of(flaw).empty()) std::abort();
  if (target.starts_with('/')) {
    const bool found = flaw != PathFlaw::none;
    const bool fragment = target.find('#') != std::string_view::npos;
    if (found != (fragment || ambiguous(target.substr(0, target.find('?'))))) std::abort();
    // The absolute form of the same.
    if (core::find_path_flaw("http://host" + std::string(target)) != flaw) std::abort();
  }
  return 0;
}
