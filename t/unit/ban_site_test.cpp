#include "lockout/ban_site.h"

#include "unit.h"

namespace {

using guard::lockout::comes_from_elsewhere;

void browsers_say_it(void**) {
  const std::string_view host = "shop.example";
  for (std::string_view site : {"cross-site", "same-site"}) {
    assert_true(comes_from_elsewhere({site, {}, {}, host}));
    assert_true(
        comes_from_elsewhere({site, "https://shop.example", "https://shop.example/", host}));
  }
  for (std::string_view site : {"same-origin", "none", "", "Cross-Site", "elsewhere"}) {
    assert_false(comes_from_elsewhere({site, {}, {}, host}));
    assert_false(comes_from_elsewhere({site, "https://evil.example", {}, host}));
  }
}

void others_name_the_page(void**) {
  const std::string_view host = "shop.example";
  assert_false(comes_from_elsewhere({{}, {}, {}, host}));
  assert_true(comes_from_elsewhere({{}, "https://evil.example", {}, host}));
  assert_true(comes_from_elsewhere({{}, "null", {}, host}));
  assert_true(comes_from_elsewhere({{}, "", {}, host}));
  assert_true(comes_from_elsewhere({{}, {}, "https://evil.example/shop.example", host}));
  assert_true(comes_from_elsewhere({{}, {}, "https://shop.example@evil.example/", host}));
  assert_true(comes_from_elsewhere({{}, {}, "https://shop.example.evil.example/", host}));
  assert_true(comes_from_elsewhere({{}, {}, "https://cdn.shop.example/", host}));
  assert_true(comes_from_elsewhere({{}, {}, "https://shop.example:8443/", host}));
  assert_false(
      comes_from_elsewhere({{}, "https://SHOP.example", "https://shop.example/a?b#c", host}));
  assert_false(comes_from_elsewhere({{}, "https://shop.example:443", {}, host}));
  assert_false(comes_from_elsewhere({{}, "http://shop.example:8080", {}, "shop.example:8080"}));
  assert_false(comes_from_elsewhere({{}, "https://shop.example", {}, "shop.example:443"}));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(browsers_say_it),
      cmocka_unit_test(others_name_the_page),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
