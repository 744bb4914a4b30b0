#include "core/accept.h"

#include <string>

#include "unit.h"

using guard::core::prefers_html;

namespace {

void html(void**) {
  for (std::string_view accept :
       {"text/html", "TEXT/HTML", "text/*", "text/html, */*;q=0.9",
        // Firefox, Chrome
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/"
        "*;q=0.8,application/signed-exchange;v=b3;q=0.7",
        "application/json;q=0.5, text/html;q=0.6", "text/html;q=0.001", "text/html;charset=utf-8",
        "*/*, application/*;q=0.5", " text/html\t; Q=1.000 ,application/json;q=0.999",
        ",,text/html,,", "text/html;a=\"x,application/json\"", "application/json;q=2, text/html",
        "application/json;q=, text/html"}) {
    if (!prefers_html(accept)) print_error("%s\n", accept.data());
    assert_true(prefers_html(accept));
  }
}

void json(void**) {
  for (std::string_view accept :
       {"", "*/*", "application/json", "application/problem+json", "text/html, application/json",
        "text/html, application/problem+json", "text/html;q=0", "text/html;q=0.5, */*",
        "text/html;q=0, text/*", "text/plain", "text/htmlx", "xtext/html", "text/html;q=1.1",
        "text/html;q=1.001", "text/html;q=0.0000", "text/html;q=x", "text/html;q=-1",
        "text/html;q=.5", "image/*", "application/*, text/html;q=0.9",
        "application/xml;a=\"text/html", "text/html;q=0.5;q=0", "text /html", "\"text/html\"", "\\",
        "\"\\", ";", "=", ";q=1", "/", "text/html;level=1, text/html;q=0",
        // */* still covers application/problem+json, no worse than text/html.
        "application/json;q=0, */*"}) {
    if (prefers_html(accept)) print_error("%s\n", accept.data());
    assert_false(prefers_html(accept));
  }
}

void bounded(void**) {
  const std::string filler(guard::core::kAcceptMax, ',');
  assert_false(prefers_html(filler + "text/html"));
  assert_true(prefers_html(filler.substr(9) + "text/html"));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(html),
      cmocka_unit_test(json),
      cmocka_unit_test(bounded),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
