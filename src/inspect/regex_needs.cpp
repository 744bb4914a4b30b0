#include "inspect/regex_needs.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "core/ascii.h"

namespace guard::inspect {

namespace {

// What is not understood: nothing is said of the whole.
struct Unknown {};

constexpr std::size_t kMostNeeds = 4;
constexpr int kMostDepth = 100;
// More bytes than that nothing is said to need.
constexpr std::size_t kMostBytes = 1000;
// Ways that are told apart.
constexpr std::size_t kMostWays = 12;

Traits either_case(Traits traits) {
  return (traits & trait::kLetter) != 0 ? traits | trait::kLetter : traits;
}

bool covers(Traits all, Traits some) {
  return (some & ~all) == 0;
}

// Whether a value that meets the needs has one of the kinds.
bool follows(const Needs& needs, Traits kinds) {
  return std::any_of(needs.begin(), needs.end(), [&](Traits one) { return covers(kinds, one); });
}

bool follow(const Needs& needs, const Needs& others) {
  return std::all_of(others.begin(), others.end(), [&](Traits one) { return follows(needs, one); });
}

// Those that say most, the best first.
void trim(Needs& needs) {
  std::sort(needs.begin(), needs.end(), [](Traits a, Traits b) {
    const int left = commonness(a);
    const int right = commonness(b);
    return left != right ? left < right : a < b;
  });
  Needs kept;
  for (const Traits one : needs) {
    if (kept.size() < kMostNeeds && !follows(kept, one)) kept.push_back(one);
  }
  needs = std::move(kept);
}

// What a value has that goes the one way or the other.
Way either(const Way& left, const Way& right) {
  Way way{{}, std::min(left.bytes, right.bytes)};
  for (const Traits one : left.needs) {
    for (const Traits other : right.needs) way.needs.push_back(one | other);
  }
  trim(way.needs);
  return way;
}

Way one_after_the_other(const Way& left, const Way& right) {
  Way way{left.needs, std::min(left.bytes + right.bytes, kMostBytes)};
  if (follow(left.needs, right.needs)) return way;
  way.needs.insert(way.needs.end(), right.needs.begin(), right.needs.end());
  trim(way.needs);
  return way;
}

int commonness_of(const Way& way) {
  return way.needs.empty() ? std::numeric_limits<int>::max() : commonness(way.needs.front());
}

// A way that leads wherever another does is enough for both. Of too many those are told apart
// longest that few values can go.
void add_way(Ways& ways, Way way) {
  for (const Way& one : ways) {
    if (one.bytes <= way.bytes && follow(way.needs, one.needs)) return;
  }
  std::erase_if(
      ways, [&](const Way& one) { return way.bytes <= one.bytes && follow(one.needs, way.needs); });
  ways.push_back(std::move(way));
  if (ways.size() <= kMostWays) return;
  std::sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
    return commonness_of(a) != commonness_of(b) ? commonness_of(a) < commonness_of(b)
                                                : a.bytes > b.bytes;
  });
  const Way last = std::move(ways.back());
  ways.pop_back();
  Way joined = either(ways.back(), last);
  ways.pop_back();
  add_way(ways, std::move(joined));
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Ways whole() {
    Ways ways = alternatives(0);
    if (at_ != text_.size()) throw Unknown();
    return ways;
  }

 private:
  bool ended() const { return at_ >= text_.size(); }
  char peek() const {
    if (ended()) throw Unknown();
    return text_[at_];
  }
  char take() {
    const char c = peek();
    ++at_;
    return c;
  }
  bool take_if(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }

  Ways alternatives(int depth) {
    if (depth > kMostDepth) throw Unknown();
    Ways ways = sequence(depth);
    while (take_if("|")) {
      for (Way& way : sequence(depth)) add_way(ways, std::move(way));
    }
    return ways;
  }

  Ways sequence(int depth) {
    Ways ways = {Way{}};
    while (!ended() && peek() != '|' && peek() != ')') {
      Ways piece = atom(depth);
      const std::size_t times = quantifier();
      if (times == 0) continue;
      for (Way& way : piece) way.bytes = std::min(times * way.bytes, kMostBytes);
      // Repeated, it may go one way and then another.
      if (times > 1 && piece.size() > 1) {
        const std::size_t least =
            std::min_element(piece.begin(), piece.end(), [](const Way& a, const Way& b) {
              return a.bytes < b.bytes;
            })->bytes;
        for (Way& way : piece) way.bytes = least;
      }
      Ways all;
      for (const Way& before : ways) {
        for (const Way& next : piece) add_way(all, one_after_the_other(before, next));
      }
      ways = std::move(all);
    }
    return ways;
  }

