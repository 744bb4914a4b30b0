// The ring of commands, against a queue of the standard library.

#include "redis/ring.h"

#include <deque>
#include <random>

#include "unit.h"

using guard::redis::Command;
using guard::redis::Ring;

namespace {

// Never looked at.
Command* command(std::uintptr_t number) {
  return reinterpret_cast<Command*>(number * 8);
}

void as_a_queue(void**) {
  struct Entry {
    Command* command;
    std::uint64_t ticket;
  };
  Ring ring;
  std::deque<Entry> sent;
  std::deque<Entry> unsent;
  std::mt19937 random(3);
  std::uintptr_t next = 1;
  for (int i = 0; i < 300'000; ++i) {
    // Long phases of growth and of shrinking.
    const bool growing = i / 5000 % 2 == 0;
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
        if (!growing && random() % 4 != 0) break;
        for (int n = 0; n < 3; ++n) {
          std::uint64_t ticket = 0;
          const bool room = sent.size() + unsent.size() < Ring::kMost;
          assert_int_equal(ring.push(command(next), ticket), room);
          if (room) unsent.push_back({command(next++), ticket});
        }
        break;
      case 3:
      case 4:
        for (int n = 0; n < 3 && !unsent.empty(); ++n) {
          assert_ptr_equal(ring.unsent().command, unsent.front().command);
          ring.advance();
          sent.push_back(unsent.front());
          unsent.pop_front();
        }
        break;
      case 5:
        if (growing) break;
        for (int n = 0; n < 9 && !sent.empty(); ++n) {
          assert_ptr_equal(ring.first().command, sent.front().command);
          ring.pop();
          sent.pop_front();
        }
        break;
      case 6:
        if (!sent.empty()) {
          Entry& entry = sent[random() % sent.size()];
          assert_true(ring.is_sent(entry.ticket));
          ring.empty(entry.ticket);
          entry.command = nullptr;
        }
        break;
      case 7:
        if (!unsent.empty()) {
          Entry& entry = unsent[random() % unsent.size()];
          assert_false(ring.is_sent(entry.ticket));
          ring.empty(entry.ticket);
          entry.command = nullptr;
        }
        break;
      default:
        break;
    }
    assert_int_equal(ring.size(), sent.size() + unsent.size());
    assert_int_equal(ring.has_sent(), !sent.empty());
    assert_int_equal(ring.has_unsent(), !unsent.empty());
  }
  while (!sent.empty()) {
    assert_ptr_equal(ring.take(), sent.front().command);
    sent.pop_front();
  }
  while (!unsent.empty()) {
    assert_ptr_equal(ring.take(), unsent.front().command);
    unsent.pop_front();
  }
  assert_int_equal(ring.size(), 0);
}

void bounded(void**) {
  Ring ring;
  std::uint64_t ticket = 0;
  for (std::size_t i = 0; i < Ring::kMost; ++i) assert_true(ring.push(command(1), ticket));
  assert_true(ring.full());
  assert_false(ring.push(command(1), ticket));
  ring.take();
  assert_true(ring.push(command(2), ticket));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(as_a_queue), cmocka_unit_test(bounded)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
