#include "json/decimal.h"

#include <random>
#include <string>
#include <vector>

#include "unit.h"

using guard::json::compare;
using guard::json::Decimal;
using guard::json::Divisor;
using guard::unit::expect_error;

namespace {

int sign(int n) {
  return n < 0 ? -1 : n > 0;
}

void equal(std::string_view a, std::string_view b) {
  assert_int_equal(compare(Decimal(a), Decimal(b)), 0);
  assert_int_equal(compare(Decimal(b), Decimal(a)), 0);
  assert_true(Decimal(a).hash() == Decimal(b).hash());
}

void ways_to_write_one_number(void**) {
  for (std::string_view zero : {"0", "-0", "0.0", "0e5", "-0.00E-3", "0e-1000000000"}) {
    equal(zero, "0");
    assert_true(Decimal(zero).is_zero() && Decimal(zero).is_integer() &&
                !Decimal(zero).is_negative());
  }
  for (std::string_view ten : {"10", "10.0", "1e1", "1E+01", "0.1e2", "100e-1", "0.0001e5"})
    equal(ten, "10");
  for (std::string_view small : {"0.05", "5e-2", "0.050", "0.5E-1", "50e-3"}) equal(small, "0.05");
  equal("12345678901234567890123456789", "1234567890123456789.0123456789e10");
  equal("1e1000000000", "10e999999999");
}

// In this order.
void order(void**) {
  const std::vector<std::string_view> sorted = {"-1e1000000000",
                                                "-12345678901234567891",
                                                "-12345678901234567890",
                                                "-10.01",
                                                "-10",
                                                "-9",
                                                "-0.5",
                                                "-1e-1000000000",
                                                "0",
                                                "1e-1000000000",
                                                "4e-2",
                                                "0.05",
                                                "0.051",
                                                "0.5",
                                                "1",
                                                "1.0000000000000000000000001",
                                                "9",
                                                "10",
                                                "10.5",
                                                "99",
                                                "100",
                                                "9007199254740992",
                                                "9007199254740993",
                                                "9007199254740993.1",
                                                "1e308",
                                                "1e309",
                                                "1e1000000000"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      const int expected = i < j ? -1 : i > j;
      assert_int_equal(sign(compare(Decimal(sorted[i]), Decimal(sorted[j]))), expected);
      assert_int_equal(Decimal(sorted[i]).hash() == Decimal(sorted[j]).hash(), expected == 0);
    }
  }
}

void integers(void**) {
  for (std::string_view yes : {"0", "1", "1.0", "1.50e1", "1e300", "-12.00"})
    assert_true(Decimal(yes).is_integer());
  for (std::string_view no : {"0.5", "1.01", "15e-1", "1e-300", "-12.03"})
    assert_false(Decimal(no).is_integer());
}

void multiples(void**) {
  struct Case {
    std::string_view number;
    std::string_view divisor;
    bool divides;
  };
  const Case cases[] = {
      {"0", "3", true},
      {"10", "2", true},
      {"7", "2", false},
      {"4.5", "1.5", true},
      {"35", "1.5", false},
      {"0.0075", "0.0001", true},
      {"0.00751", "0.0001", false},
      {"-9", "3", true},
      {"1", "0.1", true},
      {"0.3", "0.1", true},
      {"19.99", "0.01", true},
      {"1e308", "0.123456789", false},
      {"12391239123", "1e-8", true},
      {"1e1000000000", "7", false},
      {"1e1000000000", "64", true},
      {"3", "1e1", false},
      {"30", "1e1", true},
      {"1e-1000000000", "1", false},
      {"98249283749234923498293171823948729348710298301928330", "3", true},
      {"98249283749234923498293171823948729348710298301928331", "3", false},
      {"999999999999999999", "999999999999999999", true},
      {"1", "999999999999999999", false},
  };
  for (const Case& one : cases) {
    assert_int_equal(Divisor(one.divisor).divides(Decimal(one.number)), one.divides);
  }
  for (std::string_view bad : {"0", "-1", "0.0"}) {
    expect_error([&] { Divisor{bad}; }, "a \"multipleOf\" that is not greater than 0");
  }
  expect_error([] { Divisor{"1.000000000000000001"}; }, "a \"multipleOf\" of more than 18 digits");
}

// Against integers of a common scale.
void agrees_with_integers(void**) {
  std::mt19937_64 random(7);
  const auto spell = [&](std::int64_t thousandths) {
    const std::string digits = std::to_string(thousandths < 0 ? -thousandths : thousandths);
    const std::string minus = thousandths < 0 ? "-" : "";
    if (random() % 2 == 0) return minus + digits + "e-3";
    const std::string padded = std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
    return minus + padded.substr(0, padded.size() - 3) + "." + padded.substr(padded.size() - 3);
  };
  for (int i = 0; i < 20'000; ++i) {
    const int bits = static_cast<int>(random() % 40) + 2;
    const auto draw = [&] {
      return static_cast<std::int64_t>(random() % (1ULL << bits)) - (1LL << (bits - 1));
    };
    const std::int64_t a = draw();
    const std::int64_t b = draw();
    const std::string first = spell(a);
    const std::string second = spell(b);
    assert_int_equal(sign(compare(Decimal(first), Decimal(second))), a < b ? -1 : a > b);
    assert_int_equal(Decimal(first).is_integer(), a % 1000 == 0);
    if (b > 0) assert_int_equal(Divisor(second).divides(Decimal(first)), a % b == 0);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(ways_to_write_one_number),
      cmocka_unit_test(order),
      cmocka_unit_test(integers),
      cmocka_unit_test(multiples),
      cmocka_unit_test(agrees_with_integers),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
