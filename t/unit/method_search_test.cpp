// The name "_method" in bodies of any type.
#include "json/method_search.h"

#include <algorithm>
#include <string>

#include "unit.h"

using guard::json::MethodSearch;
using guard::unit::expect_text;

namespace {

bool found(std::string_view body, std::size_t piece) {
  MethodSearch search;
  bool found = false;
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) {
    found = search.feed(body.substr(0, piece));
  }
  return found;
}

void expect(std::string_view body, bool expected) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{5}, body.size()}) {
    const std::string shown(body);
    expect_text(shown + (found(body, piece) ? " yes" : " no"), shown + (expected ? " yes" : " no"));
  }
}

void finds_it(void**) {
  for (const std::string_view body :
       {"_method=PUT", "a=1&_method=PUT", "a=1;_METHOD=put", "%5fmethod=PUT", "a=&%5Fm%65thod=PUT",
        "+_method=PUT", ".method=PUT", "_method[]=PUT", "[_method]=PUT", "%%5fmethod=PUT",
        R"({"_method":"PUT"})", R"({"\u005Fmeth\u006fd":"PUT"})", R"({"a":"\\","_method":"PUT"})",
        R"({"\u00e4_method":1})",
        "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPUT\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=_method\r\n\r\nPUT\r\n--b--",
        R"(name="\_met\hod")"}) {
    expect(body, true);
  }
}

void passes_others(void**) {
  for (const std::string_view body :
       {"x", "payment_method=card", "payment.method=card", "method=PUT", "_metho=d", "_meth_od=1",
        "%5_method=1", "a%5fmethod=1", "__method=1", "%5%66method=1", "%5",
        R"({"pay_method":1,"\u005":2})", "_m", "a=1&_%zzmethod=PUT"}) {
    expect(body, false);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(finds_it),
      cmocka_unit_test(passes_others),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
