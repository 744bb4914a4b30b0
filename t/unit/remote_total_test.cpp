// What is said to Redis about totals, and what a real redis-server makes of it.
#include "core/remote_total.h"

#include <array>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "redis_server.h"
#include "unit.h"

using guard::core::RemoteTotal;
using guard::core::TotalOffer;
using guard::redis::Fault;
using guard::redis::Output;
using guard::redis::Reply;
using guard::unit::expect_text;
using guard::unit::RedisServer;

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
  windows.put_key(out, tag_of(0xf), 42);
  expect_text(out.pending(), "$52\r\nguard:api:{0f000000000000000000000000000000}.hour=42\r\n");
  out.clear();
  gcra.put_key(out, tag_of(0xf), 42);
  expect_text(out.pending(), "$45\r\nguard:api:{0f000000000000000000000000000000}=\r\n");
  out.clear();
  RemoteTotal::put_offer(out, {-5, 3, 1000});
  RemoteTotal::put_question(out);
  expect_text(out.pending(), "$2\r\n-5\r\n$1\r\n3\r\n$4\r\n1000\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n");
}

struct Told {
  std::uint64_t hash;
  std::optional<TotalOffer> offer;  // none: only asked for
};

// One call; what it answers about each.
std::vector<std::optional<std::int64_t>> call(RedisServer& server, const RemoteTotal& counter,
                                              const std::vector<Told>& keys) {
  Output out;
  RemoteTotal::script().begin(out, true, keys.size(), keys.size() * RemoteTotal::kWords);
  for (const Told& key : keys) counter.put_key(out, tag_of(key.hash), key.hash);
  for (const Told& key : keys) {
    key.offer ? RemoteTotal::put_offer(out, *key.offer) : RemoteTotal::put_question(out);
  }
  Reply reply = server.ask(out);
  assert_true(reply.ok());
  assert_int_equal(reply.size(), keys.size());
  std::vector<std::optional<std::int64_t>> totals;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    totals.push_back(guard::core::read_total(reply[i]));
  }
  return totals;
}

std::string key_of(std::uint64_t hash) {
  return "guard:api:" + tag_of(hash) + "=" + std::to_string(hash);
}

// The maximum and the sum that core/shared_total.h speaks of, exactly, as far as a double is exact.
// A key may be among those of a call more than once.
void a_real_server(void**) {
  RedisServer server;
  RemoteTotal counter("guard:api:", "", true);
  std::mt19937_64 random(1);
  std::map<std::uint64_t, std::int64_t> expected;
  for (int step = 0; step < 1000; ++step) {
    std::vector<Told> keys;
    std::vector<std::optional<std::int64_t>> wanted;
    for (std::uint64_t count = 1 + random() % 6; count > 0; --count) {
      std::uint64_t hash = random() % 5;
      auto known = expected.find(hash);
      if (random() % 4 == 0) {
        keys.push_back({hash, std::nullopt});
        wanted.push_back(known == expected.end() ? std::nullopt : std::optional(known->second));
        continue;
      }
      std::int64_t start = random() % 2 == 0 ? 0 : 1'795'000'000'000'000;
      TotalOffer offer;
      offer.floor = start + static_cast<std::int64_t>(random() % 2000) - 1000;
      offer.more = static_cast<std::int64_t>(random() % 200) - 20;
      offer.life = 100'000;
      known = expected.try_emplace(hash, offer.floor).first;
      known->second = std::max(known->second, offer.floor) + offer.more;
      keys.push_back({hash, offer});
      wanted.push_back(known->second);
    }
    assert_true(call(server, counter, keys) == wanted);
    for (const auto& [hash, total] : expected) {
      assert_in_range(server.ask({"PTTL", key_of(hash)}).integer(), 50'000, 100'000);
    }
    if (random() % 30 == 0) {
      server.ask({"DEL", key_of(keys.front().hash)});
      expected.erase(keys.front().hash);
    }
  }
  assert_true(call(server, counter, {{99, std::nullopt}}) ==
              std::vector<std::optional<std::int64_t>>{std::nullopt});
  auto time = guard::core::read_time(server.ask({"TIME"}));
  assert_true(time.has_value());
  assert_true(*time > 1'700'000'000'000'000);
  // An error, what is no number, what is none of a total's.
  assert_false(guard::core::read_total(server.ask({"NONSENSE"})).has_value());
  assert_int_equal(guard::core::read_total(server.ask({"ECHO", "-1"})).value_or(0), -1);
  assert_false(guard::core::read_time(server.ask({"NONSENSE"})).has_value());
  for (std::string_view text : {"1.5", "inf", "nan", "", "1e30", "9223372036854775808", " 1"}) {
    assert_false(guard::core::read_total(server.ask({"ECHO", text})).has_value());
    assert_false(guard::core::read_time(server.ask({"ECHO", text})).has_value());
  }
  assert_false(guard::core::read_total(Reply(Fault::lost)).has_value());
}

// What is no total is none, and the others of the call are told all the same.
void what_somebody_else_has_written(void**) {
  RedisServer server;
  RemoteTotal counter("guard:api:", "", true);
  TotalOffer offer{5, 3, 100'000};
  server.ask({"SET", key_of(1), "x"});
  server.ask({"HSET", key_of(2), "a", "b"});
  server.ask({"HSET", key_of(3), "a", "b"});
  assert_true(
      call(server, counter, {{0, offer}, {1, offer}, {2, offer}, {3, std::nullopt}, {4, offer}}) ==
      (std::vector<std::optional<std::int64_t>>{8, 8, 8, std::nullopt, 8}));
  for (std::uint64_t hash : {0, 1, 2, 4})
    expect_text(server.ask({"GET", key_of(hash)}).text(), "8");
}

// Where nothing can be written, nothing is: what is refused may be told again.
void all_or_nothing(void**) {
  RedisServer server;
  RemoteTotal counter("guard:api:", "", true);
  server.ask({"CONFIG", "SET", "maxmemory", "1"});
  Output out;
  RemoteTotal::script().begin(out, true, 2, 2 * RemoteTotal::kWords);
  for (std::uint64_t hash : {0, 1}) counter.put_key(out, tag_of(hash), hash);
  for (int i = 0; i < 2; ++i) RemoteTotal::put_offer(out, {5, 3, 100'000});
  assert_true(server.ask(out).fault() == Fault::error);
  assert_int_equal(server.ask({"DBSIZE"}).integer(), 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_is_sent),
      cmocka_unit_test(a_real_server),
      cmocka_unit_test(what_somebody_else_has_written),
      cmocka_unit_test(all_or_nothing),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
