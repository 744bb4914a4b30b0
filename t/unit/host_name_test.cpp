#include "core/host_name.h"

#include "unit.h"

using guard::core::is_host;
using guard::core::is_own_host;
using guard::core::is_plain_host;
using guard::core::names_host;

namespace {

void names(void**) {
  assert_true(names_host("Example.com", "example.com"));
  assert_false(names_host("example.com", "example.com.evil.test"));
  assert_false(names_host("example.com", "evilexample.com"));
  assert_true(names_host("*.example.com", "a.b.example.com"));
  assert_false(names_host("*.example.com", "example.com"));
  assert_false(names_host("*.example.com", ".example.com"));
  assert_true(names_host(".example.com", "example.com"));
  assert_true(names_host(".example.com", "a.example.com"));
  assert_false(names_host(".example.com", "aexample.com"));
  assert_true(names_host("www.example.*", "www.example.org"));
  assert_false(names_host("www.example.*", "www.example."));
  assert_false(names_host("", "a"));
  assert_false(names_host("_", ""));
  assert_true(is_plain_host("example.com"));
  assert_false(is_plain_host("*.example.com"));
  assert_false(is_plain_host("www.example.*"));
  assert_false(is_plain_host("~^www"));
  assert_false(is_plain_host("_"));
}

void hosts(void**) {
  for (const char* host : {"example.com", "example.com.", "a_b-1.example", "localhost", "192.0.2.1",
                           "[::1]", "[2001:db8::1]"}) {
    assert_true(is_host(host));
  }
  for (const char* host :
       {"", ".", ".example.com", "a..b", "a@b", "evil.example#.example.com",
        "evil.example?.example.com", "evil.example\\.example.com", "a/b", "a%2fb", "a:80", "a b",
        "\xc3\xa4.example", "::1", "[::1", "[]", "[127.0.0.1]", "[::1].example.com"}) {
    assert_false(is_host(host));
  }
}

void own_hosts(void**) {
  for (const char* host :
       {"localhost", "app.localhost", "127.0.0.1", "192.0.2.1", "[::1]", "::1"}) {
    assert_true(is_own_host(host));
  }
  for (const char* host : {"", "example.com", "localhost.example.com", "notlocalhost", ".localhost",
                           "127.0.0.1.example.com", "127.1", "[::1", "[localhost]", "0x7f000001"}) {
    assert_false(is_own_host(host));
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(hosts),
                              cmocka_unit_test(own_hosts)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
