#include "json/lookalike.h"

#include <algorithm>

#include "core/ascii.h"

namespace guard::json {

namespace {

char folded(char c) noexcept {
  return c == '.' || c == ' ' ? '_' : core::to_lower(c);
}

// PHP: blanks before a name go, a NUL ends it.
std::string_view bare(std::string_view name) noexcept {
  while (name.starts_with(' ')) name.remove_prefix(1);
  return name.substr(0, name.find('\0'));
}

// "name[]" is the name of an array, and read as one without brackets.
std::string_view stem(std::string_view documented) noexcept {
  if (documented.ends_with("[]")) documented.remove_suffix(2);
  return documented;
}

}  // namespace

std::string_view before_bracket(std::string_view name) noexcept {
  return name.substr(0, name.find('['));
}

bool may_be_read_as(std::string_view name, std::string_view documented) noexcept {
  name = bare(name);
  documented = stem(documented);
  if (documented.find('[') == std::string_view::npos) name = before_bracket(name);
  return std::equal(name.begin(), name.end(), documented.begin(), documented.end(),
                    [](char a, char b) { return folded(a) == folded(b); });
}

bool Lookalikes::Less::operator()(std::string_view a, std::string_view b) const noexcept {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char c, char d) {
    return static_cast<unsigned char>(folded(c)) < static_cast<unsigned char>(folded(d));
  });
}

void Lookalikes::add(std::string_view documented) {
  names_.emplace(stem(documented));
}

bool Lookalikes::has(std::string_view name) const noexcept {
  name = bare(name);
  return names_.find(name) != names_.end() || names_.find(before_bracket(name)) != names_.end();
}

}  // namespace guard::json
