#include "core/normalize.h"

#include <array>
#include <random>
#include <string>
#include <vector>

#include "core/utf8.h"
#include "unit.h"

using guard::core::AccountName;
using guard::unit::expect_text;

namespace {

std::string normal(std::string_view text) {
  AccountName name(text);
  return std::string(name.text());
}

std::string utf8(char32_t c) {
  auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  auto more = [&](unsigned shift) { return byte(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), more(0)};
  if (c < 0x10000) return {byte(0xe0 | c >> 12), more(6), more(0)};
  return {byte(0xf0 | c >> 18), more(12), more(6), more(0)};
}

std::string repeat(std::string_view text, std::size_t count) {
  std::string all;
  while (count-- > 0) all += text;
  return all;
}

struct Case {
  std::string_view text;
  std::string_view normal;
};

void cases(void**) {
  for (const Case& c : std::vector<Case>{
           {"", ""},
           {"alice@example.com", "alice@example.com"},
           {"Alice@Example.com ", "alice@example.com"},
           {"\t ALICE@EXAMPLE.COM\r\n", "alice@example.com"},
           {"al ice", "al ice"},
           {"[\\]^_`{|}~@", "[\\]^_`{|}~@"},
           {" \t\n\v\f\r ", ""},
           {std::string_view("a\0B", 3), std::string_view("a\0b", 3)},
           // Full-width letters and sign.
           {"ＡＬＩＣＥ＠ｅｘａｍｐｌｅ．ｃｏｍ", "alice@example.com"},
           // White space: ideographic, no-break, em, next line, line separator, Ogham.
           {"\u3000\u00a0alice\u2003\u0085\u2028\u1680", "alice"},
           {"a\u00a0b", "a b"},
           // Not white space: zero-width space and byte order mark are ignorable, which is removed.
           {"\u200ba\u200bl\ufeffice\u200b", "alice"},
           {"al\u200dice", "alice"},
           {"al\u200cice", "alice"},
           {"al\u00adice", "alice"},
           {"al\ufe0fice", "alice"},
           {"\u202ealice\u202c", "alice"},
           {"al\u034fice", "alice"},
           {"al\U000e0041ice", "alice"},
           {"a\u3164b\u115fc\uffa0", "abc"},
           {"\u200d \u200d", ""},
           {" \u200d alice \u200d ", "alice"},
           // What the joiner kept apart composes.
           {"e\u200d\u0301", "\u00e9"},
           // Turkish: dotted capital, dotless small, and the pair of everybody else.
           {"\u0130", "i\u0307"},
           {"I\u0307", "i\u0307"},
           {"\u0131", "\u0131"},
           {"I", "i"},
           // Sharp s, small and capital.
           {"Stra\u00dfe", "strasse"},
           {"STRA\u1e9eE", "strasse"},
           {"STRASSE", "strasse"},
           // Ligatures.
           {"o\ufb03ce", "office"},
           {"\ufb05", "st"},
           {"\u0132", "ij"},
           {"\ufb13", "\u0574\u0576"},
           // Final sigma is a sigma.
           {"\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c3"},
           {"\u03bf\u03b4\u03cc\u03c2", "\u03bf\u03b4\u03cc\u03c3"},
           // Composed, decomposed, the sign that is the same letter, and marks in either order.
           {"\u00c5", "\u00e5"},
           {"A\u030a", "\u00e5"},
           {"\u212b", "\u00e5"},
           {"q\u0307\u0323", "q\u0323\u0307"},
           {"q\u0323\u0307", "q\u0323\u0307"},
           {"\u1e0b\u0323", "\u1e0d\u0307"},
           {"d\u0323\u0307", "\u1e0d\u0307"},
           // Iota subscript, below and beside its letter, before and after another mark.
           {"\u1fb3", "\u03b1\u03b9"},
           {"\u1fbc", "\u03b1\u03b9"},
           {"\u03b1\u0345\u0301", "\u03ac\u03b9"},
           {"\u03b1\u0301\u0345", "\u03ac\u03b9"},
           // Kelvin, superscript, circled, Roman numeral, fraction, half-width katakana with its
           // mark.
           {"\u212a", "k"},
           {"x\u00b2", "x2"},
           {"\u24b6", "a"},
           {"\u2167", "viii"},
           {"\u00bd", "1\u20442"},
           {"\uff76\uff9e", "\u30ac"},
           // Hangul of letters, and in one piece.
           {"\u1112\u1161\u11ab", "\ud55c"},
           // Cherokee folds to capitals.
           {"\uab70", "\u13a0"},
           // Beyond the basic plane: Deseret, mathematical bold.
           {"\U00010400", "\U00010428"},
           {"\U0001d400", "a"},
           // A space with a mark on it begins with white space.
           {"\u00b4a", "\u0301a"},
           // Only alike.
           {"\u0430lice", "\u0430lice"},
           {"g00gle", "g00gle"},
           // A number as JSON may write it is the number.
           {"42", "42"},
           {"42.0", "42"},
           {" 4.200E+1 ", "42"},
           {"420e-1", "42"},
           {"42.00000000000000000001", "42"},
           {"\uff14\uff12\uff0e\uff10", "42"},
           {"-42.0", "-42"},
           {"-0", "0"},
           {"-0.0e9", "0"},
           {"1.50", "1.5"},
           {"15e-1", "1.5"},
           {"1e20", "100000000000000000000"},
           {"1e400", "1e400"},
           {"9007199254740993", "9007199254740993"},
           {"042", "042"},
           {"042.0", "042.0"},
           {"42.", "42."},
           {"+42.0", "+42.0"},
           {"42.0a", "42.0a"},
           {"1.2.3.4", "1.2.3.4"},
           {"-", "-"},
       }) {
    expect_text(normal(c.text), c.normal);
    expect_text(normal(c.normal), c.normal);
  }
}

// Byte for byte, blanks and capitals included: neither refused nor another's.
void not_utf8(void**) {
  for (std::string_view text : std::vector<std::string_view>{
           "Alice\xff ", " \xc3", "\x80lice", "A\xc0\xae", "A\xed\xa0\x80", "A\xf4\x90\x80\x80",
           "A\xe2\x82", "\xc3\xa9\xe9", " A\xe3\x80", "\xe3\x80\x80 A\xfe\xe3\x80\x80", "\xff"}) {
    expect_text(normal(text), text);
  }
}

void bounds(void**) {
  constexpr std::size_t kMax = AccountName::kMaxSize;
  std::string longest(kMax, 'A');
  std::string lower(kMax, 'a');
  expect_text(normal(longest), lower);
  expect_text(normal(" " + longest + "\u3000"), lower);
  expect_text(normal(longest + "A"), longest + "A");
  expect_text(normal(" " + longest + "A "), " " + longest + "A ");
  // What is removed does not count, however much of it there is.
  std::string padding = repeat("\u200d \u3000", 10'000);
  expect_text(normal("Alice" + padding), "alice");
  expect_text(normal(padding + "Alice"), "alice");
  expect_text(normal("A" + repeat("\u200d", 30'000) + "lice"), "alice");
  // Between letters white space does.
  std::string blanks = "A" + std::string(kMax, ' ') + "B";
  expect_text(normal(blanks), blanks);
  // In letters of several bytes, whose last does not fit.
  expect_text(normal(repeat("\u00c4", kMax / 2)), repeat("\u00e4", kMax / 2));
  std::string over = "A" + repeat("\u00c4", kMax / 2);
  expect_text(normal(over), over);
  over = repeat("A", kMax - 1) + "\u00c4";
  expect_text(normal(over), over);
  expect_text(normal("1." + std::string(kMax, '0')), "1." + std::string(kMax, '0'));
  expect_text(normal("1." + std::string(900, '0')), "1");
  // Normalized, it is too long: eighteen letters of one, which are 33 bytes.
  expect_text(normal(repeat("\ufdfa", kMax / 33)).substr(0, 6), "\u0635\u0644\u0649");
  over = repeat("\ufdfa", kMax / 33 + 1);
  expect_text(normal(over), over);
}

// Of every code point: what is normal stays so, and so does what comes of it beside others.
void every_code_point(void**) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    std::string alone = normal(utf8(c));
    expect_text(normal(alone), alone);
    std::string between = normal("x" + utf8(c) + "\u0301");
    expect_text(normal(between), between);
  }
}

// Sequences of what makes trouble: marks of several classes, what folds to several, what composes.
void sequences(void**) {
  constexpr std::array<char32_t, 36> kLetters = {
      ' ',    'A',    'i',    'I',    0xa0,   0xa8,   0xad,   0xb5,   0xc5,
      0xdf,   0x130,  0x131,  0x149,  0x1f0,  0x300,  0x301,  0x307,  0x308,
      0x323,  0x345,  0x34f,  0x390,  0x3a3,  0x3c2,  0x1100, 0x1161, 0x11a8,
      0x1e9e, 0x1f88, 0x1fb7, 0x200d, 0x212a, 0x3000, 0xff9e, 0xfb03, 0x1d15e};
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same each time
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (std::size_t length = random() % 8; length-- > 0;) {
      text += utf8(kLetters[random() % kLetters.size()]);
    }
    std::string once = normal(text);
    expect_text(normal(once), once);
    expect_text(normal("\u2003" + text + "\ufeff\t"), once);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(cases),     cmocka_unit_test(not_utf8),
      cmocka_unit_test(bounds),    cmocka_unit_test(every_code_point),
      cmocka_unit_test(sequences),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
