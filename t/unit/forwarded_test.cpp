#include "core/forwarded.h"

#include "unit.h"

using guard::core::parse_forwarded_proto;
using guard::unit::expect_text;

namespace {

void expect(std::string_view value, std::string_view expected) {
  expect_text(parse_forwarded_proto(value).value_or(""), expected);
}

static_assert(parse_forwarded_proto("http, https") == "https");

void single(void**) {
  expect("http", "http");
  expect("https", "https");
  expect("HTTPS", "https");
  expect(" \thttps\t ", "https");
}

void several(void**) {
  expect("https,http", "http");
  expect("http , https", "https");
  expect("https, wss", "");
  expect("https,", "");
  expect(",", "");
}

void others(void**) {
  for (std::string_view value :
       {"", " ", "ws", "httpss", "http s", "\"https\"", "on", "https;", "https://", "hTTp\x01"}) {
    expect(value, "");
  }
  expect(std::string_view("https\0", 6), "");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(single),
      cmocka_unit_test(several),
      cmocka_unit_test(others),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
