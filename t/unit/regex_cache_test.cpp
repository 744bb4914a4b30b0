// Regexes that requests make: kept, and how many of them.
#include "inspect/regex_cache.h"

#include <string>

#include "unit.h"

namespace {

using namespace guard::inspect;

void compiles_once(void**) {
  RegexCache cache;
  Regex::Workspace workspace;
  for (int requests = 0; requests < 3; ++requests) {
    cache.next_request();
    // Kept from another request, it is this one's first all the same.
    assert_true(cache.is_new("^a+$"));
    const Regex* first = cache.find("^a+$");
    assert_non_null(first);
    assert_true(first->search("aa", workspace) == Regex::Result::yes);
    assert_false(cache.is_new("^a+$"));
    assert_ptr_equal(cache.find("^a+$"), first);
    assert_true(cache.find("^b+$")->search("aa", workspace) == Regex::Result::no);
  }
  assert_int_equal(cache.compiled(), 2);
}

void knows_what_is_no_pattern(void**) {
  RegexCache cache;
  for (int times = 0; times < 3; ++times) assert_null(cache.find("("));
  assert_int_equal(cache.compiled(), 1);
}

void keeps_those_used_last(void**) {
  RegexCache cache;
  cache.find("kept");
  for (int i = 0; i < 100; ++i) {
    cache.find(std::to_string(i));
    cache.find("kept");
  }
  assert_int_equal(cache.compiled(), 101);
  // The first of them has had to go, the last has not.
  cache.find("99");
  assert_int_equal(cache.compiled(), 101);
  cache.find("0");
  assert_int_equal(cache.compiled(), 102);
}

void keeps_no_long_ones(void**) {
  RegexCache cache;
  Regex::Workspace workspace;
  const std::string longest(RegexCache::kLongest, 'a');
  const std::string longer = longest + 'a';
  for (std::size_t requests = 1; requests <= 3; ++requests) {
    cache.next_request();
    assert_true(cache.is_new(longer));
    for (int times = 0; times < 2; ++times) {
      cache.find(longest);
      assert_true(cache.find(longer)->search(longer, workspace) == Regex::Result::yes);
      assert_false(cache.is_new(longer));
    }
    assert_int_equal(cache.compiled(), 1 + requests);
  }
  // One at a time, and for it none of the others goes.
  for (std::size_t i = 1; i < RegexCache::kMost; ++i) cache.find(std::to_string(i));
  for (int i = 0; i < 3; ++i) {
    cache.find(longer + std::to_string(i));
    assert_true(cache.is_new(longer));
  }
  const std::size_t before = cache.compiled();
  cache.find(longest);
  cache.find("1");
  assert_int_equal(cache.compiled(), before);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(compiles_once),
      cmocka_unit_test(knows_what_is_no_pattern),
      cmocka_unit_test(keeps_those_used_last),
      cmocka_unit_test(keeps_no_long_ones),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
