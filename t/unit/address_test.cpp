#include "core/address.h"

#include <string>

#include "unit.h"

namespace core = guard::core;
using guard::unit::expect_text;

namespace {

void expect_net(std::string_view text, std::string_view expected) {
  const auto address = core::parse_address(text);
  assert_true(address.has_value());
  char out[core::kClientNetMax + 1];
  out[core::kClientNetMax] = '#';
  const std::size_t size = core::write_client_net(*address, out);
  assert_true(size <= core::kClientNetMax);
  assert_int_equal(out[core::kClientNetMax], '#');
  expect_text({out, size}, expected);
}

void ipv4(void**) {
  expect_net("192.0.2.1", "192.0.2.1");
  expect_net("0.0.0.0", "0.0.0.0");
  expect_net("255.255.255.255", "255.255.255.255");
}

void ipv6(void**) {
  expect_net("2001:db8:0:1::1", "2001:db8:0:1::/64");
  expect_net("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64");
  expect_net("2001:DB8::1", "2001:db8::/64");
  expect_net("::1", "::/64");
  expect_net("0:0:0:1::1", "0:0:0:1::/64");
  expect_net("2001:db8:0:0:1::", "2001:db8::/64");
  expect_net("fe80::a", "fe80::/64");
  expect_net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64");
}

void mapped(void**) {
  expect_net("::ffff:192.0.2.1", "192.0.2.1");
  expect_net("::fffe:192.0.2.1", "::/64");
  expect_net("64:ff9b::192.0.2.1", "64:ff9b::/64");
  assert_true(core::parse_address("::ffff:192.0.2.1") == core::parse_address("192.0.2.1"));
  assert_true(core::parse_address("::ffff:c000:201")->is_v4());
  assert_false(core::parse_address("::1")->is_v4());
}

void from_bytes(void**) {
  const std::uint8_t four[] = {192, 0, 2, 1};
  assert_true(core::Address::from_v4(four) == core::parse_address("192.0.2.1"));
  const std::uint8_t sixteen[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
  assert_true(core::Address::from_v6(sixteen) == core::parse_address("2001:db8::9"));
}

void mistakes(void**) {
  for (std::string_view text : {"", "x", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ",
                                "192.0.2.1:80", "[::1]", "::1%lo", ":::", "unix:", "1"}) {
    assert_false(core::parse_address(text).has_value());
  }
  assert_false(core::parse_address(std::string_view("192.0.2.1\0", 10)).has_value());
  assert_false(core::parse_address(std::string(100000, '1')).has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(ipv4),       cmocka_unit_test(ipv6),     cmocka_unit_test(mapped),
      cmocka_unit_test(from_bytes), cmocka_unit_test(mistakes),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
