#include "json/pattern.h"

#include <string>
#include <utility>

#include "json/pattern_property.h"
#include "json/pattern_syntax.h"
#include "unit.h"

using guard::json::Pattern;
using guard::json::property_of;
using guard::json::translate_pattern;
using guard::unit::error_of;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

struct Case {
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

Pattern::Match search(const Pattern& pattern, std::string_view text) {
  std::int64_t work = Pattern::work_for(text.size());
  return pattern.search(text, work);
}

std::string result_of(const Case& one) {
  constexpr std::string_view kNames[] = {"no", "yes", "limit"};
  const Pattern::Match match = search(Pattern(one.pattern), one.text);
  return std::string(one.pattern) + ": " + std::string(kNames[static_cast<std::size_t>(match)]);
}

// By the text of ECMA-262; what differs from Perl's language comes first.
void ecma(void**) {
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"^abc$", "abc", true},
      {"^abc$", "abc\n", false},
      {"a|b", "xb", true},
      {R"(^\-\_\:\@\"\#\~\<\=\&\,\;\'\%\!\`$)", "-_:@\"#~<=&,;'%!`", true},
      {R"(^[a\-z\_\#]+$)", "a-z_#", true},
      {R"(^[a\-z]$)", "b", false},
      {"", "", true},
      {R"(^\d+$)", "12", true},
      {R"(^\d$)", "\xdf\x80", false},  // NKO DIGIT ZERO
      {R"(^\D$)", "\xdf\x80", true},
      {R"(^\w$)", "\xc3\xa9", false},
      {R"(^\W$)", "\xc3\xa9", true},
      {R"(^[\W]$)", "\xc3\xa9", true},
      {R"(^\s$)", " ", true},
      {R"(^\s$)", "\v", true},
      {R"(^\s$)", "\xc2\xa0", true},      // NO-BREAK SPACE
      {R"(^\s$)", "\xef\xbb\xbf", true},  // ZERO WIDTH NO-BREAK SPACE
      {R"(^\s$)", "\xe2\x80\xa9", true},  // PARAGRAPH SEPARATOR
      {R"(^\s$)", "\xe2\x80\x83", true},  // EM SPACE
      {R"(^\s$)", "\x01", false},
      {R"(^\S$)", "\xc2\xa0", false},
      {R"(^[^\S]$)", "\xc2\xa0", true},
      {R"(^[\s\S]$)", "\xf0\x9f\x98\x80", true},
      {"^.$", "\xf0\x9f\x98\x80", true},
      {"^.$", "\n", false},
      {"^.$", "\xe2\x80\xa8", false},
      {"^.$", "\x0b", true},
      {R"(^\cC$)", "\x03", true},
      {R"(^\u00e9\u{1F600}$)", "\xc3\xa9\xf0\x9f\x98\x80", true},
      {R"(^\uD83D\uDE00$)", "\xf0\x9f\x98\x80", true},
      {R"(\uD83D)", "\xf0\x9f\x98\x80", false},
      {R"(^[^\uD800-\uDFFF]$)", "a", true},
      {R"(^[\uD000-\uDFFF]$)", "\xed\x80\x80", true},
      {R"(^[\0-\x1f\u0080-\uffff]$)", "\0"sv, true},
      {R"(^\0$)", "\0"sv, true},
      {R"(^[\b]$)", "\b", true},
      {R"(\bfoo\b)", "a foo.", true},
      {R"(\Bfoo)", "foo", false},
      {"[]", "a", false},
      {"^[]{0,2}a$", "a", true},
      {R"(^a\uD83D*[\uD800-\uDFFF]?$)", "a", true},
      {"^[^]$", "\n", true},
      {"^[[:alpha:]$", "[", true},
      {"^[a-]$", "-", true},
      {R"(^[\w-]$)", "-", true},
      // Annex B.
      {R"(^[\w-\.]+@([\w-]+\.)+[\w-]{2,4}$)", "ann-b.c@example.org", true},
      {R"(^[\w-.]$)", "/", false},
      {R"(^[+-\d]+$)", "+-5", true},
      {R"(^[+-\d]$)", ",", false},
      {"^{[a-z]+}]$", "{ab}]", true},
      {"^a|{b}$", "{b}", true},
      {"^[(?]$", "?", true},
      {R"(^(a)\1$)", "aa", true},
      {R"(^\1(a)$)", "a", true},
      {R"(^(?:(a)|b)\1c$)", "bc", true},
      {R"(^(?<x$1>a)\k<x$1>$)", "aa", true},
      {R"(^(?<a>.)(.)\2\1$)", "abba", true},
      {"^(?=a)(?!b)a(?<=a)(?<!b)$", "a", true},
      {"^a{2,}?$", "aaa", true},
      {"^a{0,65535}$", "aaa", true},
      {R"(^\p{Letter}+$)",
       "\xc3\x89"
       "cole",
       true},
      {R"(^\p{Lu}\P{Lu}\p{gc=Ll}$)", "Abc", true},
      {R"(^\p{digit}+$)", "42", true},
      {R"(^\p{digit}+$)", "-%#", false},
      {R"(^\p{Script=Greek}\p{sc=Greek}\p{scx=Greek}$)", "\xce\xb1\xce\xb1\xce\xb1", true},
      {R"(^[\p{Alphabetic}_]$)", "\xce\xb1", true},
      {R"(^[\P{L}]$)", "a", false},
      {"^#\xc3\xa9 \"'&,;<=>@_`~!%:-$", "#\xc3\xa9 \"'&,;<=>@_`~!%:-", true},
      {R"(^\^\$\\\.\*\+\?\(\)\[\]\{\}\|\/$)", R"(^$\.*+?()[]{}|/)", true},
      {"(?:x)*", "", true},
      {"a\\$b", "a$b", true},
  };
  for (const Case& one : cases) {
    expect_text(result_of(one), std::string(one.pattern) + (one.matches ? ": yes" : ": no"));
  }
}

