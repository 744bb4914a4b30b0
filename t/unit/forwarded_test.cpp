#include "core/forwarded.h"

#include "unit.h"

using guard::core::forwarded_proto;
using guard::unit::expect_text;

namespace {

static_assert(forwarded_proto("http, https") == "https");

void single(void**) {
  expect_text(forwarded_proto("http"), "http");
  expect_text(forwarded_proto("https"), "https");
  expect_text(forwarded_proto("HTTPS"), "https");
  expect_text(forwarded_proto(" \thttps\t "), "https");
}

void several(void**) {
  expect_text(forwarded_proto("https,http"), "http");
  expect_text(forwarded_proto("http , https"), "https");
  expect_text(forwarded_proto("https, wss"), "");
  expect_text(forwarded_proto("https,"), "");
  expect_text(forwarded_proto(","), "");
}

void others(void**) {
  for (std::string_view value :
       {"", " ", "ws", "httpss", "http s", "\"https\"", "on", "https;", "https://", "hTTp\x01"}) {
    expect_text(forwarded_proto(value), "");
  }
  expect_text(forwarded_proto(std::string_view("https\0", 6)), "");
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
