// What all readers of regexes read alike.
#include "inspect/regex_cursor.h"

#include <string>
#include <string_view>
#include <vector>

#include "unit.h"

namespace {

using guard::inspect::RegexCursor;

bool is_unknown(std::string_view text) {
  try {
    RegexCursor(text).quantifier();
  } catch (const RegexCursor::Unknown&) {
    return true;
  }
  return false;
}

void says_how_often(void**) {
  struct Case {
    std::string text;
    std::size_t least;
    bool unbounded;
    bool possessive;
    std::string rest;
  };
  for (const Case& one : std::vector<Case>{
           {"", 1, false, false, ""},
           {"ab", 1, false, false, "ab"},
           {"*a", 0, true, false, "a"},
           {"+?a", 1, true, false, "a"},
           {"??", 0, false, false, ""},
           {"*+a", 0, true, true, "a"},
           {"{3}a", 3, false, false, "a"},
           {"{00,2}?a", 0, false, false, "a"},
           {"{2,}+", 2, true, true, ""},
           {"{99999999999999999999}", 10'000, false, false, ""},
           // Braces that stand for themselves.
           {"{", 1, false, false, "{"},
           {"{a}", 1, false, false, "{a}"},
           {"{2", 1, false, false, "{2"},
           {"{2,a}", 1, false, false, "{2,a}"},
           {"*{a}", 0, true, false, "{a}"},
       }) {
    RegexCursor cursor(one.text);
    const RegexCursor::Times times = cursor.quantifier();
    assert_int_equal(times.least, one.least);
    assert_int_equal(times.unbounded, one.unbounded);
    assert_int_equal(times.possessive, one.possessive);
    assert_string_equal(std::string(cursor.rest()).c_str(), one.rest.c_str());
  }
}

void does_not_know_what_is_read_differently(void**) {
  for (const char* text :
       {"{,3}", "{ 3}", "{3 }", "{3, 4}", "{3,4 }", "**", "+*", "{2}{3}", "?+?", "{2}??"}) {
    if (!is_unknown(text)) print_error("%s\n", text);
    assert_true(is_unknown(text));
  }
}

void reads_numbers_of_bytes(void**) {
  struct Case {
    std::string text;
    int byte;
    std::string rest;
  };
  for (const Case& one :
       std::vector<Case>{{"411", 0x41, "1"}, {"4g", 4, "g"}, {"", 0, ""}, {"{0041}1", 0x41, "1"}}) {
    RegexCursor cursor(one.text);
    assert_int_equal(cursor.hex(), one.byte);
    assert_string_equal(std::string(cursor.rest()).c_str(), one.rest.c_str());
  }
  for (const char* text : {"{100}", "{41", "{4g}"}) {
    bool unknown = false;
    try {
      RegexCursor(text).hex();
    } catch (const RegexCursor::Unknown&) {
      unknown = true;
    }
    assert_true(unknown);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(says_how_often),
      cmocka_unit_test(does_not_know_what_is_read_differently),
      cmocka_unit_test(reads_numbers_of_bytes),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
