// What a regex needs of a value: never more than is true.
#include "inspect/regex_needs.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "inspect/libinjection.h"
#include "inspect/regex.h"
#include "unit.h"

namespace {

using namespace guard::inspect;
using namespace trait;

Needs needs_of_regex(std::string_view expression) {
  return needs_of(ways_of_regex(expression));
}

// Of bytes of these kinds alone; kNone: such a value cannot match.
constexpr std::size_t kNone = 9999;
std::size_t least(const Ways& ways, Traits traits = kAny) {
  std::size_t bytes = kNone;
  for (const Way& way : ways) {
    if (!lacks(traits, way.needs)) bytes = std::min(bytes, way.bytes);
  }
  return bytes;
}

bool has(std::string_view expression, Traits need) {
  for (const Traits one : needs_of_regex(expression)) {
    if (one == need) return true;
  }
  return false;
}

void knows_bytes(void**) {
  assert_true(has("sleep\\s*\\(", of_mark('(')));
  assert_true(has("sleep\\s*\\(", kLetter));
  assert_true(has("a+?<", of_mark('<')));
  assert_true(has("\\d{2,}", kDigit | kZero));
  assert_true(has("[\\n\\r]", kControlSpace));
  assert_true(has("[<>]x", of_marks("<>")));
  assert_true(has("(?i:a|b)=", of_mark('=')));
  assert_true(has("(?:<a|>b)", of_marks("<>")));
  assert_true(has("\\x3c", of_mark('<')));
  assert_true(has("\\x{3c}", of_mark('<')));
  assert_true(has("[^a-z]", kBytes));
  assert_true(has("[^\\w\\s]", kBytes & ~(kWord | kSpace | kControlSpace)));
  assert_true(has("[^\\Wa]", kWord));
  assert_true(has("a{x", of_mark('{')));
  assert_true(has("\\s+{", of_mark('{')));
  // Whichever it is.
  assert_true(has("x\\(|\\)y|<\\(z", of_marks("()")));
  assert_true(has("x\\(|\\)y|<\\(z", kLetter));
}

void knows_how_bytes_stand(void**) {
  const auto stands = [](std::string_view value, Traits one) {
    return (byte_traits(value) & one) != 0;
  };
  assert_true(stands("a  b", kTwoSpaces));
  assert_false(stands(" a b ", kTwoSpaces));
  for (const std::string_view value : {" /", "a b (", "a  /b"})
    assert_true(stands(value, kSpaceSlash));
  for (const std::string_view value : {"/ ", "a( b", " a/b"})
    assert_false(stands(value, kSpaceSlash));
  for (const std::string_view value : {"a//b", "a\\/", "/.a", "a.\\b", "a./", ".a", "a.", "\\\\"}) {
    assert_true(stands(value, kPathDots));
  }
  for (const std::string_view value : {"/", "a/b\\c/", "a.b/c", "\\a.b"}) {
    assert_false(stands(value, kPathDots));
  }
  for (const std::string_view value : {"&lt", "a&#60;", "x=1&y&AMP"})
    assert_true(stands(value, kEntity));
  for (const std::string_view value : {"&", "x&", "x=1&y=2&page=3", "& lt", "lt"}) {
    assert_false(stands(value, kEntity));
  }
}

void counts_bytes(void**) {
  const std::vector<std::pair<std::string_view, std::size_t>> known = {{"abc", 3},
                                                                       {"a{3}b", 4},
                                                                       {"(?:ab|c)+", 1},
                                                                       {"a*b?c", 1},
                                                                       {"\\bx\\b", 1},
                                                                       {"(?=abc)x", 1},
                                                                       {"(?i)[ab].", 2},
                                                                       {"^$", 0},
                                                                       {"(a)\\1", 1},
                                                                       {"x{y", 3},
                                                                       {"(?:ab{2,3}|c{4})", 3},
                                                                       {"\\x{41}\\.", 2},
                                                                       {"a{0}b", 1},
                                                                       {"[[:alpha:]]", 0},
                                                                       {"(?R)", 0}};
  for (const auto& [expression, bytes] : known) {
    assert_int_equal(least(ways_of_regex(expression)), bytes);
  }
  assert_int_equal(least(ways_of_phrases({"select", "or"})), 2);
}

void tells_ways_apart(void**) {
  const Ways ways = ways_of_regex("(?:'!|union(?:select|\\s+all))x|[<>]|\\d{4}");
  assert_int_equal(least(ways), 1);
  assert_int_equal(least(ways, kLower), 12);
  assert_int_equal(least(ways, kLower | kSpace), 10);
  assert_int_equal(least(ways, kLower | of_marks("'!")), 3);
  assert_int_equal(least(ways, kDigit), 4);
  assert_int_equal(least(ways, of_mark('.')), kNone);
  // Either, twice.
  assert_int_equal(least(ways_of_regex("(?:<|abc){2}"), kLower | of_mark('<')), 2);
  assert_int_equal(least(ways_of_phrases({"a.b", "select"}), kLower), 6);
  assert_int_equal(least(ways_of_phrases({"a.b", "select"}), kLower | of_mark('.')), 3);
}

// However many there are in a regex.
void bounds_ways(void**) {
  std::string expression = "a";
  for (const char c : std::string_view("<>=!~@#%&;:,'/"))
    expression += std::string("|") + c + "{2}" + c;
  expression = "(?:" + expression + ")(?:" + expression + ")";
  const Ways ways = ways_of_regex(expression);
  assert_true(ways.size() < 20);
  assert_int_equal(least(ways), 2);
  assert_true(least(ways, of_mark('<')) <= 6);
}

void knows_what_may_be_absent(void**) {
  for (const char* expression : {"<*", "<?", "<{0,2}", "(?:<|)", "(?=<)", "(?!<)", "(?<=<)", "^$",
                                 ".*", "(?:<a)?", "\\b", "", "(<)?\\1", "(?:x|(?:<)?)", "<*+"}) {
    for (const Traits one : needs_of_regex(expression)) assert_true((one & of_mark('<')) == 0);
  }
}

// What is not understood needs nothing.
void says_nothing_of_the_unknown(void**) {
  for (const char* expression :
       {"(?x)a <", "\\Q<\\E", "(*UTF)<", "(?R)<", "[[:alpha:]<]", "a{,3}<", "\\p{L}<", "(?(1)a|<)",
        "<\\", "[<", "(<", "<)", "a{2}{3}<", "a{2}*<", "a{ 2}<"}) {
    assert_true(needs_of_regex(expression).empty());
  }
}

// Against PCRE2, over values of a few bytes that the expressions are about.
void agrees_with_the_search(void**) {
  constexpr std::string_view kBytesOfValues = "aB0_ <>(='\"\n.\\;%\x80{";
  const std::vector<std::string> expressions = {
      "(?i)b\\s*\\(",   "[^\\w]+=",        "(?:a|<)\\D",    "\\W|0",
      "a(?:b|=)?<",     "['\"]{1,2}\\s?;", "\\v",           "[\\s<-]a",
      "[]<]",           "\\.{2}",          "(?>a|b)(?i:B)", "\\S[%\\\\]",
      "[\\x80-\\xff]",  "[^\\w\\s]B",      "\\s+{",         "a\\(|=B|[\\W<]0",
      "a{2}|(?:B0){2}", "[^\\Wa]\\b",      "(?:a|B)+ |;",   "(?:<|aB)=|\\d {2}"};
  Regex::Workspace workspace;
  for (const std::string& expression : expressions) {
    const Regex regex(expression);
    const Needs needs = needs_of_regex(expression);
    const Ways ways = ways_of_regex(expression);
    std::uint32_t state = 7;
    int found = 0;
    for (int i = 0; i < 20'000; ++i) {
      std::string value;
      for (std::uint32_t left = (state >> 16) % 5 + 1; left > 0; --left) {
        state = state * 1664525 + 1013904223;
        value += kBytesOfValues[(state >> 16) % kBytesOfValues.size()];
      }
      if (regex.search(value, workspace) != Regex::Result::yes) continue;
      ++found;
      for (const Traits need : needs) assert_true((byte_traits(value) & need) != 0);
      assert_true(value.size() >= least(ways, byte_traits(value)));
    }
    assert_true(found > 0);
  }
}

void joins_phrases(void**) {
  const Needs needs = needs_of(ways_of_phrases({"select", "a<b", "x.y"}));
  assert_int_equal(needs.size(), 1);
  assert_true(needs[0] == kLetter);
  assert_true(needs_of(ways_of_phrases({"a<b", "1.2"}))[0] == of_marks("<."));
}

// What is not asked, libinjection would say no to.
void spares_libinjection(void**) {
  Libinjection library;
  assert_true(library.load());
  const std::vector<std::string> pieces = {
      "1",     "0x1",     "2.5",  ".", "-",    "+",    " ", "union", "select", "and", "or", "sleep",
      "a1",    "_",       "e5",   "0", "9",    "--",   " ", "foo",   "lamp",   ",",   ":",  "/",
      "json.", "version", "like", "X", "user", "null", "@", "(",     ")",      "=",   "&",  "in"};
  std::uint32_t state = 3;
  int spared = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string value;
    for (std::uint32_t left = (state >> 16) % 6 + 1; left > 0; --left) {
      state = state * 1664525 + 1013904223;
      value += pieces[(state >> 16) % pieces.size()];
    }
    if (library.may_be_sqli(value, byte_traits(value))) continue;
    ++spared;
    Libinjection::Fingerprint fingerprint{};
    if (library.is_sqli(value, fingerprint)) print_error("%s\n", value.c_str());
    assert_false(library.is_sqli(value, fingerprint));
  }
  assert_true(spared > 1000);
}

