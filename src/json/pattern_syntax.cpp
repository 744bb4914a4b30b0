#include "json/pattern_syntax.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/ascii.h"
#include "core/utf8.h"
#include "core/words.h"
#include "json/pattern_property.h"

namespace guard::json {

namespace {

using core::hex_value;
using core::is_digit;

constexpr char32_t kMaxCodePoint = 0x10ffff;
constexpr std::uint32_t kMaxRepeat = 65'535;  // PCRE2's

// WhiteSpace and LineTerminator of ECMA-262, sections 12.2 and 12.3, and all others.
constexpr std::string_view kSpace =
    R"(\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
constexpr std::string_view kNoSpace =
    R"(\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027})"
    R"(\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";
// PCRE2 does not repeat an empty class, not even no times.
constexpr std::string_view kNothing = "(?:[])";
constexpr std::string_view kAnyButLineEnd = R"([^\n\r\x{2028}\x{2029}])";

constexpr bool is_surrogate(char32_t c) {
  return c >= 0xd800 && c <= 0xdfff;
}

// What an atom of a class is: one character, or a set that no range can begin or end with.
struct ClassAtom {
  char32_t character = 0;
  std::string set;  // empty: the character
};

// Printable ASCII but for letters, digits and the blank.
bool is_sign(char c) {
  return c > ' ' && c < 0x7F && !is_digit(c) && !core::is_letter(c);
}

// How a part of a pattern can match without coming to a callout; counted: there is one on every way
// through it, and these are the ways to it and from it.
struct Choices {
  double ways = 1;
  bool counted = false;
};

// Of so many turns, which all have the same ways.
double ways_of_turns(double ways, std::uint32_t least, std::uint32_t most) {
  double sum = 0;
  for (std::uint32_t turns = least; turns <= most; ++turns) {
    sum += std::pow(ways, static_cast<double>(turns));
  }
  return sum;
}

class Translator {
 public:
  Translator(std::string_view pattern, bool counted) : in_(pattern), counted_(counted) {}

  std::string run() {
    find_groups();
    disjunction(false);
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(std::string_view what, std::size_t at) const {
    core::fail(what, " at byte ", std::to_string(at), " of the pattern");
  }

  bool done() const { return at_ == in_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0';
  }
  bool take(std::string_view text) {
    if (!in_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  char32_t next_character() {
    const core::Utf8Unit unit = core::decode_utf8(in_.substr(at_));
    if (!unit.valid) fail("invalid UTF-8", at_);
    at_ += unit.length;
    return unit.code_point;
  }

  void put_character(char32_t c) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (plain) {
      out_ += static_cast<char>(c);
      return;
    }
    out_ += "\\x{";
    std::array<char, 8> digits;
    std::size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[c & 15];
      c >>= 4;
    } while (c != 0);
    while (count > 0) out_ += digits[--count];
    out_ += '}';
  }

  // How many groups there are, and what they are called, must be known before the first reference.
  void find_groups() {
    bool in_class = false;
    for (std::size_t i = 0; i < in_.size(); ++i) {
      const char c = in_[i];
      if (c == '\\') {
        ++i;
      } else if (c == '[') {
        in_class = true;
      } else if (c == ']') {
        in_class = false;
      } else if (c == '(' && !in_class) {
        const std::string_view rest = in_.substr(i + 1);
        const bool named =
            rest.starts_with("?<") && !rest.starts_with("?<=") && !rest.starts_with("?<!");
        if (rest.starts_with("?") && !named) continue;
        ++groups_;
        if (named && !names_.try_emplace(std::string(name_at(i + 3)), groups_).second) {
          fail("a group's name that is there already", 0);
        }
      }
    }
  }

  // Up to the ">".
  std::string_view name_at(std::size_t from) const {
    const std::size_t end = in_.find('>', from);
    if (end == std::string_view::npos) fail("a group's name without its \">\"", from);
    const std::string_view name = in_.substr(from, end - from);
    const bool good = !name.empty() && !is_digit(name.front()) &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                        return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                               c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
                      });
    if (!good) fail("an invalid name of a group", from);
    return name;
  }

