// Slots of keys, maps of slots as nodes tell them, and the errors that send a client on.

#include "redis/slots.h"

#include "redis/reader.h"
#include "unit.h"

using guard::redis::crc16;
using guard::redis::kSlots;
using guard::redis::read_redirection;
using guard::redis::Reader;
using guard::redis::Reply;
using guard::redis::slot_of;
using guard::redis::SlotMap;
using guard::unit::expect_text;

namespace {

// The values of the specification and of a real server (CLUSTER KEYSLOT).
void slots_of_keys(void**) {
  assert_int_equal(crc16("123456789"), 0x31c3);
  assert_int_equal(crc16(""), 0);
  assert_int_equal(slot_of(""), 0);
  assert_int_equal(slot_of("foo"), 12182);
  assert_int_equal(slot_of("{user}1"), 5474);
  assert_int_equal(slot_of("user"), 5474);
  assert_int_equal(slot_of("guard:api:{user}.minute"), 5474);
  assert_int_equal(slot_of("\xff\x80"), crc16("\xff\x80") % kSlots);
  // Only the first pair counts, and only if there is something in it.
  assert_int_equal(slot_of("{user}{other}"), 5474);
  assert_int_equal(slot_of("a{{user}}b"), slot_of("{user"));
  assert_int_equal(slot_of("foo{}{user}"), crc16("foo{}{user}") % kSlots);
  assert_int_equal(slot_of("{user"), crc16("{user") % kSlots);
  assert_int_equal(slot_of("}user{"), crc16("}user{") % kSlots);
}

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string node(std::string_view host_reply, int port, std::string_view metadata = "*0\r\n") {
  return "*4\r\n" + std::string(host_reply) + ":" + std::to_string(port) + "\r\n" + bulk("id") +
         std::string(metadata);
}

std::string range(long from, long to, std::string_view nodes, int count = 1) {
  return "*" + std::to_string(2 + count) + "\r\n:" + std::to_string(from) +
         "\r\n:" + std::to_string(to) + "\r\n" + std::string(nodes);
}

std::string problem_of(std::string_view bytes, SlotMap& map) {
  Reader reader;
  std::string problem = "no reply";
  assert_true(reader.start() && reader.feed(bytes));
  assert_true(reader.drain([&](const Reply& reply) {
    problem = map.read(reply, "asked.example");
    return true;
  }));
  return problem;
}

std::string problem_of(std::string_view bytes) {
  SlotMap map;
  return problem_of(bytes, map);
}

void maps(void**) {
  SlotMap map;
  const std::string a = node(bulk("127.0.0.1"), 7000);
  const std::string b = node(bulk("::1"), 7000, "*2\r\n" + bulk("hostname") + bulk("b.example"));
  const std::string replica = node(bulk("127.0.0.1"), 7009);
  expect_text(problem_of("*3\r\n" + range(0, 99, a + replica, 2) + range(100, 100, b) +
                             range(200, 16383, a + replica, 2),
                         map),
              "");
  assert_int_equal(map.nodes().size(), 2);
  expect_text(map.nodes()[0].host, "127.0.0.1");
  expect_text(map.nodes()[1].host, "::1");
  assert_int_equal(map.nodes()[1].port, 7000);
  assert_int_equal(map.owner(0), 0);
  assert_int_equal(map.owner(99), 0);
  assert_int_equal(map.owner(100), 1);
  assert_int_equal(map.owner(101), SlotMap::kNobody);
  assert_int_equal(map.owner(199), SlotMap::kNobody);
  assert_int_equal(map.owner(16383), 0);
}

// What a node may call another one (cluster-preferred-endpoint-type).
void hosts(void**) {
  SlotMap map;
  const std::string ip = "*2\r\n" + bulk("ip") + bulk("10.0.0.7");
  expect_text(
      problem_of("*6\r\n" + range(0, 0, node("$-1\r\n", 1)) + range(1, 1, node(bulk(""), 2)) +
                     range(2, 2, node(bulk("c.example"), 3, ip)) +
                     range(3, 3, node(bulk("?"), 4, ip)) + range(4, 4, node(bulk("?"), 5)) +
                     range(5, 5, "*2\r\n" + bulk("d.example") + ":6\r\n"),
                 map),
      "");
  assert_int_equal(map.nodes().size(), 5);
  expect_text(map.nodes()[0].host, "asked.example");
  expect_text(map.nodes()[1].host, "asked.example");
  expect_text(map.nodes()[2].host, "c.example");
  expect_text(map.nodes()[2].address, "10.0.0.7");
  expect_text(map.nodes()[3].host, "10.0.0.7");
  expect_text(map.nodes()[4].host, "d.example");
  expect_text(map.nodes()[4].address, "");
  assert_int_equal(map.owner(4), SlotMap::kNobody);
  assert_int_equal(map.owner(5), 4);
}

void nonsense(void**) {
  const std::string good = node(bulk("127.0.0.1"), 7000);
  const std::string_view kNonsense = "what the node tells of slots makes no sense";
  expect_text(problem_of("*1\r\n" + range(0, 16383, good)), "");
  expect_text(problem_of("*0\r\n"), "the node knows of nobody who has slots");
  expect_text(problem_of("+OK\r\n"), "the node does not tell who has which slots");
  expect_text(problem_of("$-1\r\n"), "the node does not tell who has which slots");
  for (const std::string& bad :
       {range(-1, 5, good), range(0, 16384, good), range(6, 5, good), range(0, 5, ":1\r\n"),
        range(0, 5, "*0\r\n"), std::string("+x\r\n"), std::string("*0\r\n"),
        range(0, 9'000'000'000, good), "*3\r\n" + bulk("0") + bulk("5") + good,
        range(0, 5, node(bulk("127.0.0.1"), 0)), range(0, 5, node(bulk("127.0.0.1"), 65536)),
        range(0, 5, node(bulk("unix:/run/redis"), 1)), range(0, 5, node(bulk("a b"), 1)),
        range(0, 5, node(bulk(std::string("a\0b", 3)), 1)), range(0, 5, node(":1\r\n", 1)),
        range(0, 5, node(bulk(std::string(254, 'a')), 1))}) {
    expect_text(problem_of("*2\r\n" + range(0, 0, good) + bad), kNonsense);
  }
  // As many as may be, and one more.
  std::string many;
  for (int i = 0; i < 256; ++i) many += range(i, i, node(bulk("10.0.0.1"), 1000 + i));
  expect_text(problem_of("*256\r\n" + many), "");
  expect_text(problem_of("*257\r\n" + many + range(256, 256, good)),
              "the cluster has more than 256 masters");
}

void redirections(void**) {
  auto found = read_redirection("MOVED 3999 127.0.0.1:6381");
  assert_true(found && !found->ask);
  assert_int_equal(found->slot, 3999);
  expect_text(found->host, "127.0.0.1");
  assert_int_equal(found->port, 6381);
  found = read_redirection("ASK 0 ::1:65535");
  assert_true(found && found->ask);
  assert_int_equal(found->slot, 0);
  expect_text(found->host, "::1");
  assert_int_equal(found->port, 65535);
  found = read_redirection("MOVED 16383 :7000");
  assert_true(found && found->host.empty());
  found = read_redirection("MOVED 1 node-1.example:7000");
  assert_true(found.has_value());
  expect_text(found->host, "node-1.example");
  for (std::string_view bad : {"",
                               "MOVED",
                               "MOVED ",
                               "MOVED 1",
                               "MOVED 1 ",
                               "MOVED 1 a",
                               "MOVED 1 a:",
                               "MOVED 1 a:0",
                               "MOVED 1 a:65536",
                               "MOVED 1 a:-1",
                               "MOVED 16384 a:1",
                               "MOVED -1 a:1",
                               "MOVED x a:1",
                               "MOVED  1 a:1",
                               "MOVED 1  a:1",
                               "MOVED 1 a:1 ",
                               "MOVED 1 ?:1",
                               "MOVED 1 a/b:1",
                               "MOVED 1 unix:/x:1",
                               "MOVED 99999999999 a:1",
                               "moved 1 a:1",
                               "MOVEDX 1 a:1",
                               "TRYAGAIN Multiple keys",
                               "ERR MOVED 1 a:1"}) {
    assert_false(read_redirection(bad).has_value());
  }
  assert_false(read_redirection("MOVED 1 " + std::string(254, 'a') + ":1").has_value());
  assert_true(guard::redis::is_redirection("TRYAGAIN Multiple keys request during rehashing"));
  assert_true(guard::redis::is_redirection("MOVED 1 ?:1"));
  assert_false(guard::redis::is_redirection("CLUSTERDOWN The cluster is down"));
  assert_false(guard::redis::is_redirection(""));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(slots_of_keys), cmocka_unit_test(maps),         cmocka_unit_test(hosts),
      cmocka_unit_test(nonsense),      cmocka_unit_test(redirections),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
