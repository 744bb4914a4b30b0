#include "redis/output.h"

#include <random>

#include "unit.h"

using guard::redis::Output;
using guard::unit::expect_text;

namespace {

void commands(void**) {
  Output output;
  assert_int_equal(output.memory(), 0);
  output.begin(4);
  output.bulk("SET");
  output.bulk("guard:", "probe");
  output.bulk("");
  output.bulk(18446744073709551615U);
  expect_text(output.pending(),
              "*4\r\n$3\r\nSET\r\n$11\r\nguard:probe\r\n$0\r\n\r\n$20\r\n18446744073709551615\r\n");
  output.sent(4);
  expect_text(output.pending().substr(0, 9), "$3\r\nSET\r\n");
  output.sent(output.pending().size());
  expect_text(output.pending(), "");
  output.begin(18446744073709551615U);
  expect_text(output.pending(), "*18446744073709551615\r\n");
  output.clear();
  expect_text(output.pending(), "");
  assert_false(output.failed());
}

// As a queue of bytes it is a queue of bytes, however large the pieces.
void queue(void**) {
  Output output;
  std::string expected;
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    if (random() % 2 == 0) {
      const std::string piece(random() % (i % 100 == 0 ? 50'000 : 300),
                              static_cast<char>('a' + random() % 26));
      output.put(piece);
      expected += piece;
    } else {
      const std::size_t some = expected.empty() ? 0 : random() % (expected.size() + 1);
      output.sent(some);
      expected.erase(0, some);
    }
    assert_true(output.pending() == expected);
  }
  output.sent(~std::size_t{0});
  assert_true(output.pending().empty());
}

void memory_of_a_peak_is_given_back(void**) {
  Output output;
  output.put(std::string(1 << 20, 'x'));
  assert_true(output.memory() >= 1 << 20);
  output.sent(1 << 20);
  assert_true(output.memory() <= 2 * Output::kKeep);
  output.put("a");
  expect_text(output.pending(), "a");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(commands), cmocka_unit_test(queue),
                              cmocka_unit_test(memory_of_a_peak_is_given_back)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
