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
    const RegexCache::Found first = cache.find("^a+$");
    assert_non_null(first.regex);
    // Kept from another request, it is this one's first all the same.
    assert_true(first.is_new);
    assert_true(first.regex->search("aa", workspace) == Regex::Result::yes);
    const RegexCache::Found second = cache.find("^a+$");
    assert_ptr_equal(second.regex, first.regex);
    assert_false(second.is_new);
    assert_true(cache.find("^b+$").regex->search("aa", workspace) == Regex::Result::no);
  }
  assert_int_equal(cache.compiled(), 2);
}

void knows_what_is_no_pattern(void**) {
  RegexCache cache;
  for (int times = 0; times < 3; ++times) assert_null(cache.find("(").regex);
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

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(compiles_once),
      cmocka_unit_test(knows_what_is_no_pattern),
      cmocka_unit_test(keeps_those_used_last),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
