#include "json/lookalike.h"

#include <algorithm>
#include <cstdint>

#include "core/ascii.h"

namespace guard::json {

namespace {

constexpr bool is_bracket(char c) noexcept {
  return c == '[' || c == ']';
}

// PHP: blanks before a name go, a NUL ends it. Spring: behind a "!" stands a field for which the
// value is meant if it is missing (WebDataBinder).
std::string_view bare(std::string_view name) noexcept {
  while (name.starts_with(' ') || name.starts_with('!')) name.remove_prefix(1);
  return name.substr(0, name.find('\0'));
}

// How brackets and dots of a name are read. nested: brackets, however many, divide it into parts;
// before it and behind it they are nothing (Rack). flat: to PHP, a bracket that is not closed is a
// "_", as a dot is in both. dotted: "a[b]" is "a.b", and "a[]" is "a" (ASP.NET, of a form).
enum class Reading : std::uint8_t { nested, flat, dotted };

// A name letter by letter, as an application may read it.
class Letters {
 public:
  static constexpr int kEnd = -1;
  static constexpr int kBracket = 0x100;

  explicit Letters(std::string_view name, Reading reading = Reading::nested) noexcept
      : rest_(name), reading_(reading) {
    if (reading_ == Reading::nested) skip_brackets();
  }

  int next() noexcept {
    if (reading_ == Reading::dotted) skip_closing();
    if (rest_.empty()) return kEnd;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (reading_ == Reading::dotted) return c == '[' ? '.' : letter(c);
    if (reading_ == Reading::flat && c == '[') return '_';
    if (reading_ == Reading::nested && is_bracket(c)) {
      skip_brackets();
      return rest_.empty() ? kEnd : kBracket;
    }
    return c == '.' || c == ' ' ? '_' : letter(c);
  }

 private:
  static int letter(char c) noexcept { return static_cast<unsigned char>(core::to_lower(c)); }
  void skip_brackets() noexcept {
    while (!rest_.empty() && is_bracket(rest_.front())) rest_.remove_prefix(1);
  }
  // Of a part, or of one without a name.
  void skip_closing() noexcept {
    while (rest_.starts_with(']') || rest_.starts_with("[]")) rest_.remove_prefix(1);
  }

  std::string_view rest_;
  Reading reading_;
};

bool comes_before(Letters a, Letters b) noexcept {
  for (;;) {
    const int one = a.next();
    const int other = b.next();
    if (one != other) return one < other;
    if (one == Letters::kEnd) return false;
  }
}

// part: or what name is a part of.
bool agree(Letters name, Letters documented, bool part) noexcept {
  for (;;) {
    const int one = name.next();
    const int other = documented.next();
    if (other == Letters::kEnd) return one == other || (part && one == Letters::kBracket);
    if (one != other) return false;
  }
}

bool has_dot(std::string_view name) noexcept {
  return name.find('.') != std::string_view::npos;
}

}  // namespace

std::string_view before_bracket(std::string_view name) noexcept {
  return name.substr(0, name.find('['));
}

std::string_view behind_first(std::string_view characters, std::string_view name) noexcept {
  const std::size_t at = name.find_first_of(characters);
  return at == std::string_view::npos ? std::string_view{} : name.substr(at + 1);
}

bool may_be_read_as(std::string_view name, std::string_view documented) noexcept {
  name = bare(name);
  return agree(Letters(name), Letters(documented), true) ||
         agree(Letters(name, Reading::flat), Letters(documented), false) ||
         (has_dot(documented) &&
          agree(Letters(name, Reading::dotted), Letters(documented, Reading::dotted), false));
}

bool Lookalikes::Less::operator()(std::string_view a, std::string_view b) const noexcept {
  return comes_before(Letters(a), Letters(b));
}

bool Lookalikes::Less::operator()(Flat a, std::string_view b) const noexcept {
  return comes_before(Letters(a.name, Reading::flat), Letters(b));
}

bool Lookalikes::Less::operator()(std::string_view a, Flat b) const noexcept {
  return comes_before(Letters(a), Letters(b.name, Reading::flat));
}

bool Lookalikes::LessDotted::operator()(std::string_view a, std::string_view b) const noexcept {
  return comes_before(Letters(a, Reading::dotted), Letters(b, Reading::dotted));
}

void Lookalikes::add(std::string_view documented) {
  names_.emplace(documented);
  if (has_dot(documented)) dotted_.emplace(documented);
  std::size_t parts = 1;
  Letters letters(documented);
  for (int c = letters.next(); c != Letters::kEnd; c = letters.next()) {
    if (c == Letters::kBracket) ++parts;
  }
  most_parts_ = std::max(most_parts_, parts);
}

bool Lookalikes::has(std::string_view name) const noexcept {
  name = bare(name);
  if (name.find('[') != std::string_view::npos &&
      (names_.find(Flat{name}) != names_.end() || dotted_.find(name) != dotted_.end())) {
    return true;
  }
  std::size_t end = 0;
  for (std::size_t parts = 0; parts < most_parts_ && end < name.size(); ++parts) {
    while (end < name.size() && is_bracket(name[end])) ++end;
    while (end < name.size() && !is_bracket(name[end])) ++end;
    if (names_.find(name.substr(0, end)) != names_.end()) return true;
  }
  return false;
}

}  // namespace guard::json
