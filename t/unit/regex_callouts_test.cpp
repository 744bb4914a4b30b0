// Callouts stand behind what repeats, and nothing else changes.
#include "inspect/regex_callouts.h"

#include "unit.h"

namespace guard::inspect {
namespace {

void stand_behind_repetitions(void** /*state*/) {
  struct Case {
    const char* pattern;
    const char* wanted;  // null: not read
  };
  for (const Case& one : {
           Case{"abc", "abc"},
           {"a*b+c?", "a*(?C)b+(?C)c?(?C)"},
           {"a*?b++", "a*?(?C)b++(?C)"},
           {"a{2}b{2,}c{2,3}?", "a{2}(?C)b{2,}(?C)c{2,3}?(?C)"},
           {"a{b}{", "a{b}{"},
           {"(?:a|b)*(?=c+)(?!d)(?<=e)(?<!f)", "(?:a|b)*(?C)(?=c+(?C))(?!d)(?<=e)(?<!f)"},
           {"(?i)a+(?i:b)+(?-i)(?<n>c)", "(?i)a+(?C)(?i:b)+(?C)(?-i)(?<n>c)"},
           {"[a*?+]+[^]*]?[]{2}]", "[a*?+]+(?C)[^]*]?(?C)[]{2}]"},
           {"[[:alpha:]\\]*]{2}", "[[:alpha:]\\]*]{2}(?C)"},
           {"\\*\\+\\\\+\\x{41}+\\x41*", "\\*\\+\\\\+(?C)\\x{41}+(?C)\\x41*(?C)"},
           {"a{2}{3}", nullptr},
           {"a**", nullptr},
           {"a{,3}", nullptr},
           {"\\Qa*\\E", nullptr},
           {"(*UTF)a*", nullptr},
           {"(?x)a #*", nullptr},
           {"(?#*)a", nullptr},
           {"(?R)?", nullptr},
           {"[a", nullptr},
       }) {
    const auto found = with_callouts(one.pattern);
    if (found.value_or("-") != (one.wanted == nullptr ? "-" : one.wanted)) {
      print_error("%s: %s\n", one.pattern, found.value_or("-").c_str());
    }
    assert_true(found.has_value() == (one.wanted != nullptr));
    if (found) assert_string_equal(found->c_str(), one.wanted);
  }
}

}  // namespace
}  // namespace guard::inspect

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(guard::inspect::stand_behind_repetitions)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
