#include "core/turns.h"

#include <algorithm>
#include <array>
#include <deque>

#include "unit.h"

namespace {

using guard::core::Turns;
using Entry = Turns::Entry;

struct Waiter : Turns::Waiter {};

void first_come_first_served(void**) {
  Turns turns(2, 3);
  std::array<Waiter, 6> all;
  assert_true(turns.enter(all[0]) == Entry::taken);
  assert_true(turns.enter(all[1]) == Entry::taken);
  assert_null(turns.next());
  for (int i = 2; i < 5; ++i) assert_true(turns.enter(all[i]) == Entry::waiting);
  assert_true(turns.enter(all[5]) == Entry::full);
  assert_false(all[5].waits());
  assert_int_equal(turns.taken(), 2);
  assert_int_equal(turns.waiting(), 3);
  assert_null(turns.next());
  turns.leave();
  assert_ptr_equal(turns.next(), &all[2]);
  assert_false(all[2].waits());
  assert_null(turns.next());
  turns.leave();
  // Nobody comes before those who wait, though a place is free.
  assert_true(turns.enter(all[5]) == Entry::waiting);
  assert_ptr_equal(turns.next(), &all[3]);
  assert_ptr_equal(turns.turn_away(), &all[4]);
  assert_ptr_equal(turns.turn_away(), &all[5]);
  assert_null(turns.turn_away());
  assert_int_equal(turns.taken(), 2);
  assert_int_equal(turns.waiting(), 0);
}

void nobody_may_wait(void**) {
  Turns turns(1, 0);
  Waiter one;
  Waiter other;
  assert_true(turns.enter(one) == Entry::taken);
  assert_true(turns.enter(other) == Entry::full);
  turns.leave();
  assert_true(turns.enter(other) == Entry::taken);
}

// Against a queue that is one obviously.
void any_order(void**) {
  constexpr std::size_t kPlaces = 3;
  constexpr std::size_t kRoom = 5;
  Turns turns(kPlaces, kRoom);
  std::array<Waiter, 12> all;
  std::deque<Turns::Waiter*> queue;
  std::deque<Turns::Waiter*> inside;
  std::uint32_t random = 1;
  for (int i = 0; i < 100'000; ++i) {
    random = random * 1664525 + 1013904223;
    Waiter& one = all[random / 65536 % all.size()];
    const bool is_inside = std::ranges::find(inside, &one) != inside.end();
    if (is_inside) {
      std::erase(inside, &one);
      turns.leave();
    } else if (one.waits()) {
      std::erase(queue, &one);
      turns.forget(one);
    } else {
      const Entry entry = turns.enter(one);
      if (queue.empty() && inside.size() < kPlaces) {
        assert_true(entry == Entry::taken);
        inside.push_back(&one);
      } else if (queue.size() < kRoom) {
        assert_true(entry == Entry::waiting);
        queue.push_back(&one);
      } else {
        assert_true(entry == Entry::full);
      }
    }
    if (random / 16 % 4 == 0) {
      Turns::Waiter* next = turns.next();
      if (queue.empty() || inside.size() == kPlaces) {
        assert_null(next);
      } else {
        assert_ptr_equal(next, queue.front());
        queue.pop_front();
        inside.push_back(next);
      }
    }
    assert_int_equal(turns.taken(), inside.size());
    assert_int_equal(turns.waiting(), queue.size());
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(first_come_first_served),
                              cmocka_unit_test(nobody_may_wait), cmocka_unit_test(any_order)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
