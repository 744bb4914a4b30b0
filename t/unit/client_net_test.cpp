#include "core/client_net.h"

#include <arpa/inet.h>

#include <string>
#include <vector>

#include "unit.h"

namespace core = guard::core;
using guard::unit::expect_text;

namespace {

std::vector<unsigned char> address(const char* text) {
  std::vector<unsigned char> bytes(16);
  if (inet_pton(AF_INET, text, bytes.data()) == 1) {
    bytes.resize(4);
  } else {
    assert_int_equal(inet_pton(AF_INET6, text, bytes.data()), 1);
  }
  return bytes;
}

void expect(const char* text, const char* expected) {
  expect_text(core::client_net(address(text)).view(), expected);
}

void ipv4(void**) {
  expect("192.0.2.1", "192.0.2.1");
  expect("0.0.0.0", "0.0.0.0");
  expect("255.255.255.255", "255.255.255.255");
}

void ipv6(void**) {
  expect("2001:db8:0:1::1", "2001:db8:0:1::/64");
  expect("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64");
  expect("2001:db8::1", "2001:db8::/64");
  expect("::1", "::/64");
  expect("0:0:0:1::1", "0:0:0:1::/64");
  expect("2001:db8:0:0:1::", "2001:db8::/64");
  expect("fe80::a", "fe80::/64");
  expect("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64");
}

void mapped(void**) {
  expect("::ffff:192.0.2.1", "192.0.2.1");
  expect("::fffe:192.0.2.1", "::/64");
  expect("64:ff9b::192.0.2.1", "64:ff9b::/64");
}

void others(void**) {
  expect_text(core::client_net({}).view(), "unix");
  const std::vector<unsigned char> odd(7);
  expect_text(core::client_net(odd).view(), "unix");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(ipv4),
      cmocka_unit_test(ipv6),
      cmocka_unit_test(mapped),
      cmocka_unit_test(others),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