  Choices disjunction(bool inside) {
    std::vector<std::size_t> begins;
    Choices choices{0, true};
    double most = 0;
    for (;;) {
      begins.push_back(out_.size());
      const Choices one = alternative();
      choices.ways += one.ways;
      choices.counted = choices.counted && one.counted;
      most = std::max(most, one.ways);
      if (peek() != '|' || done()) break;
      ++at_;
      out_ += '|';
    }
    if (done() == inside) {
      fail(inside ? "a group that is not closed" : "a \")\" without its \"(\"", at_);
    }
    if (choices.ways <= kFewWays) return choices;
    for (auto begin = begins.rbegin(); begin != begins.rend(); ++begin) put_callout(*begin, kCheap);
    return {most, true};
  }

  Choices alternative() {
    Choices choices;
    double ways = 1;  // since the last callout
    while (!done() && peek() != '|' && peek() != ')') {
      const std::size_t begin = out_.size();
      const Choices one = term();
      ways *= one.ways;
      if (ways > kFewWays) {
        put_callout(begin, kCheap);
        choices.counted = true;
        ways = one.ways;
      }
      choices.ways = std::max(choices.ways, ways);
      if (!one.counted) continue;
      choices.counted = true;
      ways = one.ways;
    }
    return choices;
  }

  // At that place of out_.
  void put_callout(std::size_t at, std::string_view callout) {
    if (counted_) out_.insert(at, callout);
  }

  Choices term() {
    const std::size_t begin = at_;
    const std::size_t atom = out_.size();
    const bool is_group = peek() == '(';
    Choices choices;
    bool repeats = true;
    switch (peek()) {
      case '^':
      case '$':
        out_ += in_[at_++];
        repeats = false;
        break;
      case '(':
        repeats = group(choices);
        break;
      case '[':
        character_class();
        break;
      case '\\':
        repeats = escape();
        break;
      case '.':
        ++at_;
        out_ += kAnyButLineEnd;
        break;
      case '*':
      case '+':
      case '?':
        fail("nothing to repeat", begin);
      default:
        // A bracket that begins or ends nothing is one (annex B).
        if (peek() == '{' && is_digit(peek(1))) fail("nothing to repeat", begin);
        put_character(next_character());
    }
    quantifier(repeats, atom, is_group, choices);
    return choices;
  }

  // Whether it may be repeated: lookarounds may not.
  bool group(Choices& choices) {
    const std::size_t begin = at_++;
    if (++depth_ > kMaxDepth) fail("too many groups inside each other", begin);
    bool repeats = true;
    if (take("?:")) {
      out_ += "(?:";
    } else if (take("?=") || take("?!") || take("?<=") || take("?<!")) {
      out_ += '(';
      out_ += in_.substr(begin + 1, at_ - begin - 1);
      repeats = false;
    } else if (take("?<")) {
      at_ += name_at(at_).size() + 1;
      out_ += '(';
    } else if (peek() == '?') {
      fail("an unknown kind of group", begin);
    } else {
      out_ += '(';
    }
    choices = disjunction(true);
    ++at_;
    out_ += ')';
    --depth_;
    return repeats;
  }

  // Of what begins at atom of out_, whose choices become those of its turns.
  void quantifier(bool allowed, std::size_t atom, bool is_group, Choices& choices) {
    const std::size_t begin = at_;
    const char c = peek();
    if (done() || (c != '*' && c != '+' && c != '?' && c != '{')) return;
    if (!allowed && c == '{' && !is_digit(peek(1))) return;
    if (!allowed) fail("nothing to repeat", begin);
    ++at_;
    std::uint32_t least = c == '+' ? 1 : 0;
    std::optional<std::uint32_t> most;
    if (c == '?') most = 1;
    if (c == '{') {
      const std::optional<std::uint32_t> first = number();
      most = first;
      const bool range = first && take(",");
      if (range) most = number();
      if (!first || !take("}")) fail("an incomplete quantifier", begin);
      least = *first;
      if (least > kMaxRepeat || (most && *most > kMaxRepeat)) {
        fail("a quantifier of more than 65535", begin);
      }
      if (most && *most < least) fail("a quantifier whose numbers are out of order", begin);
    }
    const bool many = !most || *most > kFewTurns;
    const double ways =
        many || choices.counted ? choices.ways : ways_of_turns(choices.ways, least, *most);
    const bool counts = many || ways > kFewWays;
    if (counts && counted_ && is_group) {
      out_.insert(atom, std::string("(?:").append(many ? kCallout : kFewTurnsCallout));
      out_ += ')';
    }
    out_ += in_.substr(begin, at_ - begin);
    if (take("?")) out_ += '?';
    if (counts && !is_group) put_callout(out_.size(), many ? kCallout : kCheap);
    if (!counts) choices.ways = ways;
    // In no turn no callout of a group is come to.
    choices.counted = (counts || choices.counted) && (!is_group || least > 0);
  }

