// One holder at a time, whatever becomes of the others.
#include "core/lease.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "unit.h"

using guard::core::Lease;

namespace {

// The number of a process that is gone.
pid_t gone() {
  pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

void one_holds(void**) {
  std::uint64_t word = 0;
  // Both are alive.
  Lease one(word, getpid()), other(word, getppid());
  assert_true(one.hold(1000, 100));
  assert_true(one.held());
  assert_false(other.hold(1000, 100));
  assert_false(other.held());
  // Renewed in time.
  assert_true(one.hold(1090, 100));
  assert_false(other.hold(1189, 100));
  // Not renewed.
  assert_true(other.hold(1190, 100));
  assert_false(one.hold(1191, 100));
  assert_false(one.held());
  // Who has lost it releases nothing.
  one.release();
  assert_false(one.hold(1191, 100));
  other.release();
  assert_int_equal(word, 0);
  assert_true(one.hold(1191, 100));
}

// A holder that was late, but whom nobody has replaced, has it still.
void late_is_not_lost(void**) {
  std::uint64_t word = 0;
  Lease one(word, getpid()), other(word, getppid());
  assert_true(one.hold(1000, 100));
  assert_true(one.hold(9000, 100));
  assert_false(other.hold(9001, 100));
}

void the_dead_are_replaced_at_once(void**) {
  std::uint64_t word = 0;
  Lease dead(word, gone()), one(word, getpid());
  assert_true(dead.hold(1000, 100'000));
  assert_true(one.hold(1001, 100));
  assert_true(one.held());
}

// Its number belongs to a process that never took it.
void a_number_is_used_again(void**) {
  std::uint64_t word = 0;
  Lease before(word, getppid());
  assert_true(before.hold(1000, 100));
  Lease again(word, getppid());
  assert_false(again.hold(1050, 100));
  assert_true(again.hold(1100, 100));
}

void many_want_it(void**) {
  for (int round = 0; round < 200; ++round) {
    std::uint64_t word = 0;
    int winners = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        Lease mine(word, i % 2 == 0 ? getpid() : getppid());
        if (mine.hold(1000, 100)) __atomic_fetch_add(&winners, 1, __ATOMIC_RELAXED);
      });
    }
    for (std::thread& thread : threads) thread.join();
    assert_int_equal(winners, 1);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(one_holds),
      cmocka_unit_test(late_is_not_lost),
      cmocka_unit_test(the_dead_are_replaced_at_once),
      cmocka_unit_test(a_number_is_used_again),
      cmocka_unit_test(many_want_it),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
