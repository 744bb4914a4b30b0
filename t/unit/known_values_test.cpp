// What a worker remembers of texts that come again.
#include "inspect/known_values.h"

#include <string>

#include "unit.h"

namespace {

using namespace guard::inspect;

void learns_what_comes_twice(void**) {
  KnownValues known;
  assert_null(known.find(1, 0, "text"));
  known.next_request();
  const KnownValue* value = known.find(1, 0, "text");
  assert_non_null(value);
  assert_true(value->traits == byte_traits("text"));
  assert_ptr_equal(known.find(1, 0, "text"), value);
  // Neither of another program, nor of another kind.
  assert_null(known.find(2, 0, "text"));
  assert_null(known.find(1, 1, "text"));
  const std::string longest(KnownValues::kLongest, 'a');
  for (int times = 0; times < 3; ++times) {
    assert_null(known.find(1, 0, ""));
    assert_null(known.find(1, 0, longest + 'a'));
    const bool is_known = known.find(1, 0, longest) != nullptr;
    assert_true(is_known == (times > 0));
  }
}

// Texts that all come with every request must not keep each other from being learnt.
void learns_all_that_come_together(void**) {
  constexpr int kTexts = 200;
  int missing = 0;
  for (int seeds = 0; seeds < 50; ++seeds) {
    KnownValues known;
    for (int requests = 0; requests < 5; ++requests) {
      known.next_request();
      for (int i = 0; i < kTexts; ++i) {
        const bool found = known.find(1, 0, "items.array_" + std::to_string(i)) != nullptr;
        if (requests == 4 && !found) ++missing;
      }
    }
  }
  // Three in one place are rare.
  assert_true(missing < 60);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(learns_what_comes_twice),
      cmocka_unit_test(learns_all_that_come_together),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