  // Of any length; more than kMaxRepeat is kMaxRepeat + 1.
  std::optional<std::uint32_t> number() {
    if (!is_digit(peek())) return std::nullopt;
    std::uint32_t value = 0;
    while (is_digit(peek())) {
      value = std::min(value * 10 + static_cast<std::uint32_t>(in_[at_++] - '0'), kMaxRepeat + 1);
    }
    return value;
  }

  // Outside of a class.
  bool escape() {
    const std::size_t begin = at_++;
    const char c = peek();
    if (c == 'b' || c == 'B') {
      ++at_;
      out_ += '\\';
      out_ += c;
      return false;
    }
    if (c >= '1' && c <= '9') {
      std::uint32_t group = 0;
      while (is_digit(peek())) {
        group = std::min<std::uint32_t>(group * 10 + static_cast<std::uint32_t>(in_[at_++] - '0'),
                                        100'000);
      }
      if (group > groups_) fail("a reference to a group that is not there", begin);
      refer(group);
      return true;
    }
    if (c == 'k') {
      ++at_;
      if (!take("<")) fail("a reference without the name of a group", begin);
      const std::string_view name = name_at(at_);
      const auto found = names_.find(name);
      if (found == names_.end()) fail("a reference to a group that is not there", begin);
      at_ += name.size() + 1;
      refer(found->second);
      return true;
    }
    const ClassAtom atom = escaped_atom(begin, false);
    if (!atom.set.empty()) {
      out_ += '[' + atom.set + ']';
    } else if (is_surrogate(atom.character)) {
      out_ += kNothing;  // no text in UTF-8 has one
    } else {
      put_character(atom.character);
    }
    return true;
  }

  void refer(std::uint32_t group) { out_ += "\\g{" + std::to_string(group) + '}'; }

  // What \ and the character behind it stand for; at_ is at that character.
  ClassAtom escaped_atom(std::size_t begin, bool in_class) {
    if (done()) fail("a backslash at the end", begin);
    const char32_t c = next_character();
    switch (c) {
      case 'd':
        return {0, "0-9"};
      case 'D':
        return {0, R"(\D)"};
      case 'w':
        return {0, R"(0-9A-Z_a-z)"};
      case 'W':
        return {0, R"(\W)"};
      case 's':
        return {0, std::string(kSpace)};
      case 'S':
        return {0, std::string(kNoSpace)};
      case 'p':
      case 'P':
        return {0, property(begin, static_cast<char>(c))};
      case 't':
        return {'\t', {}};
      case 'n':
        return {'\n', {}};
      case 'v':
        return {'\v', {}};
      case 'f':
        return {'\f', {}};
      case 'r':
        return {'\r', {}};
      case 'c':
        return {control(begin), {}};
      case 'x':
        return {hex_digits(begin, 2), {}};
      case 'u':
        return {unicode(begin), {}};
      case '0':
        if (is_digit(peek())) fail("an octal escape", begin);
        return {0, {}};
      case 'b':
        if (in_class) return {'\b', {}};
        break;
      default:
        break;
    }
    // Of a sign it can mean nothing but the sign, which ECMA-262 allows without its flag "u" (annex
    // B), and people write. A letter may mean something elsewhere.
    if (c >= 0x80 || !is_sign(static_cast<char>(c))) {
      fail("an escape that ECMA-262 does not have", begin);
    }
    return {c, {}};
  }

  char32_t control(std::size_t begin) {
    const char c = peek();
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!letter) fail("an escape that ECMA-262 does not have", begin);
    ++at_;
    return static_cast<char32_t>(c & 31);
  }