void errors(void**) {
  struct Bad {
    std::string_view pattern;
    std::string_view error;
  };
  const Bad cases[] = {
      {"*", "nothing to repeat at byte 0 of the pattern"},
      {"a++", "nothing to repeat at byte 2 of the pattern"},
      {"^*", "nothing to repeat at byte 1 of the pattern"},
      {"(?=a)*", "nothing to repeat at byte 5 of the pattern"},
      {"\\b+", "nothing to repeat at byte 2 of the pattern"},
      {"(*UTF)", "nothing to repeat at byte 1 of the pattern"},
      {"a)", "a \")\" without its \"(\" at byte 1 of the pattern"},
      {"(a", "a group that is not closed at byte 2 of the pattern"},
      {"(?i)a", "an unknown kind of group at byte 0 of the pattern"},
      {"(?>a)", "an unknown kind of group at byte 0 of the pattern"},
      {"(?#a)", "an unknown kind of group at byte 0 of the pattern"},
      {"(?<1>a)", "an invalid name of a group at byte 3 of the pattern"},
      {"(?<a", "a group's name without its \">\" at byte 3 of the pattern"},
      {"(?<a>x)(?<a>y)", "a group's name that is there already at byte 0 of the pattern"},
      {"[a", "a class that is not closed at byte 0 of the pattern"},
      {"[b-a]", "a range that is out of order at byte 1 of the pattern"},
      {"a{", "an incomplete quantifier at byte 1 of the pattern"},
      {"a{,2}", "an incomplete quantifier at byte 1 of the pattern"},
      {"a{2,1}", "a quantifier whose numbers are out of order at byte 1 of the pattern"},
      {"a{65536}", "a quantifier of more than 65535 at byte 1 of the pattern"},
      {"{2}", "nothing to repeat at byte 0 of the pattern"},
      {"^{2}", "nothing to repeat at byte 1 of the pattern"},
      {"\\a", "an escape that ECMA-262 does not have at byte 0 of the pattern"},
      {"^\\Z", "an escape that ECMA-262 does not have at byte 1 of the pattern"},
      {"\\ ", "an escape that ECMA-262 does not have at byte 0 of the pattern"},
      {"\\\xc3\xa9", "an escape that ECMA-262 does not have at byte 0 of the pattern"},
      {"\\c1", "an escape that ECMA-262 does not have at byte 0 of the pattern"},
      {"\\", "a backslash at the end at byte 0 of the pattern"},
      {"\\00", "an octal escape at byte 0 of the pattern"},
      {"\\x1", "an escape with too few hexadecimal digits at byte 0 of the pattern"},
      {"\\u{}", "an escape with too few hexadecimal digits at byte 0 of the pattern"},
      {"\\u{110000}", "an escape beyond \\u{10ffff} at byte 0 of the pattern"},
      {"(a)\\2", "a reference to a group that is not there at byte 3 of the pattern"},
      {"\\k<a>", "a reference to a group that is not there at byte 0 of the pattern"},
      {"\\ka", "a reference without the name of a group at byte 0 of the pattern"},
      {"\\p{Nix=a}", "an unknown Unicode property at byte 0 of the pattern"},
      {"\\pL", "an unknown Unicode property at byte 0 of the pattern"},
      {"\xff", "invalid UTF-8 at byte 0 of the pattern"},
  };
  for (const Bad& one : cases) expect_error([&] { Pattern{one.pattern}; }, one.error);
  expect_error([] { Pattern{"\\p{Nixda}"}; },
               "PCRE2 refuses the pattern: unknown property after \\P or \\p");
  expect_error([] { translate_pattern(std::string(4097, 'a')); },
               "a pattern of more than 4096 bytes");
  expect_error([] { translate_pattern(std::string(101, '(')); },
               "too many groups inside each other at byte 100 of the pattern");
}

