#include "inspect/regex_callouts.h"

#include <utility>

#include "inspect/regex_cursor.h"

namespace guard::inspect {

namespace {

constexpr std::string_view kCallout = "(?C)";

class Reader : private RegexCursor {
 public:
  using RegexCursor::RegexCursor;

  std::string whole() {
    while (!ended()) next();
    return std::move(out_);
  }

 private:
  void copy(std::size_t begin) { out_ += since(begin); }

  void next() {
    const std::size_t begin = at();
    quantifier();
    if (at() != begin) {
      copy(begin);
      out_ += kCallout;
      return;
    }
    switch (take()) {
      case '\\':
        escape();
        break;
      case '[':
        bracket();
        break;
      case '(':
        group();
        break;
      default:
        break;
    }
    copy(begin);
  }

  void take_up_to(char last) {
    while (take() != last) continue;
  }

  char escaped() {
    const char c = take();
    if (c == 'Q' || c == 'E' || c == 'c') throw Unknown();
    return c;
  }

  void escape() {
    const char c = escaped();
    if (std::string_view("xopPgkN").find(c) != std::string_view::npos && take_if("{")) {
      take_up_to('}');
    }
  }

  void bracket() {
    take_if("^");
    take_if("]");
    while (!take_if("]")) {
      if (take_if("\\")) {
        escaped();
      } else if (at_named_class()) {
        take_up_to(']');
      } else {
        take();
      }
    }
  }

  // What begins one.
  void group() {
    if (take_if("*")) throw Unknown();
    if (!take_if("?")) return;
    for (const std::string_view kind : {":", "=", "!", ">", "|", "<=", "<!", "<", "P<"}) {
      if (take_if(kind)) return;
    }
    // Options, but for those that change how the pattern is read.
    const std::size_t begin = at();
    while (take_if("i") || take_if("m") || take_if("s") || take_if("-")) continue;
    if (at() == begin || (!take_if(")") && !take_if(":"))) throw Unknown();
  }

  std::string out_;
};

}  // namespace

std::optional<std::string> with_callouts(std::string_view pattern) {
  try {
    return Reader(pattern).whole();
  } catch (const RegexCursor::Unknown&) {
    return std::nullopt;
  }
}

}  // namespace guard::inspect
