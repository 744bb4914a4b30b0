// Active sessions: the sketch, held against a real redis-server; its windows in shared memory; and
// what Redis makes of many nodes.
#include <memory>
#include <thread>
#include <vector>

#include "hashes.h"
#include "metrics/session_exchange.h"
#include "metrics/session_policy.h"
#include "metrics/session_sketch.h"
#include "metrics/session_windows.h"
#include "redis_server.h"

using namespace guard::metrics;
using guard::redis::Output;
using guard::redis::Reply;
using guard::unit::expect_error;
using guard::unit::hash_of;
using guard::unit::RedisServer;

namespace {

RedisServer* server;

void raise(Registers& registers, std::uint64_t hash) {
  const Sketch::Place place = Sketch::place_of(hash);
  registers[place.index] = std::max(registers[place.index], place.rank);
}

std::string redis_bytes(const Registers& registers) {
  std::string bytes(kRedisSketchSize, '\0');
  write_redis_sketch(registers, std::span<char, kRedisSketchSize>(bytes.data(), bytes.size()));
  return bytes;
}

// Redis counts the same from the same registers, alone and merged.
void means_the_same_to_redis(void**) {
  Registers one{};
  Registers other{};
  Registers both{};
  for (const std::uint64_t many : {0, 1, 2, 100, 5000, 300000}) {
    for (std::uint64_t i = 0; i < many; ++i) {
      raise(one, hash_of(i));
      raise(other, hash_of(i + many / 2));
    }
    for (std::size_t i = 0; i < Sketch::kRegisters; ++i) both[i] = std::max(one[i], other[i]);
    server->ask({"FLUSHALL"});
    server->ask({"SET", "one", redis_bytes(one)});
    server->ask({"SET", "other", redis_bytes(other)});
    assert_int_equal(server->ask({"PFCOUNT", "one"}).integer(), Sketch::estimate(one));
    assert_int_equal(server->ask({"PFCOUNT", "one", "other"}).integer(), Sketch::estimate(both));
    assert_int_equal(server->ask({"PFCOUNT", "one", "gone"}).integer(), Sketch::estimate(one));
  }
  one.fill(Sketch::kMaxRank);
  server->ask({"SET", "one", redis_bytes(one)});
  assert_true(server->ask({"PFCOUNT", "one"}).is_integer());
}

// Zeros at first, like a zone.
struct Memory {
  alignas(64) std::byte bytes[sizeof(SessionMemory)] = {};
};

void windows(void**) {
  auto memory = std::make_unique<Memory>();
  SessionWindows small(12'000);
  assert_false(small.attach({memory->bytes, 100}, true));
  SessionWindows windows(12'000);
  assert_true(windows.attach(memory->bytes, true));
  assert_int_equal(windows.slice_ms(), 1000);
  constexpr std::uint64_t kNow = 1'700'000'000'000;
  assert_int_equal(windows.count(kNow), 0);
  for (std::uint64_t i = 0; i < 10; ++i) windows.add(hash_of(i), kNow);
  for (std::uint64_t i = 5; i < 20; ++i) windows.add(hash_of(i), kNow + 6000);
  assert_int_equal(windows.count(kNow), 10);
  assert_int_equal(windows.count(kNow + 6000), 20);
  // Of the window at least, and a twelfth more.
  assert_int_equal(windows.count(kNow + 12'000), 20);
  assert_int_equal(windows.count(kNow + 12'999), 20);
  assert_int_equal(windows.count(kNow + 13'000), 15);
  assert_int_equal(windows.count(kNow + 18'999), 15);
  assert_int_equal(windows.count(kNow + 19'000), 0);
  // The same place, thirteen slices later; what was there is gone.
  windows.add(hash_of(99), kNow + 13'000);
  assert_int_equal(windows.count(kNow + 13'000), 16);
  assert_int_equal(windows.count(kNow), 0);
  // Before there was a thirteenth.
  SessionWindows early(12'000);
  assert_true(early.attach(memory->bytes, true));
  early.add(1, 5);
  assert_int_equal(early.count(5), 1);
  assert_int_equal(early.count(12'999), 1);
  assert_int_equal(early.count(13'000), 0);
}

void tells_what_changed(void**) {
  auto memory = std::make_unique<Memory>();
  SessionWindows windows(12'000);
  assert_true(windows.attach(memory->bytes, true));
  constexpr std::uint64_t kNow = 50'000;
  const std::uint64_t number = windows.number_of(kNow);
  assert_false(windows.take_changed(number));
  assert_null(windows.slice(number));
  windows.set_changed(number);
  assert_false(windows.take_changed(number));
  windows.add(1, kNow);
  assert_true(windows.take_changed(number));
  assert_false(windows.take_changed(number));
  windows.add(1, kNow);
  assert_false(windows.take_changed(number));
  windows.set_changed(number);
  assert_true(windows.take_changed(number));
  assert_non_null(windows.slice(number));
}

// One that died while it emptied a slice costs this slice, and nobody's time.
void outlives_a_dead_one(void**) {
  auto memory = std::make_unique<Memory>();
  SessionWindows windows(12'000);
  assert_true(windows.attach(memory->bytes, true));
  const std::uint64_t number = windows.number_of(50'000);
  windows.memory().slices[number % kWindowSlices].tag = (number + 1) << 1U;
  windows.add(1, 50'000);
  assert_int_equal(windows.count(50'000), 0);
  windows.add(1, 50'000 + 13'000);
  assert_int_equal(windows.count(50'000 + 13'000), 1);
}

void many_at_once(void**) {
  auto memory = std::make_unique<Memory>();
  SessionWindows windows(12'000);
  assert_true(windows.attach(memory->bytes, true));
  constexpr std::uint64_t kEach = 20'000;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&memory, t] {
      SessionWindows own(12'000);
      own.attach(memory->bytes, false);
      for (std::uint64_t i = 0; i < kEach; ++i) own.add(hash_of(i + t * kEach / 2), 50'000);
    });
  }
  for (std::thread& thread : threads) thread.join();
  Registers expected{};
  for (std::uint64_t i = 0; i < kEach * 5 / 2; ++i) raise(expected, hash_of(i));
  assert_int_equal(windows.count(50'000), Sketch::estimate(expected));
}

Reply merge(std::initializer_list<std::string_view> keys, std::string_view number,
            std::initializer_list<std::string> pairs) {
  Output out;
  session_script().begin(out, true, keys.size() + 2, 2 + pairs.size());
  for (const std::string_view key : keys) out.bulk(key);
  out.bulk("{x}.new");
  out.bulk("{x}.memory");
  out.bulk("60000");
  out.bulk(number);
  for (const std::string& word : pairs) out.bulk(word);
  return server->ask(out);
}

void merges_in_redis(void**) {
  server->ask({"FLUSHALL"});
  Registers one{};
  Registers other{};
  for (std::uint64_t i = 0; i < 40; ++i) raise(one, hash_of(i));
  for (std::uint64_t i = 30; i < 50; ++i) raise(other, hash_of(i));
  Registers both = one;
  for (std::size_t i = 0; i < Sketch::kRegisters; ++i) both[i] = std::max(one[i], other[i]);
  Reply reply = merge({"{x}.1", "{x}.2"}, "1700000000000001", {});
  assert_int_equal(reply[0].integer(), 0);
  assert_int_equal(reply[1].integer(), 1700000000000001);
  assert_int_equal(server->ask({"DBSIZE"}).integer(), 1);
  reply = merge({"{x}.1", "{x}.2"}, "1700000000000002", {"1", redis_bytes(one)});
  assert_int_equal(reply[0].integer(), Sketch::estimate(one));
  assert_int_equal(reply[1].integer(), 1700000000000001);
  reply = merge({"{x}.1", "{x}.2"}, "3", {"1", redis_bytes(other)});
  assert_int_equal(reply[0].integer(), Sketch::estimate(both));
  // Again changes nothing; another slice may know the same.
  reply = merge({"{x}.1", "{x}.2"}, "4", {"1", redis_bytes(one), "2", redis_bytes(other)});
  assert_int_equal(reply[0].integer(), Sketch::estimate(both));
  // Time goes on: the first is not asked about any more.
  assert_int_equal(merge({"{x}.2", "{x}.3"}, "5", {})[0].integer(), Sketch::estimate(other));
  assert_int_equal(server->ask({"DBSIZE"}).integer(), 3);
  assert_true(server->ask({"PTTL", "{x}.1"}).integer() > 50'000);
  assert_true(server->ask({"PTTL", "{x}.memory"}).integer() > 50'000);
  // What is there and is no sketch is an error, and nothing else.
  server->ask({"SET", "{x}.3", "something"});
  assert_false(merge({"{x}.2", "{x}.3"}, "6", {"2", redis_bytes(one)}).ok());
  assert_int_equal(server->ask({"GET", "{x}.3"}).text().size(), 9);
  server->ask({"FLUSHALL"});
  assert_int_equal(merge({"{x}.2"}, "7", {})[1].integer(), 7);
}

SessionPolicy parse(std::initializer_list<std::string_view> words) {
  std::vector<std::string_view> all{"guard_sessions"};
  all.insert(all.end(), words);
  guard::core::Words parsed(std::move(all));
  return parse_sessions(parsed);
}

void policies(void**) {
  const SessionPolicy policy = parse({"users", "key=$cookie_SID", "window=15m", "redis=main"});
  assert_true(policy.name == "users" && policy.redis == "main");
  assert_true(policy.zone_name() == "guard_sessions:users");
  assert_true(policy.variables == std::vector<std::string>{"cookie_sid"});
  assert_true(policy.window == std::chrono::minutes(15));
  expect_error(
      [] {
        parse({"off", "key=$a", "window=1m"});
      },
      "invalid session policy name \"off\", up to 64 letters, digits, \"_\", \".\" and "
      "\"-\" are expected, and not \"off\"");
}

}  // namespace

int main() {
  RedisServer own;
  server = &own;
  const CMUnitTest tests[] = {
      cmocka_unit_test(means_the_same_to_redis),
      cmocka_unit_test(windows),
      cmocka_unit_test(tells_what_changed),
      cmocka_unit_test(outlives_a_dead_one),
      cmocka_unit_test(many_at_once),
      cmocka_unit_test(merges_in_redis),
      cmocka_unit_test(policies),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
