#include "inspect/regex_needs.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "core/ascii.h"
#include "inspect/regex_cursor.h"

namespace guard::inspect {

namespace {

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

class Parser : private RegexCursor {
 public:
  using RegexCursor::RegexCursor;

  Ways whole() {
    Ways ways = alternatives(0);
    if (!ended()) throw Unknown();
    return ways;
  }

 private:
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
      const std::size_t times = quantifier().least;
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
        while (core::is_letter(peek()) || core::is_digit(peek()) || peek() == '_') take();
        take();
      } else {
        // Options: those that do not change what is needed.
        while (peek() == 'i' || peek() == 's' || peek() == 'm' || peek() == '-') take();
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
        take();
        return nothing();
      default:
        break;
    }
    if (c >= '1' && c <= '9') {
      // A group once more, which may be empty.
      while (!ended() && core::is_digit(peek())) take();
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

  // [...]: which bytes.
  Traits bracket() {
    std::array<bool, 256> set{};
    const bool negated = take_if("^");
    for (bool first = true; first || peek() != ']'; first = false) {
      if (at_named_class()) throw Unknown();
      const std::optional<unsigned char> low = member(set);
      if (!low) continue;
      unsigned char high = *low;
      if (peek() == '-' && !rest().starts_with("-]")) {
        take();
        const std::optional<unsigned char> end = member(set);
        if (!end || *end < *low) throw Unknown();
        high = *end;
      }
      for (unsigned byte = *low; byte <= high; ++byte) set[byte] = true;
    }
    take();
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
        take();
        return '\n';
      case 'r':
        take();
        return '\r';
      case 't':
        take();
        return '\t';
      case 'f':
        take();
        return '\f';
      case 'b':
        take();
        return '\b';
      case 'x':
        take();
        return hex();
      default:
        if (core::is_letter(next) || core::is_digit(next)) throw Unknown();
        return static_cast<unsigned char>(take());
    }
  }
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
  } catch (const RegexCursor::Unknown&) {
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
