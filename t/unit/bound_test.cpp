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

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_decimal),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
