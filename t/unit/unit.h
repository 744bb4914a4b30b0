// What every unit test includes: cmocka for C++, and how to look at a ConfigError.
#pragma once

extern "C" {
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
}
#undef fail  // core::fail and std::ios::fail
#undef skip  // simdjson's own

#include <cstdlib>
#include <string>
#include <string_view>

#include "core/words.h"

namespace guard::unit {

// The text of the ConfigError that body throws, or "no error".
template <class Body>
std::string error_of(Body&& body) {
  try {
    body();
  } catch (const core::ConfigError& error) {
    return error.what();
  }
  return "no error";
}

// cmocka compares C strings; these say what differed.
inline void expect_text(std::string_view actual, std::string_view expected) {
  assert_string_equal(std::string(actual).c_str(), std::string(expected).c_str());
  assert_int_equal(actual.size(), expected.size());
}

template <class Body>
void expect_error(Body&& body, std::string_view expected) {
  expect_text(error_of(body), expected);
}

// Under valgrind one thread runs at a time, whoever else waits, so that what is bounded in time
// ends early: a test of threads that must all get what they wait for is skipped there.
inline void skip_under_valgrind() {
  if (std::getenv("TEST_NGINX_USE_VALGRIND") == nullptr) return;
  print_message("skipped under valgrind: threads do not wait as they do elsewhere\n");
  _skip(__FILE__, __LINE__);
}

}  // namespace guard::unit
