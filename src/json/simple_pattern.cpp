#include "json/simple_pattern.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/ascii.h"

namespace guard::json {

namespace {

constexpr std::size_t kMaxAtoms = 32;
constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();
// What stands for itself outside a class, beside letters and digits.
constexpr std::string_view kPlain = " !\"#%&',-/:;<=>@_`~";
// What a backslash makes stand for itself (SyntaxCharacter and "/", and "-" in a class).
constexpr std::string_view kEscaped = "^$\\.*+?()[]{}|/";

bool is_word(char c) {
  return core::is_letter(c) || core::is_digit(c) || c == '_';
}

}  // namespace

class SimplePattern::Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool ends() const { return rest_ == "$"; }

  bool atom(Atom& atom) {
    if (take('[')) return set(atom.set) && quantifier(atom);
    if (take('\\')) return escape(atom.set, false) && quantifier(atom);
    const char c = next();
    if (!is_word(c) && (c == 0 || kPlain.find(c) == std::string_view::npos)) return false;
    add(atom.set, c);
    return quantifier(atom);
  }

 private:
  static void add(Set& set, char c) { set[static_cast<unsigned char>(c)] = true; }

  char next() {
    if (rest_.empty()) return 0;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  // Behind the backslash.
  bool escape(Set& set, bool in_class) {
    const char c = next();
    if (c == 'd' || c == 'w') {
      for (char member = 1; member < 127; ++member) {
        if (c == 'd' ? core::is_digit(member) : is_word(member)) add(set, member);
      }
      return true;
    }
    if (c == 0 || (kEscaped.find(c) == std::string_view::npos && !(in_class && c == '-'))) {
      return false;
    }
    add(set, c);
    return true;
  }

  // Behind the bracket.
  bool set(Set& set) {
    if (!rest_.empty() && rest_.front() == '^') return false;
    while (!take(']')) {
      if (take('\\')) {
        if (!escape(set, true)) return false;
        // An escape that begins a range is somebody else's.
        if (rest_.starts_with("-") && !rest_.starts_with("-]")) return false;
        continue;
      }
      const char first = next();
      // Bytes beyond ASCII are below ' ' or above, as char has a sign or none.
      if (first < ' ' || first >= 0x7f) return false;
      char last = first;
      if (rest_.starts_with("-") && !rest_.starts_with("-]")) {
        (void)next();
        last = next();
        if (!is_word(last)) return false;
      }
      if (last < first) return false;
      for (char c = first; c < last; ++c) add(set, c);
      add(set, last);
    }
    return true;
  }

  bool number(std::uint32_t& value) {
    const char* begin = rest_.data();
    const auto [end, error] = std::from_chars(begin, begin + rest_.size(), value);
    if (error != std::errc{}) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - begin));
    return true;
  }

  bool quantifier(Atom& atom) {
    if (take('*')) {
      atom.min = 0;
      atom.max = kNoLimit;
    } else if (take('+')) {
      atom.max = kNoLimit;
    } else if (take('?')) {
      atom.min = 0;
    } else if (take('{')) {
      if (!number(atom.min)) return false;
      atom.max = atom.min;
      if (take(',')) {
        atom.max = kNoLimit;
        if (!rest_.starts_with("}") && !number(atom.max)) return false;
      }
      if (!take('}') || atom.max < atom.min) return false;
    }
    // Lazy ones match the same.
    (void)take('?');
    return true;
  }

  std::string_view rest_;
};

std::optional<SimplePattern> SimplePattern::parse(std::string_view pattern) {
  Reader reader(pattern);
  if (!reader.take('^')) return std::nullopt;
  SimplePattern simple;
  while (!reader.done() && !reader.ends()) {
    if (simple.atoms_.size() == kMaxAtoms) return std::nullopt;
    if (!reader.atom(simple.atoms_.emplace_back())) return std::nullopt;
  }
  simple.to_end_ = reader.ends();
  // What need not be there says nothing at an open end.
  while (!simple.to_end_ && !simple.atoms_.empty()) {
    Atom& last = simple.atoms_.back();
    last.max = last.min;
    if (last.min > 0) break;
    simple.atoms_.pop_back();
  }
  if (!simple.is_certain()) return std::nullopt;
  return simple;
}

// To take as much as there is must never be too much: whatever may come behind a set that may stop
// early is not of that set.
bool SimplePattern::is_certain() const {
  for (std::size_t i = 0; i < atoms_.size(); ++i) {
    if (atoms_[i].min == atoms_[i].max) continue;
    for (std::size_t next = i + 1; next < atoms_.size(); ++next) {
      for (std::size_t c = 0; c < atoms_[i].set.size(); ++c) {
        if (atoms_[i].set[c] && atoms_[next].set[c]) return false;
      }
      if (atoms_[next].min > 0) break;
    }
  }
  return true;
}

bool SimplePattern::search(std::string_view text) const noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (const Atom& atom : atoms_) {
    const std::size_t most = std::min<std::size_t>(atom.max, static_cast<std::size_t>(end - at));
    const char* const from = at;
    const char* const to = at + most;
    while (at != to && atom.set[static_cast<unsigned char>(*at)]) ++at;
    if (static_cast<std::size_t>(at - from) < atom.min) return false;
  }
  return !to_end_ || at == end;
}

}  // namespace guard::json
