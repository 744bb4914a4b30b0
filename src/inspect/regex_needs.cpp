#include "inspect/regex_needs.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/ascii.h"

namespace guard::inspect {

namespace {

// What is not understood: nothing is said of the whole.
struct Unknown {};

constexpr std::size_t kMostNeeds = 4;
constexpr int kMostDepth = 100;

Traits either_case(Traits traits) {
  return (traits & trait::kLetter) != 0 ? traits | trait::kLetter : traits;
}

// Those that say most, the best first.
void trim(Needs& needs) {
  std::sort(needs.begin(), needs.end(), [](Traits a, Traits b) {
    const int left = commonness(a);
    const int right = commonness(b);
    return left != right ? left < right : a < b;
  });
  needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
  if (needs.size() > kMostNeeds) needs.resize(kMostNeeds);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Needs whole() {
    Needs needs = alternatives(0);
    if (at_ != text_.size()) throw Unknown();
    return needs;
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

  // a|b: one of what each needs best.
  Needs alternatives(int depth) {
    if (depth > kMostDepth) throw Unknown();
    Needs needs = sequence(depth);
    while (take_if("|")) {
      const Needs other = sequence(depth);
      if (needs.empty() || other.empty()) {
        needs.clear();
      } else {
        needs = {needs.front() | other.front()};
      }
    }
    return needs;
  }

  Needs sequence(int depth) {
    Needs needs;
    while (!ended() && peek() != '|' && peek() != ')') {
      Needs piece = atom(depth);
      if (!quantified(piece)) continue;
      needs.insert(needs.end(), piece.begin(), piece.end());
      trim(needs);
    }
    return needs;
  }

  // Takes what says how often. False: never may do.
  bool quantified(const Needs& piece) {
    bool needed = !piece.empty();
    if (take_if("*") || take_if("?")) {
      needed = false;
    } else if (!ended() && peek() == '{') {
      const std::optional<int> least = braces();
      if (!least) return needed;
      if (*least == 0) needed = false;
    } else if (!take_if("+")) {
      return needed;
    }
    // Lazy or possessive: the same bytes.
    if (!take_if("?")) take_if("+");
    // Quantifiers of what is quantified: PCRE2 takes some of them, Vectorscan none.
    if (!ended() && std::string_view("*+?{").find(peek()) != std::string_view::npos)
      throw Unknown();
    return needed;
  }

  // {2,3}: the least. What is no such thing stands for itself, and is left.
  std::optional<int> braces() {
    std::size_t i = at_ + 1;
    const std::size_t digits = i;
    int least = 0;
    while (i < text_.size() && core::is_digit(text_[i])) {
      least = std::min(least * 10 + (text_[i++] - '0'), 1);
    }
    if (i == digits) {
      // {,3} is read in one way or the other by versions of PCRE2.
      if (i < text_.size() && text_[i] == ',') throw Unknown();
      return std::nullopt;
    }
    if (i < text_.size() && text_[i] == ',') {
      ++i;
      while (i < text_.size() && core::is_digit(text_[i])) ++i;
    }
    if (i >= text_.size() || text_[i] != '}') return std::nullopt;
    at_ = i + 1;
    return least;
  }

  Needs atom(int depth) {
    const char c = take();
    switch (c) {
      case '(':
        return group(depth);
      case '[':
        return {either_case(bracket())};
      case '.':
      case '^':
      case '$':
        return {};
      case '\\':
        return escape();
      default:
        return {either_case(trait::of_byte(static_cast<unsigned char>(c)))};
    }
  }

  Needs group(int depth) {
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
        if (end == ')') return {};
        if (end != ':') throw Unknown();
      }
    }
    Needs needs = alternatives(depth + 1);
    if (take() != ')') throw Unknown();
    if (!counts) needs.clear();
    return needs;
  }

  // Behind a backslash, outside of brackets.
  Needs escape() {
    const char c = peek();
    switch (c) {
      case 'b':
      case 'B':
      case 'A':
      case 'z':
      case 'Z':
        ++at_;
        return {};
      default:
        break;
    }
    if (c >= '1' && c <= '9') {
      // A group once more, which may be empty.
      while (!ended() && core::is_digit(peek())) ++at_;
      return {};
    }
    return {either_case(escaped())};
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
    Traits classes = 0;
    const bool negated = take_if("^");
    for (bool first = true; first || peek() != ']'; first = false) {
      if (peek() == '[' && at_ + 1 < text_.size() &&
          (text_[at_ + 1] == ':' || text_[at_ + 1] == '.' || text_[at_ + 1] == '=')) {
        throw Unknown();
      }
      const std::optional<unsigned char> low = member(classes);
      if (!low) continue;
      unsigned char high = *low;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        const std::optional<unsigned char> end = member(classes);
        if (!end || *end < *low) throw Unknown();
        high = *end;
      }
      for (unsigned byte = *low; byte <= high; ++byte) set[byte] = true;
    }
    ++at_;
    // Of kinds with several bytes one may be in the set and another not: then both sides have it.
    Traits in = classes;
    Traits out = 0;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const Traits kind = trait::of_byte(static_cast<unsigned char>(byte));
      (set[byte] ? in : out) |= kind;
    }
    // What is there by its class is out of no negated set's reach that others of its kind are in.
    return negated ? out : in;
  }

  // A byte, or a class, which is added to classes.
  std::optional<unsigned char> member(Traits& classes) {
    const char c = take();
    if (c != '\\') return static_cast<unsigned char>(c);
    const char next = peek();
    switch (next) {
      case 'd':
      case 'w':
      case 's':
      case 'D':
      case 'W':
      case 'S':
        classes |= escaped();
        return std::nullopt;
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

Needs needs_of_regex(std::string_view expression) {
  try {
    return Parser(expression).whole();
  } catch (const Unknown&) {
    return {};
  }
}

Needs needs_of_phrases(const std::vector<std::string>& phrases) {
  Traits any = 0;
  for (const std::string& phrase : phrases) {
    Traits best = trait::kAny;
    for (const char c : phrase) {
      const Traits one = either_case(trait::of_byte(static_cast<unsigned char>(c)));
      if (best == trait::kAny || commonness(one) < commonness(best)) best = one;
    }
    any |= best;
  }
  return {any};
}

}  // namespace guard::inspect
