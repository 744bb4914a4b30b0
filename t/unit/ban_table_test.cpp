#include "lockout/ban_table.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include "unit.h"

namespace {

using guard::core::CounterKey;
using guard::core::CounterTable;
using guard::lockout::Ban;
using guard::lockout::BanState;
using guard::lockout::BanTable;

constexpr std::uint64_t kSecond = 1'000'000;
constexpr BanTable::Rules kRules{600 * kSecond, 60'000, 10};

struct Memory {
  explicit Memory(std::size_t size) : bytes(size + 64) {}
  std::span<std::byte> all() { return bytes; }
  std::vector<std::byte> bytes;
};

// One set: 128 bytes of header, 256 of entries.
struct OneSet : Memory {
  OneSet() : Memory(128 + CounterTable::kSetSize), table(all(), kRules) {}
  BanTable table;
};

CounterKey key(std::uint64_t number, std::uint64_t network = 0) {
  return {number, network == 0 ? number : network, 0};
}

void bans_when_the_score_is_reached(void**) {
  OneSet one;
  std::uint64_t now = 1000 * kSecond;
  for (int i = 0; i < 9; ++i) {
    assert_true(one.table.add(key(1), 1, now, BanState::banned).state == BanState::none);
    assert_true(one.table.ban_of(1, now).state == BanState::none);
  }
  Ban made = one.table.add(key(1), 1, now, BanState::banned);
  assert_true(made.state == BanState::banned);
  assert_int_equal(made.score, 10);
  assert_int_equal(made.end, 1'060'000);
  Ban found = one.table.ban_of(1, now + 59 * kSecond);
  assert_true(found.state == BanState::banned);
  assert_int_equal(found.end, 1'060'000);
  assert_int_equal(found.score, 10);
  // Said once, whatever comes while it lasts.
  assert_true(one.table.add(key(1), 100, now + kSecond, BanState::banned).state == BanState::none);
  assert_int_equal(one.table.ban_of(1, now + kSecond).end, 1'060'000);
  assert_true(one.table.ban_of(2, now).state == BanState::none);
}

void a_ban_ends_and_leaves_nothing(void**) {
  OneSet one;
  std::uint64_t now = 1000 * kSecond;
  assert_true(one.table.add(key(1), 50, now, BanState::banned).state == BanState::banned);
  std::uint64_t after = now + 60 * kSecond;
  assert_true(one.table.ban_of(1, after).state == BanState::none);
  assert_true(one.table.score_of(1, after) == 0);
  assert_true(one.table.add(key(1), 9, after, BanState::banned).state == BanState::none);
  assert_true(one.table.add(key(1), 1, after, BanState::banned).state == BanState::banned);
}

void scores_decay(void**) {
  OneSet one;
  std::uint64_t now = 1000 * kSecond;
  one.table.add(key(1), 8, now, BanState::banned);
  assert_true(std::abs(one.table.score_of(1, now + 600 * kSecond) - 4) < 1e-6);
  assert_true(one.table.add(key(1), 5, now + 600 * kSecond, BanState::banned).state ==
              BanState::none);
  assert_true(one.table.add(key(1), 1, now + 600 * kSecond, BanState::banned).state ==
              BanState::banned);
}

void the_spared_are_told_apart(void**) {
  OneSet one;
  std::uint64_t now = 1000 * kSecond;
  assert_true(one.table.add(key(1), 10, now, BanState::spared).state == BanState::spared);
  assert_true(one.table.ban_of(1, now).state == BanState::spared);
  assert_true(one.table.add(key(1), 10, now, BanState::spared).state == BanState::none);
  // A ban from elsewhere is one all the same.
  assert_true(one.table.set_ban(key(1), {BanState::banned, 1'020'000, 12}, now));
  assert_true(one.table.ban_of(1, now).state == BanState::banned);
}

void takes_bans_from_elsewhere(void**) {
  OneSet one;
  std::uint64_t now = 1000 * kSecond;
  one.table.add(key(1), 3, now, BanState::banned);
  assert_true(one.table.set_ban(key(1), {BanState::banned, 1'030'000, 2'000'000}, now));
  assert_int_equal(one.table.ban_of(1, now).end, 1'030'000);
  assert_int_equal(one.table.ban_of(1, now).score, (1 << 20) - 1);
  assert_false(one.table.set_ban(key(1), {BanState::banned, 1'020'000, 10}, now));
  assert_false(one.table.set_ban(key(1), {BanState::banned, 1'030'000, 10}, now));
  assert_true(one.table.set_ban(key(1), {BanState::banned, 1'040'000, 10}, now));
  assert_int_equal(one.table.ban_of(1, now).end, 1'040'000);
}

void begins_anew_once_lifted(void**) {
  OneSet one;
  const std::uint64_t now = 1000 * kSecond;
  one.table.add(key(1), 10, now, BanState::banned);
  one.table.each_ban(now, [](std::uint64_t, const Ban&) { return BanTable::Visit::lift; });
  assert_true(one.table.ban_of(1, now).state == BanState::none);
  assert_true(one.table.score_of(1, now) == 0);
  assert_true(one.table.add(key(1), 9, now, BanState::banned).state == BanState::none);
}

void lists_bans(void**) {
  Memory memory(1 << 16);
  BanTable table(memory.all(), kRules);
  std::uint64_t now = 1000 * kSecond;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    BanState outcome = BanState::banned;
    if (i == 19) outcome = BanState::observed;
    if (i == 20) outcome = BanState::spared;
    table.add(key(i * 0x123456789abcdefULL), i, now, outcome);
  }
  using Visit = BanTable::Visit;
  std::size_t count = 0;
  table.each_ban(now, [&](std::uint64_t tag, const Ban& ban) {
    ++count;
    assert_int_equal(tag, (ban.score * 0x123456789abcdefULL) & guard::core::kKeyBits);
    assert_true(ban.state == (ban.score == 19 ? BanState::observed : BanState::banned));
    return ban.score == 12 ? Visit::lift : Visit::keep;
  });
  assert_int_equal(count, 10);  // 10 to 19
  assert_true(table.ban_of(12 * 0x123456789abcdefULL, now).state == BanState::none);
  assert_true(table.score_of(12 * 0x123456789abcdefULL, now) == 0);
  count = 0;
  auto visit = [&](std::uint64_t, const Ban&) {
    ++count;
    return Visit::keep;
  };
  table.each_ban(now, visit);
  assert_int_equal(count, 9);
  count = 0;
  table.each_ban(now + 60 * kSecond, visit);
  assert_int_equal(count, 0);
}

// A full set gives up the lowest score, never a ban before it.
void a_full_set_gives_up_the_lowest_score(void**) {
  OneSet one;
  std::uint64_t now = 1000 * kSecond;
  for (std::uint64_t i = 1; i <= 16; ++i) {
    double weight = i <= 8 ? 10 : static_cast<double>(i % 8 + 1);
    one.table.add(key(i), weight, now, BanState::banned);
  }
  assert_true(one.table.score_of(16, now) == 1);  // the lowest
  one.table.add(key(17), 5, now, BanState::banned);
  assert_true(one.table.score_of(16, now) == 0);
  for (std::uint64_t i = 1; i <= 8; ++i) {
    assert_true(one.table.ban_of(i, now).state == BanState::banned);
  }
  assert_int_equal(one.table.pressure(now), 1);
  assert_int_equal(one.table.pressure(now), 0);
  // However many come.
  for (std::uint64_t i = 100; i < 1000; ++i) one.table.add(key(i), 1, now, BanState::banned);
  for (std::uint64_t i = 1; i <= 8; ++i) {
    assert_true(one.table.ban_of(i, now).state == BanState::banned);
  }
  // Nor does a network that has bans give up one of them for its next client.
  for (std::uint64_t i = 2000; i < 2020; ++i) one.table.add(key(i, 77), 10, now, BanState::banned);
  for (std::uint64_t i = 1; i <= 8; ++i) {
    assert_true(one.table.ban_of(i, now).state == BanState::banned);
  }
}

// Only bans: the one that ends first goes.
void a_set_of_bans_gives_up_the_oldest(void**) {
  OneSet one;
  std::uint64_t now = 1000 * kSecond;
  for (std::uint64_t i = 1; i <= 16; ++i) {
    one.table.add(key(i), 10, now + (i == 7 ? 0 : i) * kSecond, BanState::banned);
  }
  now += 20 * kSecond;
  one.table.add(key(17), 10, now, BanState::banned);
  assert_true(one.table.ban_of(7, now).state == BanState::none);
  std::size_t banned = 0;
  for (std::uint64_t i = 1; i <= 17; ++i)
    banned += one.table.ban_of(i, now).state == BanState::banned;
  assert_int_equal(banned, 16);
}

void survives_a_reload(void**) {
  Memory memory(1 << 16);
  std::uint64_t now = 1000 * kSecond;
  BanTable(memory.all(), kRules).add(key(1), 10, now, BanState::banned);
  BanTable::Rules changed = kRules;
  changed.score = 20;
  changed.duration = 1000;
  BanTable again(memory.all(), changed);
  assert_true(again.zone().attached() == guard::core::Attached::inherited);
  assert_int_equal(again.ban_of(1, now).end, 1'060'000);
  changed.half_life *= 2;
  assert_true(BanTable(memory.all(), changed).zone().attached() == guard::core::Attached::replaced);
}

// Many at once on one key: one of them makes the ban, and no weight is lost.
void threads_make_one_ban(void**) {
  guard::unit::skip_under_valgrind();
  for (int round = 0; round < 50; ++round) {
    Memory memory(1 << 14);
    BanTable table(memory.all(), {600 * kSecond, 60'000, 400});
    std::uint64_t now = 1000 * kSecond;
    std::atomic<int> bans{0};
    std::atomic<int> early{0};
    std::vector<std::thread> threads;
    std::atomic<int> added{0};
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) {
          ++added;
          if (table.add(key(1), 1, now, BanState::banned).state == BanState::none) continue;
          ++bans;
          if (added.load() < 400) ++early;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    assert_int_equal(bans.load(), 1);
    assert_int_equal(early.load(), 0);
  }
}

void counts_what_is_in_force(void**) {
  OneSet one;
  std::uint64_t now = 1000 * kSecond;
  one.table.add(key(1), 3, now, BanState::banned);
  one.table.add(key(2), 10, now, BanState::banned);
  one.table.add(key(3), 10, now, BanState::observed);
  one.table.add(key(4), 10, now, BanState::spared);
  const auto tally = [&](std::uint64_t first, std::uint64_t count, std::uint64_t at) {
    std::uint64_t live = 0;
    std::uint64_t banned = 0;
    one.table.tally(first, count, at, live, banned);
    return live * 10 + banned;
  };
  assert_int_equal(tally(0, 100, now), 41);
  assert_int_equal(tally(1, 100, now), 0);
  assert_int_equal(tally(0, 0, now), 0);
  assert_int_equal(tally(0, 1, now + 60 * kSecond), 10);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(bans_when_the_score_is_reached),
      cmocka_unit_test(a_ban_ends_and_leaves_nothing),
      cmocka_unit_test(scores_decay),
      cmocka_unit_test(the_spared_are_told_apart),
      cmocka_unit_test(takes_bans_from_elsewhere),
      cmocka_unit_test(begins_anew_once_lifted),
      cmocka_unit_test(lists_bans),
      cmocka_unit_test(a_full_set_gives_up_the_lowest_score),
      cmocka_unit_test(a_set_of_bans_gives_up_the_oldest),
      cmocka_unit_test(survives_a_reload),
      cmocka_unit_test(threads_make_one_ban),
      cmocka_unit_test(counts_what_is_in_force),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