void properties(void**) {
  expect_text(property_of("General_Category=Uppercase_Letter"), "Lu");
  expect_text(property_of("gc=Cased_Letter"), "L&");
  expect_text(property_of("Uppercase_Letter"), "Lu");
  expect_text(property_of("Alphabetic"), "Alphabetic");
  expect_text(property_of("Script_Extensions=Latin"), "scx:Latin");
  for (std::string_view bad : {"", "gc=", "gc=Greek", "=L", "Script=L=M", "L}", "^L", "L "}) {
    expect_text(property_of(bad), "");
  }
}

// A megabyte of what makes a backtracking matcher slow comes to its limit soon, and ordinary
// patterns never do.
void limits(void**) {
  std::string many(1 << 20, 'a');
  many += '!';
  for (std::string_view bomb : {"^(a+)+$", "^(a|a)*$", "^(?:a?){50}a{50}$", R"(^(\w+\s?)*$)"}) {
    const Pattern::Match match = search(Pattern(bomb), many);
    assert_true(match == Pattern::Match::limit || match == Pattern::Match::no);
  }
  assert_true(search(Pattern("^(a+)+$"), std::string(40, 'a') + '!') == Pattern::Match::limit);
  // Where everything is repeated a few times only.
  const std::string some = std::string(2'000, 'a') + "b!";
  for (std::string_view bomb :
       {"(a?){16}b", "((a?){4}){4}b", "(a|aa){10}b", R"((\w{1,10} ?){1,10}!)",
        "(?:a|aa)(?:a|aa)(?:a|aa)(?:a|aa)(?:a|aa)(?:a|aa)(?:a|aa)(?:a|aa)b"}) {
    assert_true(search(Pattern(bomb), some) == Pattern::Match::limit);
  }
  const std::string words(1 << 20, 'a');
  assert_true(search(Pattern("^[a-z0-9 ]+$"), words) == Pattern::Match::yes);
  assert_true(search(Pattern("b"), words) == Pattern::Match::no);
}

// All searches of one body share what they may cost, however many strings it has; and patterns as
// people write them take little of it, even where the text does not match.
void work(void**) {
  constexpr std::size_t kBytes = 1'000'000;
  for (std::string_view bomb :
       {"^(a+)+$", "(a|aa)+$", R"(^(\w+\s?)*$)", R"((?:[a-z]\w*)+\d)", "(.*a){8}b"}) {
    const Pattern pattern(bomb);
    for (const std::size_t size : {12, 24, 60, 1'000}) {
      const std::string text = std::string(size - 1, 'a') + '!';
      std::int64_t work = Pattern::work_for(kBytes);
      const std::int64_t most = work;
      for (std::size_t i = 0; i < kBytes / size && work >= 0; ++i) (void)pattern.search(text, work);
      assert_in_range(most - work, 0, most + 1'000'000);
    }
  }
  struct Honest {
    std::string_view pattern;
    std::string_view text;
  };
  const Honest cases[] = {
      {R"(^[^@\s]+@[^@\s]+\.[a-z]{2,}$)", "jane.doe@mail.example.com"},
      {R"(^[^@\s]+@[^@\s]+\.[a-z]{2,}$)", "jane.doe@mail.example.c0m and what else there is"},
      {R"(^(?:[a-z0-9-]+\.)*[a-z]+$)", "www.some.long-host.example.com"},
      {R"(^(?:\w+ ?)*$)", "the quick brown fox jumps over the lazy dog"},
      {R"((\w+)\s+\1)", "the quick brown fox jumps over the lazy dog"},
      {R"(^(?=.*\d)(?=.*[a-z])(?=.*[A-Z]).{8,}$)", "Correct horse battery staple 1"},
      {R"(<[^>]+>)", "some text < 3 > with <b>bold</b> words"},
      {R"(https?://\S+\.(?:png|jpg))", "see http://example.com/a/b/c.png or https://example.org/"},
      {R"(\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT) /)",
       "he did get GET and POST in"},
      {R"(^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$)", "192.168.100.254"},
      {R"(^\+?(\d{1,3})?[-. ]?\(?\d{3}\)?[-. ]?\d{3}[-. ]?\d{4}$)", "+49 (030) 123-4567"},
      {R"(\d{1,3}(?:,\d{3}){0,4}(?:\.\d{1,2})? ?(?:EUR|USD|CHF))",
       "it cost 1,234,567.89 and not 12"},
      {R"(^(?:[A-Z][a-z]{1,14} ?){1,5}$)", "Anna Maria Luisa Von Trapp"},
  };
  for (const Honest& one : cases) {
    for (const int copies : {1, 10, 100}) {
      std::string text;
      for (int i = 0; i < copies; ++i) text += one.text;
      const std::int64_t most = Pattern::work_for(text.size());
      std::int64_t work = most;
      assert_true(Pattern(one.pattern).search(text, work) != Pattern::Match::limit);
      assert_in_range(most - work, 0, most / 4 * 3);
    }
  }
}

// Nothing but where the callouts are differs.
void callouts(void**) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"^a{16}b?c", "^a{16}b?c"},
      {"a*b+?c{17}", "a*(?C8)b+?(?C8)c{17}(?C8)"},
      {"(a|b)*", "(?:(?C8)(a|b))*"},
      {"(?:a+){2,}x", "(?:(?C8)(?:a+(?C8))){2,}x"},
      {"(a+)?", "(a+(?C8))?"},
      {"(a|b){3}", "(a|b){3}"},
      {"a{1,9}b?", "a{1,9}(?C4)b?"},
      {"(a?){3}b|c", "(?C4)(a?){3}b|(?C4)c"},
      {"^(?:a|b){1,3}(c)$", "^(?:(?C10)(?:a|b)){1,3}(c)$"},
      {"(a|b)(c|d)(e|f)(g|h)i", "(a|b)(c|d)(e|f)(?C4)(g|h)i"},
      {"((a?){4}){4}", "((?:(?C10)(a?)){4}){4}"},
      {"(a+b?){9}", "(a+(?C8)b?){9}"},
      {"(a*b?){0,9}", "(a*(?C8)b?){0,9}"},
  };
  for (const auto& [pattern, expected] : cases) {
    expect_text(translate_pattern(pattern, true), expected);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(ecma),   cmocka_unit_test(errors), cmocka_unit_test(properties),
      cmocka_unit_test(limits), cmocka_unit_test(work),   cmocka_unit_test(callouts),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
