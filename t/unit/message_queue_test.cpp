#include "core/message_queue.h"

#include <deque>

#include "unit.h"

namespace core = guard::core;
using guard::unit::expect_text;

namespace {

void in_order(void**) {
  core::MessageQueue queue(64);
  assert_true(queue.empty());
  assert_true(queue.push({"a", "", "bc"}));
  assert_true(queue.push({""}));
  assert_true(queue.push({"d"}));
  expect_text(queue.front(), "abc");
  std::string all;
  const std::size_t shown = queue.each([&](std::string_view message) {
    all.append(message).append("|");
    return all.size() < 6;
  });
  expect_text(all, "abc||d|");
  assert_int_equal(shown, 2);
  queue.pop();
  expect_text(queue.front(), "");
  queue.pop();
  expect_text(queue.front(), "d");
  queue.pop();
  assert_true(queue.empty());
}

void whole_or_not_at_all(void**) {
  core::MessageQueue queue(20);
  assert_true(queue.push({"0123456789"}));
  assert_false(queue.push({"abc"}));
  assert_true(queue.push({"ab"}));
  assert_false(queue.push({""}));
  queue.pop();
  assert_true(queue.push({"0123456789"}));
  expect_text(queue.front(), "ab");
  core::MessageQueue exact(14);
  assert_true(exact.push({"0123456789"}));
  assert_false(core::MessageQueue(13).push({"0123456789"}));
}

// Against a list, over many turns of the memory.
void like_a_list(void**) {
  core::MessageQueue queue(500);
  std::deque<std::string> list;
  std::uint64_t random = 1;
  const auto next = [&](std::uint64_t below) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (random >> 33U) % below;
  };
  std::size_t refused = 0;
  for (int i = 0; i < 20000; ++i) {
    if (next(2) == 0 && !list.empty()) {
      expect_text(queue.front(), list.front());
      queue.pop();
      list.pop_front();
      continue;
    }
    const std::string message(next(90), static_cast<char>('a' + i % 26));
    std::size_t used = 0;
    for (const std::string& one : list) used += one.size() + 4;
    const bool fits = used + message.size() + 4 <= 500;
    assert_true(queue.push({message}) == fits);
    if (fits) list.push_back(message);
    if (!fits) ++refused;
  }
  assert_true(refused > 100);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(in_order), cmocka_unit_test(whole_or_not_at_all),
                              cmocka_unit_test(like_a_list)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