  // Takes what says how often. Returns the least.
  std::size_t quantifier() {
    std::size_t least = 1;
    if (take_if("*") || take_if("?")) {
      least = 0;
    } else if (!ended() && peek() == '{') {
      const std::optional<std::size_t> times = braces();
      if (!times) return 1;
      least = *times;
    } else if (!take_if("+")) {
      return 1;
    }
    // Lazy or possessive: the same bytes.
    if (!take_if("?")) take_if("+");
    // Quantifiers of what is quantified: PCRE2 takes some of them, Vectorscan none.
    if (!ended() && (std::string_view("*+?").find(peek()) != std::string_view::npos ||
                     (peek() == '{' && braces()))) {
      throw Unknown();
    }
    return least;
  }

  // {2,3}: the least. What is no such thing stands for itself, and is left.
  std::optional<std::size_t> braces() {
    std::size_t i = at_ + 1;
    const std::size_t digits = i;
    std::size_t least = 0;
    while (i < text_.size() && core::is_digit(text_[i])) {
      least = std::min(least * 10 + static_cast<std::size_t>(text_[i++] - '0'), kMostBytes);
    }
    if (i == digits) {
      // {,3} and { 3 } are read in one way or the other by versions of PCRE2.
      if (i < text_.size() && (text_[i] == ',' || text_[i] == ' ' || text_[i] == '\t')) {
        throw Unknown();
      }
      return std::nullopt;
    }
    if (i < text_.size() && (text_[i] == ' ' || text_[i] == '\t')) throw Unknown();
    if (i < text_.size() && text_[i] == ',') {
      ++i;
      while (i < text_.size() && core::is_digit(text_[i])) ++i;
    }
    if (i >= text_.size() || text_[i] != '}') return std::nullopt;
    at_ = i + 1;
    return least;
  }

  static Ways nothing() { return {Way{}}; }
  static Ways byte_of(Traits traits) { return {Way{{either_case(traits)}, 1}}; }

  Ways atom(int depth) {
    const char c = take();
    switch (c) {
      case '(':
        return group(depth);
      case '[':
        return byte_of(bracket());
      case '.':
        return {Way{{}, 1}};
      case '^':
      case '$':
        return nothing();
      case '\\':
        return escape();
      default:
        return byte_of(trait::of_byte(static_cast<unsigned char>(c)));
    }
  }

  Ways group(int depth) {
    bool counts = true;
    if (take_if("*")) throw Unknown();
    if (take_if("?")) {
      if (take_if("=") || take_if("!") || take_if("<=") || take_if("<!")) {
        counts = false;
      } else if (take_if(":") || take_if(">") || take_if("|")) {
        // As any group.
      } else if (take_if("P<") || take_if("<") || take_if("'")) {
        while (core::is_letter(peek()) || core::is_digit(peek()) || peek() == '_') ++at_;
        ++at_;
      } else {
        // Options: those that do not change what is needed.
        while (peek() == 'i' || peek() == 's' || peek() == 'm' || peek() == '-') ++at_;
        const char end = take();
        if (end == ')') return nothing();
        if (end != ':') throw Unknown();
      }
    }
    Ways ways = alternatives(depth + 1);
    if (take() != ')') throw Unknown();
    return counts ? ways : nothing();
  }

  // Behind a backslash, outside of brackets.
  Ways escape() {
    const char c = peek();
    switch (c) {
      case 'b':
      case 'B':
      case 'A':
      case 'z':
      case 'Z':
        ++at_;
        return nothing();
      default:
        break;
    }
    if (c >= '1' && c <= '9') {
      // A group once more, which may be empty.
      while (!ended() && core::is_digit(peek())) ++at_;
      return nothing();
    }
    return byte_of(escaped());
  }

  // \d, \x41, \. and the like: which bytes.
  Traits escaped() {
    using namespace trait;
    const char c = take();
    switch (c) {
      case 'd':
        return kDigit | kZero;
      case 'w':
        return kWord;
      case 's':
        return kSpace | kControlSpace;
      case 'D':
        return kBytes & ~(kDigit | kZero);
      case 'W':
        return kBytes & ~kWord;
      case 'S':
        return kBytes & ~(kSpace | kControlSpace);
      case 'v':
        return kControlSpace | kHigh;
      case 'n':
      case 'r':
      case 't':
      case 'f':
        return kControlSpace;
      case 'a':
      case 'e':
        return kControl;
      case 'x':
        return of_byte(hex());
      case '0':
        if (core::is_digit(ended() ? ' ' : peek())) throw Unknown();
        return kNul;
      default:
        if (core::is_letter(c) || core::is_digit(c)) throw Unknown();
        return of_byte(static_cast<unsigned char>(c));
    }
  }

