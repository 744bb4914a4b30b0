// What is searched for in place of a regex: it is found in every value that the regex matches.
#include "inspect/widened.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "inspect/regex.h"
#include "unit.h"

namespace {

using namespace guard::inspect;

void leaves_what_has_no_gap(void**) {
  for (const std::string expression : {"union\\s+select", "<[^>]*>", "a{2,3}b", "[.*]+select",
                                       "\\.\\*select", ".{1,20}select", "x.select"}) {
    assert_string_equal(widened(expression).c_str(), expression.c_str());
  }
}

void keeps_the_rarer_part(void**) {
  struct Case {
    std::string expression;
    std::string widened;
  };
  for (const Case& one : std::vector<Case>{
           {"(?i)union.*?select.*?from", "(?i)union"},
           {"if .*(?:geq|equ)", "(?:geq|equ)"},
           {"<x.*onclick=", "onclick="},
           {"\\b(?:exec|eval)(?:\\s|/\\*.*\\*/)*\\(.*\\)", "\\b(?:exec|eval)"},
           {"(?i:create\\s+function\\s+.+\\s+returns)", "(?i:create\\s+function\\s+)"},
           {"if(?: exist|(?: |\\().*(?:geq|==))", "(?: exist|(?:geq|==))"},
           {"(?:a|if .*geq)+ then", "(?:a|geq) then"},
           {"sel[\\s\\S]*(?:from|into)", "(?:from|into)"},
           {"select.{3,}", "select"},
       }) {
    assert_string_equal(widened(one.expression).c_str(), one.widened.c_str());
  }
}

// Nor where what would be left is in any text.
void leaves_what_says_too_little(void**) {
  for (const std::string expression :
       {"\\(.*\\)", "a.*b", "(?:select|x).*y", ".*", "(?:long.*|)s"}) {
    assert_string_equal(widened(expression).c_str(), expression.c_str());
  }
}

void leaves_what_it_does_not_know(void**) {
  for (const std::string expression :
       {"(select).*\\1", "(?>select.*x)y", "select.*+x", "(?=select.*)x", "(?<!select.*)x",
        "(?(1)select.*)", "x(?i)select.*y", "(?s)select.*y", "\\Qselect.*y\\E",
        "[[:alpha:].*select", "select.*[[:alpha:]]", "(*UTF)select.*y", "\\p{L}select.*y",
        "select.*(", "select.*)", "select.*["}) {
    assert_string_equal(widened(expression).c_str(), expression.c_str());
  }
}

// Whatever an expression matches in, what is searched for in its place is found in.
void is_found_wherever_the_expression_is(void**) {
  const std::array<std::string, 18> pieces = {
      "select", "union", ".*", ".+?", "[\\s\\S]*", "(?:",   "|", ")", ")?",
      ")+",     "\\b",   "x",  " ",   "==",        "[ab]+", "^", "$", "from"};
  const std::array<std::string, 9> words = {"select", "union", "from", "x", " ",
                                            "==",     "a",     "b",    "\n"};
  Regex::Workspace workspace;
  std::uint32_t state = 5;
  const auto next = [&](std::size_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 16) % below;
  };
  int changed = 0;
  int found = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string expression;
    int open = 0;
    for (std::size_t left = next(9) + 2; left > 0; --left) {
      const std::string& piece = pieces[next(pieces.size())];
      if (piece.front() == ')' && open == 0) continue;
      open += piece == "(?:" ? 1 : piece.front() == ')' ? -1 : 0;
      expression += piece;
    }
    for (; open > 0; --open) expression += ')';
    const std::string wider = widened(expression);
    if (wider == expression) continue;
    ++changed;
    const Regex exact(expression);
    const Regex searched(wider);
    for (int k = 0; k < 4; ++k) {
      std::string value;
      for (std::size_t left = next(8); left > 0; --left) value += words[next(words.size())];
      if (exact.search(value, workspace) != Regex::Result::yes) continue;
      ++found;
      const bool wider_too = searched.search(value, workspace) == Regex::Result::yes;
      if (!wider_too) {
        print_error("%s instead of %s in %s\n", wider.c_str(), expression.c_str(), value.c_str());
      }
      assert_true(wider_too);
    }
  }
  assert_true(changed > 1000);
  assert_true(found > 1000);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(leaves_what_has_no_gap),
      cmocka_unit_test(keeps_the_rarer_part),
      cmocka_unit_test(leaves_what_says_too_little),
      cmocka_unit_test(leaves_what_it_does_not_know),
      cmocka_unit_test(is_found_wherever_the_expression_is),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
