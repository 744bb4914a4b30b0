#include "core/cidr.h"

#include <arpa/inet.h>

#include <array>
#include <string>

#include "unit.h"

namespace core = guard::core;
using guard::unit::expect_error;

namespace {

core::Address address(std::string_view text) {
  return core::parse_address(text).value();
}

core::CidrList list(std::initializer_list<const char*> words) {
  core::CidrList networks;
  for (const char* word : words) networks.add(word);
  return networks;
}

void expect(const core::CidrList& networks, const char* text, bool expected) {
  assert_int_equal(networks.contains(address(text)), expected);
}

void ipv4(void**) {
  const auto networks = list({"10.0.0.0/8", "192.0.2.128/25", "203.0.113.7"});
  expect(networks, "10.0.0.0", true);
  expect(networks, "10.255.255.255", true);
  expect(networks, "11.0.0.0", false);
  expect(networks, "9.255.255.255", false);
  expect(networks, "192.0.2.127", false);
  expect(networks, "192.0.2.128", true);
  expect(networks, "203.0.113.7", true);
  expect(networks, "203.0.113.6", false);
  expect(networks, "::ffff:10.1.2.3", true);
  expect(networks, "::10.1.2.3", false);
  expect(networks, "::1", false);
  expect(list({"0.0.0.0/0"}), "255.1.2.3", true);
  expect(list({"0.0.0.0/0"}), "::1", false);
  expect(list({"::ffff:10.0.0.0/104"}), "10.1.2.3", true);
  expect(list({"::ffff:10.0.0.1"}), "10.0.0.1", true);
}

void ipv6(void**) {
  const auto networks = list({"2001:db8::/32", "2001:db9:0:0:8000::/65", "::1"});
  expect(networks, "2001:db8::", true);
  expect(networks, "2001:db8:ffff::1", true);
  expect(networks, "2001:db7:ffff::1", false);
  expect(networks, "2001:db9::7fff:0:0:0", false);
  expect(networks, "2001:db9::8000:0:0:0", true);
  expect(networks, "::1", true);
  expect(networks, "::2", false);
  expect(networks, "1.0.0.0", false);
  expect(list({"::/0"}), "2001:db8::1", true);
  expect(list({"2001:db8::/64"}), "2001:db8::ffff:0:0:1", true);
  expect(list({"2001:db8::/64"}), "2001:db8:0:1::", false);
}

// Each prefix length, against a comparison bit by bit.
void every_length(void**) {
  const auto base = address("a5a5:5a5a:ffff:0:1234:5678:9abc:def1").bytes();
  for (unsigned bits = 0; bits <= 128; ++bits) {
    auto network = base;
    for (unsigned i = bits; i < 128; ++i) {
      network[i / 8] &= static_cast<unsigned char>(~(0x80 >> i % 8));
    }
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, network.data(), text, sizeof text);
    core::CidrList networks;
    networks.add(std::string(text) + "/" + std::to_string(bits));
    assert_true(networks.contains(core::Address::from_v6(base.data())));
    for (unsigned i = 0; i < 128; ++i) {
      auto other = base;
      other[i / 8] ^= static_cast<unsigned char>(0x80 >> i % 8);
      assert_int_equal(networks.contains(core::Address::from_v6(other.data())), i >= bits);
    }
  }
}

void unix_sockets(void**) {
  const auto networks = list({"unix:"});
  assert_true(networks.contains_unix());
  assert_false(networks.empty());
  expect(networks, "127.0.0.1", false);
  assert_false(list({"::/0", "0.0.0.0/0"}).contains_unix());
  assert_true(core::CidrList().empty());
}

void mistakes(void**) {
  for (std::string word : {"",
                           "x",
                           "10.0.0",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/08",
                           "10.0.0.0/-1",
                           "10.0.0.0/8/8",
                           "10.0.0.0/+8",
                           "256.0.0.0",
                           "010.0.0.1",
                           "::/129",
                           "::/1000",
                           ":::",
                           "2001:db8::/x",
                           "/8",
                           "10.0.0.0 /8",
                           "localhost",
                           "unix",
                           "unix:/tmp/x",
                           "fe80::1%eth0",
                           "[::1]"}) {
    expect_error([&] { list({word.c_str()}); },
                 "invalid network \"" + word +
                     "\", an address or a network like \"192.0.2.0/24\" is expected");
  }
  expect_error([] { core::CidrList().add(std::string_view("10.0.0.0\0.1", 11)); },
               std::string("invalid network \"10.0.0.0"));
  expect_error([] { list({"10.1.2.3/8"}); },
               "invalid network \"10.1.2.3/8\", it has bits behind its mask, did you mean "
               "\"10.0.0.0/8\"?");
  expect_error([] { list({"2001:db8::1/32"}); },
               "invalid network \"2001:db8::1/32\", it has bits behind its mask, did you mean "
               "\"2001:db8::/32\"?");
  expect_error([] { list({"10.0.0.1/31"}); },
               "invalid network \"10.0.0.1/31\", it has bits behind its mask, did you mean "
               "\"10.0.0.0/31\"?");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(ipv4),         cmocka_unit_test(ipv6),     cmocka_unit_test(every_length),
      cmocka_unit_test(unix_sockets), cmocka_unit_test(mistakes),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