  unsigned char hex() {
    unsigned value = 0;
    const bool braced = take_if("{");
    int digits = 0;
    while (!ended() && core::is_hex(peek()) && (braced || digits < 2)) {
      value = value * 16 + static_cast<unsigned>(core::hex_value(take()));
      ++digits;
      if (value > 0xff) throw Unknown();
    }
    if (braced && take() != '}') throw Unknown();
    return static_cast<unsigned char>(value);
  }

  // [...]: which bytes.
  Traits bracket() {
    std::array<bool, 256> set{};
    const bool negated = take_if("^");
    for (bool first = true; first || peek() != ']'; first = false) {
      if (peek() == '[' && at_ + 1 < text_.size() &&
          (text_[at_ + 1] == ':' || text_[at_ + 1] == '.' || text_[at_ + 1] == '=')) {
        throw Unknown();
      }
      const std::optional<unsigned char> low = member(set);
      if (!low) continue;
      unsigned char high = *low;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        const std::optional<unsigned char> end = member(set);
        if (!end || *end < *low) throw Unknown();
        high = *end;
      }
      for (unsigned byte = *low; byte <= high; ++byte) set[byte] = true;
    }
    ++at_;
    // Of kinds with several bytes one may be in the set and another not: then both sides have it.
    Traits traits = 0;
    for (unsigned byte = 0; byte < 256; ++byte) {
      if (set[byte] != negated) traits |= trait::of_byte(static_cast<unsigned char>(byte));
    }
    return traits;
  }

  // A byte, or a class, whose bytes are added to the set.
  std::optional<unsigned char> member(std::array<bool, 256>& set) {
    const char c = take();
    if (c != '\\') return static_cast<unsigned char>(c);
    const char next = peek();
    switch (next) {
      case 'd':
      case 'w':
      case 's':
      case 'D':
      case 'W':
      case 'S': {
        // These are of whole kinds.
        const Traits kinds = escaped();
        for (unsigned byte = 0; byte < 256; ++byte) {
          if ((trait::of_byte(static_cast<unsigned char>(byte)) & kinds) != 0) set[byte] = true;
        }
        return std::nullopt;
      }
      case 'n':
        ++at_;
        return '\n';
      case 'r':
        ++at_;
        return '\r';
      case 't':
        ++at_;
        return '\t';
      case 'f':
        ++at_;
        return '\f';
      case 'b':
        ++at_;
        return '\b';
      case 'x':
        ++at_;
        return hex();
      default:
        if (core::is_letter(next) || core::is_digit(next)) throw Unknown();
        return static_cast<unsigned char>(take());
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

int commonness(Traits traits) noexcept {
  using namespace trait;
  struct Share {
    Traits kinds;
    int share;
  };
  static constexpr std::array<Share, 8> kShares = {{
      {kLetter, 1000},
      {kDigit | kZero, 600},
      {kSpace | of_mark('.') | of_mark('-') | of_mark('_'), 300},
      {of_marks("/:,=&"), 60},
      {of_marks("()'\";?*+%@"), 20},
      {kHigh, 20},
      {of_marks("!#[]"), 6},
      {kBytes, 1},
  }};
  int sum = 0;
  for (Traits rest = traits; rest != 0; rest &= rest - 1) {
    const Traits one = rest & (~rest + 1);
    for (const Share& share : kShares) {
      if ((share.kinds & one) == 0) continue;
      sum += share.share;
      break;
    }
  }
  return sum;
}

Ways ways_of_regex(std::string_view expression) {
  try {
    return Parser(expression).whole();
  } catch (const Unknown&) {
    return {Way{}};
  }
}

Ways ways_of_phrases(const std::vector<std::string>& phrases) {
  Ways ways;
  for (const std::string& phrase : phrases) {
    Way way{{}, std::min(phrase.size(), kMostBytes)};
    for (const char c : phrase) {
      way.needs.push_back(either_case(trait::of_byte(static_cast<unsigned char>(c))));
    }
    trim(way.needs);
    add_way(ways, std::move(way));
  }
  return ways;
}

Needs needs_of(const Ways& ways) {
  if (ways.empty()) return {};
  Way all = ways.front();
  for (const Way& way : ways) all = either(all, way);
  return all.needs;
}

}  // namespace guard::inspect
