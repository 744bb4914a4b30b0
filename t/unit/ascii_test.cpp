// Comparing without case: a word at a time, but as letter by letter.

#include "core/ascii.h"

#include <string>

#include "unit.h"

using guard::core::contains_without_case;
using guard::core::equal_without_case;
using guard::core::to_lower;

namespace {

void test_names(void**) {
  assert_true(equal_without_case("", ""));
  assert_true(equal_without_case("X-Forwarded-Proto", "x-forwarded-proto"));
  assert_true(equal_without_case("ACCEPT", "accept"));
  assert_false(equal_without_case("X-Forwarded-Proto", "x-forwarded-prot"));
  assert_false(equal_without_case("X-Forwarded-Proto", "x-forwarded-prota"));
  assert_false(equal_without_case("accept", "except"));
  static_assert(equal_without_case("Content-Type", "content-type"));
}

void test_parts(void**) {
  assert_true(contains_without_case("multipart/Form-Data; x", "form-data"));
  assert_true(contains_without_case("x", ""));
  assert_true(contains_without_case("x/JSON", "/json"));
  assert_false(contains_without_case("x/JSO", "/json"));
  assert_false(contains_without_case("", "x"));
}

// Every pair of bytes, at the first place, at the last one, and where two words overlap.
void test_every_pair_of_bytes(void**) {
  for (std::size_t size : {1U, 7U, 8U, 9U, 17U}) {
    for (std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
      std::string a(size, 'x');
      std::string b(size, 'X');
      for (int x = 0; x < 256; ++x) {
        for (int y = 0; y < 256; ++y) {
          a[at] = static_cast<char>(x);
          b[at] = static_cast<char>(y);
          assert_int_equal(equal_without_case(a, b), to_lower(a[at]) == to_lower(b[at]));
        }
      }
    }
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_every_pair_of_bytes),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
