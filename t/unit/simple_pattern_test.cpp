#include "json/simple_pattern.h"

#include <random>
#include <string>

#include "json/pattern.h"
#include "unit.h"

using guard::json::Pattern;
using guard::json::SimplePattern;
using guard::unit::expect_text;

namespace {

void kinds(void**) {
  for (const std::string_view simple :
       {"^[a-z0-9 ]+$", "^", "^$", "^abc", "^a*b", R"(^\d{3}-\d{4}$)", "^[A-Z]{2}[0-9]{2,}$",
        R"(^[\w.-]{1,64}@example\.com$)", "^a?b?c?$", "^[]$", "^[a-]$", R"(^[\-a]$)", "^a{2,3}?$",
        "^tok_[a-z0-9]{8,64}$", "^[0-9]+[a-z]*$"}) {
    expect_text(SimplePattern::parse(simple) ? simple : "no", simple);
  }
  for (const std::string_view other :
       {"a", "a$", "^a|b$", "^(a)$", "^a.b$", "^a+a$", "^[a-z]*[0-9a]$", "^[^a]$", R"(^\s$)",
        R"(^\p{L}$)", "^\xc3\xa9$", "^[\xc3\xa9]$", "^a*b*a$", R"(^\bx)", "^a$b", R"([+-.])",
        "^[+-.]$", R"(^\1)", R"(^[\d-x]$)"}) {
    expect_text(SimplePattern::parse(other) ? "simple" : other, other);
  }
}

// What it takes for itself it decides as PCRE2 does, which a group keeps the pattern for.
void agrees_with_pcre2(void**) {
  std::mt19937 random(20241124);
  const auto below = [&random](std::size_t n) { return random() % n; };
  constexpr std::string_view kAtoms[] = {"a",     "b", "[ab]",  "[a-c]", "[^a]", R"(\d)",  R"(\w)",
                                         R"(\.)", "-", "[0-9]", "[_-]",  "[]",   "[b-z ]", "1"};
  constexpr std::string_view kCounts[] = {"", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "+?"};
  constexpr std::string_view kTexts[] = {"a", "b", "c", "0",  "1",       "-",
                                         ".", "_", " ", "\n", "\xc3\xa9"};
  int simple = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string pattern = "^";
    for (std::size_t n = below(5); n > 0; --n) {
      pattern.append(kAtoms[below(std::size(kAtoms))]).append(kCounts[below(std::size(kCounts))]);
    }
    if (below(3) > 0) pattern += '$';
    const auto ours = SimplePattern::parse(pattern);
    if (!ours) continue;
    ++simple;
    const Pattern theirs("(?:" + pattern + ")");
    assert_false(theirs.is_simple());
    for (int j = 0; j < 20; ++j) {
      std::string text;
      for (std::size_t n = below(7); n > 0; --n) text += kTexts[below(std::size(kTexts))];
      std::int64_t work = Pattern::work_for(text.size());
      const bool expected = theirs.search(text, work) == Pattern::Match::yes;
      if (ours->search(text) != expected) expect_text(pattern + " on " + text, "the same");
    }
  }
  assert_true(simple > 5'000);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(kinds),
      cmocka_unit_test(agrees_with_pcre2),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
