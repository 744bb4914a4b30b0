// What is noted is found once, and nothing else, whoever notes and takes at the same time.
#include "core/counter_delta.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "shared_memory.h"
#include "unit.h"

using guard::core::Attached;
using guard::core::Change;
using guard::core::DeltaTable;
using guard::core::Hash128;

namespace {

using Key = std::pair<std::uint64_t, std::uint64_t>;

// The whole hash of which this is the lower half.
Hash128 whole(std::uint64_t low) {
  return {low, low * 0xbf58476d1ce4e5b9 + 1};
}

auto never = [](std::uint64_t, std::uint64_t) noexcept { return false; };

struct Memory {
  std::vector<std::byte> bytes;
  explicit Memory(std::size_t size) : bytes(size) {}
  DeltaTable attach() { return DeltaTable::attach(bytes); }
};

std::map<Key, std::int64_t> collect(DeltaTable& table) {
  std::map<Key, std::int64_t> found;
  auto sweep = table.sweep();
  while (auto change = sweep.next()) {
    std::uint64_t hash = change->hash.low;
    if (hash != 1) assert_true(change->hash == whole(hash));
    std::int64_t delta = table.take(hash, change->window);
    if (delta != 0) found[{hash, change->window}] += delta;
  }
  return found;
}

void against_an_oracle(void**) {
  Memory memory(2 << 20);
  DeltaTable table = memory.attach();
  assert_true(table.capacity() > 60'000);
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> hashes(300);  // of which a set never gets more than two
  for (std::uint64_t& hash : hashes) hash = random();
  hashes[0] = 0;
  std::map<Key, std::int64_t> expected;
  for (int step = 0; step < 200'000; ++step) {
    std::uint64_t hash = hashes[random() % hashes.size()];
    std::uint64_t window = random() % 3 == 0 ? DeltaTable::kMaxWindow : random() % 2;
    std::int64_t amount = static_cast<std::int64_t>(random() % 2'000'001) - 1'000'000;
    assert_true(table.add(whole(hash), window, amount, never));
    // The table knows 0 and 1 as one key.
    Key key{hash == 0 ? 1 : hash, window};
    expected[key] += amount;
    assert_int_equal(table.pending(hash, window), expected[key]);
    if (step % 50'000 != 49'999) continue;
    std::erase_if(expected, [](const auto& one) { return one.second == 0; });
    assert_true(table.any());
    assert_true(collect(table) == expected);
    assert_false(table.any());
    assert_true(collect(table).empty());
    expected.clear();
  }
  assert_int_equal(table.stats().dropped, 0);
}

// Of one set whose entries are all taken; another process adds the same key while this one looks
// for room.
void a_key_with_two_entries(void**) {
  Memory memory(8 << 10);
  DeltaTable table = memory.attach();
  const std::uint64_t sets = table.header().sets;
  const auto in_the_first_set = [&](std::uint64_t n) {
    return n * (~std::uint64_t{0} / sets / 64) + 2;
  };
  for (std::uint64_t i = 0; i < DeltaTable::kWays; ++i) {
    assert_true(table.add(whole(in_the_first_set(i)), 0, 1, never));
  }
  const std::uint64_t key = in_the_first_set(DeltaTable::kWays);
  int asked = 0;
  assert_true(table.add(whole(key), 0, 3, [&](std::uint64_t, std::uint64_t) noexcept {
    if (asked++ == 0) {
      table.add(whole(key), 0, 4, [](std::uint64_t, std::uint64_t) noexcept { return true; });
      return false;
    }
    return true;
  }));
  assert_int_equal(table.pending(key, 0), 7);
  std::vector<std::int64_t> seen;
  assert_int_equal(table.take(key, 0, [&]() noexcept { seen.push_back(table.pending(key, 0)); }),
                   7);
  assert_true(seen == std::vector<std::int64_t>{7});
  assert_int_equal(table.take(key, 0), 0);
}

void bounds_of_a_delta(void**) {
  Memory memory(64 << 10);
  DeltaTable table = memory.attach();
  for (std::int64_t sign : {1, -1}) {
    std::int64_t most = sign * DeltaTable::kMaxDelta;
    table.add(whole(7), 0, most, never);
    assert_int_equal(table.pending(7, 0), most);
    table.add(whole(7), 0, most, never);
    assert_int_equal(table.take(7, 0), most);
    assert_int_equal(table.take(7, 0), 0);
  }
}

// What has been taken makes room; what has not, only if it is worth nothing.
void a_full_set(void**) {
  Memory memory(768);
  DeltaTable table = memory.attach();
  auto ways = static_cast<std::uint64_t>(table.capacity());
  for (std::uint64_t key = 1; key <= ways; ++key) assert_true(table.add(whole(key), 5, 1, never));
  assert_false(table.add(whole(99), 5, 1, never));
  assert_int_equal(table.stats().dropped, 1);
  assert_int_equal(table.pending(99, 5), 0);
  // Who is in it already has room.
  assert_true(table.add(whole(3), 5, 1, never));
  assert_true(table.add(whole(99), 6, 2, [](std::uint64_t hash, std::uint64_t window) noexcept {
    return hash == 4 && window == 5;
  }));
  assert_int_equal(table.pending(4, 5), 0);
  assert_int_equal(table.pending(99, 6), 2);
  table.take(1, 5);
  assert_true(table.add(whole(100), 5, 4, never));
  auto found = collect(table);
  assert_int_equal(found.size(), ways);
  assert_int_equal(found.count({1, 5}), 0);
  assert_int_equal((found[{100, 5}]), 4);
}

// A window of a key does not touch another one.
void windows_are_apart(void**) {
  Memory memory(64 << 10);
  DeltaTable table = memory.attach();
  table.add(whole(7), 1, 5, never);
  table.add(whole(7), 2, 6, never);
  assert_int_equal(table.take(7, 1), 5);
  assert_int_equal(table.pending(7, 2), 6);
}

void a_sweep_that_ends_early_leaves_the_rest(void**) {
  for (int after : {0, 1, 7, 100, 499}) {
    Memory memory(256 << 10);
    DeltaTable table = memory.attach();
    for (std::uint64_t key = 1; key <= 500; ++key) {
      table.add(whole(key * 0x9e3779b97f4a7c15), 0, 1, never);
    }
    auto sweep = table.sweep();
    for (int i = 0; i < after; ++i) {
      auto change = sweep.next();
      assert_true(change.has_value());
      assert_int_equal(table.take(change->hash.low, 0), 1);
    }
    sweep.stop();
    assert_false(sweep.next().has_value());
    assert_int_equal(collect(table).size(), 500 - static_cast<std::size_t>(after));
  }
}

// Processes, here by the tables that they have attached.
void what_is_in_flight_is_not_settled(void**) {
  Memory memory(64 << 10);
  DeltaTable one = memory.attach();
  DeltaTable other = memory.attach();
  one.enter(getpid());
  other.enter(getppid());
  one.begin(7, 1, 5);
  assert_int_equal(other.settled(7, 1), -5);
  one.add(whole(7), 1, 5, never);
  assert_int_equal(other.pending(7, 1), 5);
  assert_int_equal(other.settled(7, 1), 0);
  assert_int_equal(other.settled(7, 2), 0);
  assert_int_equal(other.settled(8, 1), 0);
  other.begin(7, 1, -2);
  assert_int_equal(other.settled(7, 1), -2);
  one.end();
  assert_int_equal(other.settled(7, 1), 3);
  other.add(whole(7), 1, -2, never);
  other.end();
  assert_int_equal(one.settled(7, 1), 3);
  // The table knows 0 and 1 as one key.
  one.begin(0, 1, 1);
  assert_int_equal(one.settled(1, 1), -1);
}

void whoever_comes_has_the_slot_of_a_dead_process(void**) {
  guard::unit::SharedMemory memory(64 << 10);
  DeltaTable table = DeltaTable::attach(memory.all());
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    table.enter(getpid());
    table.begin(7, 1, 5);
    _exit(0);
  }
  assert_int_equal(waitpid(child, nullptr, 0), child);
  assert_int_equal(table.settled(7, 1), -5);
  table.enter(getpid());
  assert_int_equal(table.settled(7, 1), 0);
  assert_int_equal(table.header().processes, 1);
  // Again, as after a reload without a master.
  table.enter(getpid());
  assert_int_equal(table.header().processes, 1);
}

void more_processes_than_slots(void**) {
  Memory memory(768);
  DeltaTable table = memory.attach();
  table.enter(getpid());
  table.begin(7, 1, 5);
  table.add(whole(7), 1, 5, never);
  assert_int_equal(table.settled(7, 1), 5);
  table.end();
  assert_int_equal(table.header().processes, 0);
}

// One that died in a sweep has taken marks with it.
void all_is_found_again(void**) {
  Memory memory(64 << 10);
  DeltaTable table = memory.attach();
  table.add(whole(7), 0, 5, never);
  {
    auto dies = table.sweep();
    dies.next();
  }
  assert_true(collect(table).empty());
  table.mark_all();
  assert_int_equal(collect(table).size(), 1);
}

void memory_is_inherited(void**) {
  Memory memory(64 << 10);
  DeltaTable table = memory.attach();
  assert_true(table.attached() == Attached::created);
  table.add(whole(7), 0, 5, never);
  table.header().ahead = 42;
  DeltaTable again = memory.attach();
  assert_true(again.attached() == Attached::inherited);
  assert_int_equal(again.take(7, 0), 5);
  assert_int_equal(again.header().ahead, 42);
  DeltaTable smaller = DeltaTable::attach(std::span(memory.bytes).first(32 << 10));
  assert_true(smaller.attached() == Attached::replaced);
  assert_false(smaller.any());
  assert_int_equal(smaller.header().ahead, 0);
  guard::unit::expect_error([&] { DeltaTable::attach(std::span(memory.bytes).first(100)); },
                            "the shared memory zone is too small");
}

// Every start of the memory is as good; nothing is written outside.
void memory_of_any_place_and_size(void**) {
  for (std::size_t size = 640; size < 1600; size += 7) {
    for (std::size_t offset : {0, 1, 8, 63}) {
      std::vector<std::byte> bytes(offset + size + 64, std::byte{0xa5});
      DeltaTable table = DeltaTable::attach(std::span(bytes).subspan(offset, size));
      for (std::uint64_t key = 1; key < 2000; ++key) table.add(whole(key << 50 | key), 0, 1, never);
      assert_int_equal(collect(table).size() + table.stats().dropped, 1999);
      for (std::size_t i = 0; i < offset; ++i) assert_true(bytes[i] == std::byte{0xa5});
      for (std::size_t i = offset + size; i < bytes.size(); ++i) {
        assert_true(bytes[i] == std::byte{0xa5});
      }
    }
  }
}

// A place that has another key now has the whole of that one's hash.
void hashes_are_whole(void**) {
  Memory memory(768);
  DeltaTable table = memory.attach();
  assert_int_equal(table.capacity(), DeltaTable::kWays);
  for (std::uint64_t round = 0; round < 100'000; ++round) {
    std::uint64_t low = round * 0x9e3779b97f4a7c15 | 2;
    assert_true(table.add(whole(low), 0, 1, never));
    auto found = table.sweep().next();
    assert_true(found.has_value());
    assert_true(*found == (Change{whole(low), 0, 1}));
    assert_int_equal(table.take(low, 0), 1);
  }
}

// Whoever has put a key in place died before he completed it: the next one of that key does.
void a_half_hash_is_told_to_nobody(void**) {
  Memory memory(768);
  DeltaTable table = memory.attach();
  auto* entries = reinterpret_cast<guard::core::Pair*>(
      reinterpret_cast<std::byte*>(&table.header()) + sizeof(guard::core::DeltaHeader) + 64);
  table.add(whole(7), 0, 5, never);
  assert_int_equal(entries->tag, 7);
  entries[DeltaTable::kWays] = {};
  table.mark_all();
  assert_false(table.sweep().next().has_value());
  assert_int_equal(table.pending(7, 0), 5);
  table.add(whole(7), 0, 1, never);
  assert_int_equal(collect(table).size(), 1);
}

// Three note, one sweeps: all that was noted is found exactly once.
void nothing_is_lost_or_counted_twice(void**) {
  // Crowded, so that places change their keys all the time.
  Memory memory(4096);
  DeltaTable table = memory.attach();
  constexpr std::uint64_t kKeys = 400;
  constexpr int kThreads = 3;
  std::atomic<int> running{kThreads};
  std::vector<std::atomic<std::int64_t>> noted(kKeys);
  std::vector<std::int64_t> found(kKeys);
  auto hash_of = [](std::uint64_t key) { return (key + 1) * 0x9e3779b97f4a7c15; };
  std::map<std::uint64_t, std::uint64_t> keys;
  for (std::uint64_t key = 0; key < kKeys; ++key) keys[hash_of(key)] = key;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t));
      for (int i = 0; i < 200'000; ++i) {
        std::uint64_t key = random() % (i % 2 == 0 ? 4 : kKeys);
        std::int64_t amount = static_cast<std::int64_t>(random() % 9) - 3;
        if (amount != 0 && table.add(whole(hash_of(key)), 0, amount, never)) noted[key] += amount;
      }
      --running;
    });
  }
  auto take_all = [&] {
    auto sweep = table.sweep();
    while (auto change = sweep.next()) {
      assert_int_equal(keys.count(change->hash.low), 1);
      assert_true(change->hash == whole(change->hash.low));
      found[keys[change->hash.low]] += table.take(change->hash.low, change->window);
    }
  };
  while (running != 0) take_all();
  for (std::thread& thread : threads) thread.join();
  take_all();
  for (std::uint64_t key = 0; key < kKeys; ++key) assert_int_equal(found[key], noted[key].load());
  assert_false(table.any());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(against_an_oracle),
      cmocka_unit_test(a_key_with_two_entries),
      cmocka_unit_test(bounds_of_a_delta),
      cmocka_unit_test(a_full_set),
      cmocka_unit_test(windows_are_apart),
      cmocka_unit_test(a_sweep_that_ends_early_leaves_the_rest),
      cmocka_unit_test(what_is_in_flight_is_not_settled),
      cmocka_unit_test(whoever_comes_has_the_slot_of_a_dead_process),
      cmocka_unit_test(more_processes_than_slots),
      cmocka_unit_test(all_is_found_again),
      cmocka_unit_test(memory_is_inherited),
      cmocka_unit_test(memory_of_any_place_and_size),
      cmocka_unit_test(hashes_are_whole),
      cmocka_unit_test(a_half_hash_is_told_to_nobody),
      cmocka_unit_test(nothing_is_lost_or_counted_twice),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
