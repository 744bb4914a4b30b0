#include "json/bound.h"

#include <string>
#include <vector>

#include "unit.h"

using guard::json::Bound;
using guard::json::Decimal;
using guard::unit::expect_text;

namespace {

int sign(int n) {
  return n < 0 ? -1 : n > 0;
}

// Whatever shortcut Bound takes, it comes where Decimal does.
void agrees_with_decimal(void**) {
  std::vector<std::string> numbers;
  for (const char* minus : {"", "-"}) {
    for (const char* whole :
         {"0", "1", "7", "10", "99", "100", "999999999999999999", "1000000000000000000",
          "9223372036854775807", "9223372036854775808", "9223372036854775809",
          "18446744073709551616", "123456789012345678901234567890"}) {
      for (const char* fraction : {"", ".0", ".5", ".000", ".0000000000000000000001", ".99"}) {
        for (const char* exponent : {"", "e0", "E+2", "e-2", "e-18", "e400", "e-1000000000"}) {
          numbers.push_back(std::string(minus) + whole + fraction + exponent);
        }
      }
    }
  }
  for (const std::string& limit : numbers) {
    const Bound bound(limit);
    for (const std::string& number : numbers) {
      const int expected = sign(compare(Decimal(number), Decimal(limit)));
      if (sign(bound.compare(std::string_view(number))) != expected) {
        expect_text(number, limit);
      }
    }
  }
}

// To those who make doubles of both, though the number is another one.
void knows_what_rounds_to_it(void**) {
  struct Case {
    const char* number;
    const char* limit;
    bool rounds;
  };
  constexpr Case kCases[] = {
      {"1e-400", "0", true},
      {"-1e-400", "0", true},
      {"1e-324", "0", true},
      {"5e-324", "0", false},
      {"0.99999999999999999999", "1", true},
      {"1.00000000000000000001", "1", true},
      {"99.9999999999999999999e-2", "1", true},
      {"0.9999999999999999", "1", false},
      {"0.1", "0", false},
      {"-0.1", "0.1", false},
      {"1e400", "1e399", true},
      {"-1e400", "1e399", false},
      {"1e400", "1e300", false},
      {"9007199254740993", "9007199254740992", false},
      {"90071992547409930000000000000000001", "90071992547409930000000000000000000", false},
      {"9007199254740993.0", "9007199254740992", true},
  };
  for (const Case& one : kCases) {
    const Bound bound(one.limit);
    const std::string pair = std::string(one.number) + " " + one.limit + " ";
    expect_text(pair + (bound.rounds_to(std::string_view(one.number)) ? "yes" : "no"),
                pair + (one.rounds ? "yes" : "no"));
  }
  const std::string small = "0." + std::string(330, '0') + "1";
  assert_true(Bound("0").rounds_to(std::string_view(small)));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_decimal),
      cmocka_unit_test(knows_what_rounds_to_it),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
