// Patterns are found wherever they stand in a row, whatever the processor.
#include "inspect/pattern_set.h"

#include <string>

#include "unit.h"

namespace guard::inspect {
namespace {

struct Case {
  const char* expression;
  const char* before;
  const char* after;
};

void finds_at_any_distance(void** /*state*/) {
  for (const Case& one : {Case{R"(\})", "", "}"}, Case{R"(\$\{.*\})", "${", "}"},
                          Case{"a.*b", "a", "b"}, Case{"<[^>]*>", "<", ">"},
                          Case{"x[^y]+y", "x", "y"}, Case{"select.*from", "select", "from"},
                          Case{"q.*[0-9]", "q", "7"}, Case{"^-*z", "", "z"}}) {
    for (const bool ignore_case : {false, true}) {
      PatternSet set;
      set.compile({{one.expression, false, ignore_case, 0}}, nullptr);
      ScanMemory memory;
      assert_true(set.prepare(memory));
      for (std::size_t start : {0, 1, 17, 63}) {
        for (std::size_t between = 1; between < 300; ++between) {
          const std::string row =
              std::string(start, '\n') + one.before + std::string(between, '-') + one.after + "\n";
          std::uint64_t hit = 0;
          assert_true(set.scan(row, memory, &hit, 1));
          if (hit == 0) print_error("%s misses at %zu, %zu\n", one.expression, start, between);
          assert_int_equal(hit, 1);
        }
      }
    }
  }
}

// Rule 942350 of the Core Rule Set.
void finds_behind_blanks(void** /*state*/) {
  PatternSet set;
  set.compile({{R"((?i:(?:;\s*?(?:(?:(?:trunc|cre|upd)at|renam)e|(?:inser|selec)t|de(?:lete|sc)|)"
                R"(alter|load)\b\s*?[\[(]?\w{2,}|create\s+function\s+.+\s+returns)))"}},
              nullptr);
  ScanMemory memory;
  assert_true(set.prepare(memory));
  for (const char* text : {"; insert into", ";update aa", "; insert into tables as they come"}) {
    for (std::size_t blanks = 0; blanks < 200; ++blanks) {
      const std::string row = std::string(blanks, ' ') + text + "\n";
      std::uint64_t hit = 0;
      assert_true(set.scan(row, memory, &hit, 1));
      if (hit == 0) print_error("\"%s\" is missed behind %zu blanks\n", text, blanks);
      assert_int_equal(hit, 1);
    }
  }
}

}  // namespace
}  // namespace guard::inspect

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(guard::inspect::finds_at_any_distance),
                              cmocka_unit_test(guard::inspect::finds_behind_blanks)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