  char32_t hex_digits(std::size_t begin, int count) {
    char32_t value = 0;
    for (; count > 0; --count) {
      const int digit = done() ? -1 : hex_value(peek());
      if (digit < 0) fail("an escape with too few hexadecimal digits", begin);
      value = value << 4 | static_cast<char32_t>(digit);
      ++at_;
    }
    return value;
  }

  char32_t unicode(std::size_t begin) {
    if (take("{")) {
      char32_t value = 0;
      const std::size_t digits = at_;
      while (!done() && hex_value(peek()) >= 0) {
        value = value << 4 | static_cast<char32_t>(hex_value(in_[at_++]));
        if (value > kMaxCodePoint) fail("an escape beyond \\u{10ffff}", begin);
      }
      if (at_ == digits || !take("}")) fail("an escape with too few hexadecimal digits", begin);
      return value;
    }
    const char32_t first = hex_digits(begin, 4);
    if (first < 0xd800 || first > 0xdbff || !in_.substr(at_).starts_with("\\u")) return first;
    // A pair is one character; anything else is two.
    const std::size_t behind = at_;
    at_ += 2;
    if (peek() != '{') {
      const char32_t second = hex_digits(behind, 4);
      if (second >= 0xdc00 && second <= 0xdfff) {
        return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
      }
    }
    at_ = behind;
    return first;
  }

  std::string property(std::size_t begin, char kind) {
    const std::size_t end = take("{") ? in_.find('}', at_) : std::string_view::npos;
    const std::string name =
        end == std::string_view::npos ? std::string{} : property_of(in_.substr(at_, end - at_));
    if (name.empty()) fail("an unknown Unicode property", begin);
    at_ = end + 1;
    return std::string("\\") + kind + '{' + name + '}';
  }

  ClassAtom class_atom() {
    const std::size_t begin = at_;
    if (peek() != '\\') return {next_character(), {}};
    ++at_;
    return escaped_atom(begin, true);
  }

  void character_class() {
    const std::size_t begin = at_++;
    const std::size_t out = out_.size();
    out_ += take("^") ? "[^" : "[";
    for (;;) {
      if (done()) fail("a class that is not closed", begin);
      if (take("]")) break;
      const std::size_t at = at_;
      const ClassAtom first = class_atom();
      const bool range = peek() == '-' && peek(1) != ']' && at_ + 1 < in_.size();
      if (!range) {
        put_atom(first);
        continue;
      }
      ++at_;
      const ClassAtom last = class_atom();
      // The "-" of [\w-.] is one (annex B).
      if (!first.set.empty() || !last.set.empty()) {
        put_atom(first);
        put_character('-');
        put_atom(last);
        continue;
      }
      if (last.character < first.character) fail("a range that is out of order", at);
      put_range(first.character, last.character);
    }
    out_ += ']';
    if (out_.size() - out == 2) out_.replace(out, 2, kNothing);
  }

  void put_atom(const ClassAtom& atom) {
    if (!atom.set.empty()) {
      out_ += atom.set;
    } else {
      put_range(atom.character, atom.character);
    }
  }

  // PCRE2 does not take surrogates, which no text has.
  void put_range(char32_t first, char32_t last) {
    if (is_surrogate(first)) first = 0xe000;
    if (is_surrogate(last)) last = 0xd7ff;
    if (last < first) return;
    put_character(first);
    if (last == first) return;
    out_ += '-';
    put_character(last);
  }

  static constexpr int kMaxDepth = 100;

  static constexpr std::string_view kCallout = "(?C8)";
  static constexpr std::string_view kFewTurnsCallout = "(?C10)";  // in a turn of a group
  static constexpr std::string_view kCheap = "(?C4)";             // the others that kFewWays wants

  std::string_view in_;
  bool counted_;
  std::size_t at_ = 0;
  std::string out_;
  int depth_ = 0;
  std::uint32_t groups_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> names_;  // of groups
};

}  // namespace

std::string translate_pattern(std::string_view pattern, bool counted) {
  if (pattern.size() > kMaxPatternBytes) {
    core::fail("a pattern of more than ", std::to_string(kMaxPatternBytes), " bytes");
  }
  return Translator(pattern, counted).run();
}

}  // namespace guard::json