// Nor is it asked of what people write.
void spares_ordinary_texts(void**) {
  Libinjection library;
  assert_true(library.load());
  const auto asks = [&](std::string_view text) {
    return library.may_be_sqli(text, byte_traits(text));
  };
  for (const std::string_view text :
       {"item number 12", "desk lamp", "12 High Street, Oxford", "jane.doe@example.com",
        "2026-11-29 08:30:00", "550e8400-e29b-41d4-a716-446655440000", "a/b+c==", "salt and pepper",
        "https://shop.example.com/catalogue/lamps?sort=price&page=2", "Grüße aus Köln",
        "desk lamp, not more than 2 or 3",
        "as ordered before, delivered to the back door if nobody opens",
        "Liebe Nachbarn, and 1 more; order by 5"}) {
    if (asks(text)) print_error("%s\n", std::string(text).c_str());
    assert_false(asks(text));
  }
  for (const std::string_view text :
       {"1 union select", "a' or 'b", "1--", "1 && 1", "1e5union select 1", "x/*y*/",
        "1;drop table a", "1 order by 2", "_binary a having b limit c", "a) or (b", "@a=1"}) {
    assert_true(asks(text));
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(knows_bytes),
      cmocka_unit_test(knows_how_bytes_stand),
      cmocka_unit_test(counts_bytes),
      cmocka_unit_test(tells_ways_apart),
      cmocka_unit_test(bounds_ways),
      cmocka_unit_test(knows_what_may_be_absent),
      cmocka_unit_test(says_nothing_of_the_unknown),
      cmocka_unit_test(agrees_with_the_search),
      cmocka_unit_test(joins_phrases),
      cmocka_unit_test(spares_libinjection),
      cmocka_unit_test(spares_ordinary_texts),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
