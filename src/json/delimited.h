// Texts with something between them: the parts of a query, the elements of a value.
#pragma once

#include <cstddef>
#include <string_view>

namespace guard::json {

// Takes what lies before the next delimiter off text; false: there was nothing left. more: true
// before the first part.
inline bool take_part(std::string_view& text, bool& more, char delimiter,
                      std::string_view& part) noexcept {
  if (!more) return false;
  const std::size_t end = text.find(delimiter);
  part = text.substr(0, end);
  more = end != std::string_view::npos;
  text.remove_prefix(more ? end + 1 : text.size());
  return true;
}

}  // namespace guard::json
