// What is said to Redis about totals, and what a real redis-server makes of it.
#include "core/remote_total.h"

#include <array>
#include <map>
#include <random>
#include <string>

#include "redis_server.h"
#include "unit.h"

using guard::core::RemoteTotal;
using guard::core::TotalOffer;
using guard::redis::Fault;
using guard::redis::Output;
using guard::redis::Reply;
using guard::unit::expect_text;

namespace {

std::string tag_of(std::uint64_t low, std::uint64_t high = 0) {
  std::array<char, RemoteTotal::kTag> tag;
  RemoteTotal::spell({low, high}, tag.data());
  return {tag.data(), tag.size()};
}

void what_is_sent(void**) {
  expect_text(tag_of(0), "{00000000000000000000000000000000}");
  // As strict spells them.
  expect_text(tag_of(0x0706050403020100, 0x0f0e0d0c0b0a0908), "{000102030405060708090a0b0c0d0e0f}");
  RemoteTotal windows("guard:api:", ".hour", true), gcra("guard:api:", "", false);
  Output out;
  windows.put_add(out, tag_of(0xf), 42, {-5, 3, 1000});
  expect_text(out.pending(),
              "*5\r\n$4\r\nZADD\r\n$52\r\nguard:api:{0f000000000000000000000000000000}.hour~42\r\n$"
              "2\r\nGT\r\n"
              "$2\r\n-5\r\n$1\r\nt\r\n"
              "*3\r\n$7\r\nPEXPIRE\r\n$52\r\nguard:api:{0f000000000000000000000000000000}.hour~"
              "42\r\n$4\r\n1000\r\n"
              "*4\r\n$7\r\nZINCRBY\r\n$52\r\nguard:api:{0f000000000000000000000000000000}.hour~"
              "42\r\n$1\r\n3\r\n"
              "$1\r\nt\r\n");
  out.clear();
  gcra.put_get(out, tag_of(0xf), 42);
  expect_text(
      out.pending(),
      "*3\r\n$6\r\nZSCORE\r\n$45\r\nguard:api:{0f000000000000000000000000000000}~\r\n$1\r\nt\r\n");
}

// ZADD GT and ZINCRBY are the maximum and the sum that core/shared_total.h speaks of, exactly, as
// far as a double is exact.
void a_real_server(void**) {
  guard::unit::RedisServer server;
  RemoteTotal counter("guard:api:", "", true);
  std::mt19937_64 random(1);
  std::map<std::uint64_t, std::int64_t> expected;
  for (int step = 0; step < 3000; ++step) {
    std::uint64_t hash = random() % 5;
    std::int64_t start = random() % 2 == 0 ? 0 : 1'795'000'000'000'000;
    TotalOffer offer;
    offer.floor = start + static_cast<std::int64_t>(random() % 2000) - 1000;
    offer.more = static_cast<std::int64_t>(random() % 200) - 20;
    offer.life = 100'000;
    std::string tag = tag_of(hash);
    Output out;
    bool at_once = random() % 2 == 0;
    at_once ? counter.put_add_at_once(out, tag, hash, offer)
            : counter.put_add(out, tag, hash, offer);
    auto found = expected.try_emplace(hash, offer.floor).first;
    found->second = std::max(found->second, offer.floor) + offer.more;
    // One reply a command; the last one is the total.
    for (int i = at_once ? 1 : RemoteTotal::kAddReplies; i > 1; --i) server.ask(out);
    auto total = guard::core::read_total(server.ask(out));
    assert_true(total.has_value());
    assert_int_equal(*total, found->second);
    counter.put_get(out, tag, hash);
    assert_int_equal(*guard::core::read_total(server.ask(out)), found->second);
    std::string key = "guard:api:" + tag + "~" + std::to_string(hash);
    std::int64_t life = server.ask({"PTTL", key}).integer();
    assert_in_range(life, 90'000, 100'000);
    if (random() % 100 == 0) {
      server.ask({"DEL", key});
      expected.erase(hash);
    }
  }
  Output out;
  counter.put_get(out, tag_of(99), 1);
  assert_false(guard::core::read_total(server.ask(out)).has_value());
  auto time = guard::core::read_time(server.ask({"TIME"}));
  assert_true(time.has_value());
  assert_true(*time > 1'700'000'000'000'000);
  // An error, what is no number, what is none of a total's.
  assert_false(guard::core::read_total(server.ask({"NONSENSE"})).has_value());
  assert_false(guard::core::read_time(server.ask({"NONSENSE"})).has_value());
  for (std::string_view text : {"1.5", "inf", "nan", "", "1e30", "9223372036854775808", " 1"}) {
    assert_false(guard::core::read_total(server.ask({"ECHO", text})).has_value());
    assert_false(guard::core::read_time(server.ask({"ECHO", text})).has_value());
  }
  assert_false(guard::core::read_total(Reply(Fault::lost)).has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_is_sent),
      cmocka_unit_test(a_real_server),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
