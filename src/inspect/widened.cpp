#include "inspect/widened.h"

#include <algorithm>
#include <vector>

#include "core/ascii.h"
#include "inspect/regex_cursor.h"

namespace guard::inspect {

namespace {

constexpr int kMostDepth = 100;
// Bits by which a byte of ordinary text is known, and what a part must be known by at least.
constexpr int kLetterBits = 4;
constexpr int kSpaceBits = 2;
constexpr int kMarkBits = 7;
constexpr int kClassBits = 1;
constexpr int kLeastBits = 10;
constexpr int kMostBits = 1000;

struct Atom;
using Sequence = std::vector<Atom>;

struct Atom {
  std::string_view text;     // without its quantifier
  std::string_view times;    // the quantifier
  std::string_view opening;  // of a group: "(?i:"
  std::vector<Sequence> alternatives;
  int bits = 0;            // of one that is no group
  bool any = false;        // it may be any byte
  bool optional = false;   // it may be absent
  bool unbounded = false;  // it may be there any number of times

  bool is_group() const { return !opening.empty(); }
};

bool has_gap(const Sequence& sequence);

bool has_gap(const Atom& atom) {
  return atom.is_group() ? std::any_of(atom.alternatives.begin(), atom.alternatives.end(),
                                       [](const Sequence& one) { return has_gap(one); })
                         : atom.any && atom.unbounded;
}

bool has_gap(const Sequence& sequence) {
  return std::any_of(sequence.begin(), sequence.end(),
                     [](const Atom& atom) { return has_gap(atom); });
}

class Parser : private RegexCursor {
 public:
  explicit Parser(std::string_view text) : RegexCursor(text) {
    // Options that hold for all.
    if (take_if("(?i)")) options_ = "(?i)";
  }

  std::string_view options() const { return options_; }

  std::vector<Sequence> whole() {
    std::vector<Sequence> all = alternatives(0);
    if (!ended()) throw Unknown();
    return all;
  }

 private:
  std::vector<Sequence> alternatives(int depth) {
    if (depth > kMostDepth) throw Unknown();
    std::vector<Sequence> all = {sequence(depth)};
    while (take_if("|")) all.push_back(sequence(depth));
    return all;
  }

  Sequence sequence(int depth) {
    Sequence sequence;
    while (!ended() && peek() != '|' && peek() != ')') {
      Atom one = atom(depth);
      const std::size_t begin = at();
      const Times times = quantifier();
      if (times.possessive) throw Unknown();
      one.times = since(begin);
      one.optional = times.least == 0;
      one.unbounded = times.unbounded;
      sequence.push_back(std::move(one));
    }
    return sequence;
  }

  Atom atom(int depth) {
    Atom one;
    const std::size_t begin = at();
    const char c = take();
    switch (c) {
      case '(':
        group(one, begin, depth);
        break;
      case '[':
        bracket();
        one.bits = kClassBits;
        break;
      case '\\':
        escape(one);
        break;
      case '.':
        one.any = true;
        break;
      case '^':
      case '$':
        break;
      default:
        one.bits = bits_of(c);
    }
    one.text = since(begin);
    constexpr std::string_view kAny[] = {"[\\s\\S]", "[\\S\\s]", "[\\d\\D]", "[\\w\\W]"};
    one.any = one.any || std::find(std::begin(kAny), std::end(kAny), one.text) != std::end(kAny);
    if (one.any) one.bits = 0;
    return one;
  }

  // Groups that count and those that do not; what looks around, or forgets where it could go back
  // to, is none of them.
  void group(Atom& one, std::size_t begin, int depth) {
    if (take_if("*")) throw Unknown();
    if (take_if("?") && !take_if(":") && !take_if("i:")) throw Unknown();
    one.opening = since(begin);
    one.alternatives = alternatives(depth + 1);
    if (!take_if(")")) throw Unknown();
  }

  void bracket() {
    take_if("^");
    for (bool first = true; first || peek() != ']'; first = false) {
      if (at_named_class()) throw Unknown();
      take_if("\\");
      take();
    }
    take();
  }

  void escape(Atom& one) {
    const char c = take();
    constexpr std::string_view kClasses = "wWsSdDntrfv";
    if (c == 'b' || c == 'B') return;
    if (c == 'x') {
      one.bits = bits_of(static_cast<char>(hex()));
    } else if (core::is_letter(c) || core::is_digit(c)) {
      if (kClasses.find(c) == std::string_view::npos) throw Unknown();
      one.bits = kClassBits;
    } else {
      one.bits = bits_of(c);
    }
  }

  static int bits_of(char c) {
    if (core::is_letter(c) || core::is_digit(c)) return kLetterBits;
    return c == ' ' ? kSpaceBits : kMarkBits;
  }

  std::string_view options_;
};

// A part of an expression, and the bits by which what matches it is known at least.
struct Part {
  std::string text;
  int bits = 0;
};

// The part of one sequence.
using PartOf = Part (*)(const Sequence&);

Part part_of(const std::vector<Sequence>& alternatives, PartOf part) {
  Part all;
  for (std::size_t i = 0; i < alternatives.size(); ++i) {
    const Part one = part(alternatives[i]);
    if (i > 0) all.text += '|';
    all.text += one.text;
    all.bits = i == 0 ? one.bits : std::min(all.bits, one.bits);
  }
  return all;
}

int bits_of(const Sequence& sequence);

int bits_of(const Atom& atom) {
  if (atom.optional) return 0;
  if (!atom.is_group()) return atom.bits;
  int least = kMostBits;
  for (const Sequence& one : atom.alternatives) least = std::min(least, bits_of(one));
  return least;
}

int bits_of(const Sequence& sequence) {
  int bits = 0;
  for (const Atom& atom : sequence) bits += bits_of(atom);
  return bits;
}

void add(Part& part, const Atom& atom) {
  part.text += atom.text;
  part.text += atom.times;
  part.bits += bits_of(atom);
}

// The group with a part of each of its alternatives, once.
void add_group(Part& part, const Atom& group, PartOf of) {
  const Part inner = part_of(group.alternatives, of);
  part.text += group.opening;
  part.text += inner.text;
  part.text += ')';
  part.bits += inner.bits;
}

Part before_gaps(const Sequence& sequence) {
  Part part;
  for (const Atom& atom : sequence) {
    if (!has_gap(atom)) {
      add(part, atom);
      continue;
    }
    if (atom.is_group() && !atom.optional) add_group(part, atom, before_gaps);
    break;
  }
  return part;
}

Part behind_gaps(const Sequence& sequence) {
  Part part;
  std::size_t at = sequence.size();
  while (at > 0 && !has_gap(sequence[at - 1])) --at;
  if (at > 0) {
    const Atom& atom = sequence[at - 1];
    // Of what is there several times the last one stands before what follows.
    if (atom.is_group() && !atom.optional) add_group(part, atom, behind_gaps);
  }
  for (; at < sequence.size(); ++at) add(part, sequence[at]);
  return part;
}

}  // namespace

std::string widened(std::string_view expression) {
  try {
    Parser parser(expression);
    const std::vector<Sequence> whole = parser.whole();
    if (std::none_of(whole.begin(), whole.end(),
                     [](const Sequence& one) { return has_gap(one); })) {
      return std::string(expression);
    }
    const Part before = part_of(whole, before_gaps);
    const Part behind = part_of(whole, behind_gaps);
    const Part& rarer = behind.bits > before.bits ? behind : before;
    if (rarer.bits >= kLeastBits) return std::string(parser.options()) + rarer.text;
  } catch (const RegexCursor::Unknown&) {
  }
  return std::string(expression);
}

}  // namespace guard::inspect
