// Regular expressions of schemas: a pattern up to the first line feed and a text behind it.
// Whatever they are, the search ends soon, and what is refused is refused with a reason.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/utf8.h"
#include "core/words.h"
#include "json/pattern.h"

namespace {

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const guard::core::Utf8Unit unit = guard::core::decode_utf8(text);
    if (!unit.valid) return false;
    text.remove_prefix(unit.length);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  try {
    const guard::json::Pattern pattern(input.substr(0, line));
    if (line == std::string_view::npos || !is_utf8(input.substr(line))) return 0;
    const std::string_view text = input.substr(line + 1);
    const auto search = [&] {
      std::int64_t work = guard::json::Pattern::work_for(text.size());
      return pattern.search(text, work);
    };
    const auto first = search();
    if (search() != first) std::abort();
  } catch (const guard::core::ConfigError& error) {
    if (std::string_view(error.what()).empty()) std::abort();
  }
  return 0;
}
