#include "lockout/admin.h"

#include <vector>

#include "hashes.h"
#include "unit.h"

using namespace guard::lockout;
using guard::unit::hash_of;

namespace {

constexpr std::uint64_t kNow = 1'000'000;  // milliseconds
constexpr std::uint64_t kCount = kMaxListed + 200;
constexpr std::uint64_t kAccount = 7;

Found room() {
  Found found;
  found.locks.reserve(kMaxListed);
  found.bans.reserve(kMaxListed);
  return found;
}

// A distributed attack leaves thousands of locks of one account. What is lifted without being told
// would neither be an event nor be lifted in Redis.
void lifts_what_it_tells(void**) {
  Guarded policy;
  policy.limit = 1;
  policy.window = std::chrono::minutes(15);
  policy.duration = policy.longest = std::chrono::minutes(30);
  std::vector<std::byte> memory(1 << 20);
  policy.attach(memory);
  for (std::uint64_t n = 0; n < kCount; ++n) {
    const LockKey key{{hash_of(2 * n), hash_of(2 * n + 1)}, hash_of(n), kAccount};
    assert_true(policy.table->fail(key, 0, kNow).locks);
  }
  assert_int_equal(policy.table->evictions(), 0);
  AdminQuery query;
  query.accounts.emplace_back("ann");
  for (std::uint64_t left : {kMaxListed, kCount - kMaxListed, std::uint64_t{0}}) {
    Found found = room();
    find_locks(policy, query, kAccount, true, kNow + 1, found);
    assert_int_equal(found.locks.size(), left);
    assert_int_equal(found.truncated, left == kMaxListed);
  }
}

void lifts_the_bans_that_it_tells(void**) {
  BanRegister policy;
  BanPolicy words;
  words.half_life = std::chrono::minutes(10);
  words.duration = std::chrono::hours(1);
  policy.define(words);
  std::vector<std::byte> memory(1 << 18);
  policy.attach(memory);
  for (std::uint64_t n = 0; n < kCount; ++n) {
    const Ban ban = policy.table->add({hash_of(n), n, 0}, 1, kNow * 1000, BanState::banned);
    assert_true(ban.state == BanState::banned);
  }
  for (std::uint64_t left : {kMaxListed, kCount - kMaxListed, std::uint64_t{0}}) {
    Found found = room();
    find_bans(policy, {}, std::nullopt, true, kNow * 1000 + 1, found);
    assert_int_equal(found.bans.size(), left);
    assert_int_equal(found.truncated, left == kMaxListed);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(lifts_what_it_tells),
      cmocka_unit_test(lifts_the_bans_that_it_tells),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
