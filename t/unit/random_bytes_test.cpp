// Random bytes drawn from a stock: none twice, not even by two processes.

#include "core/random_bytes.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <vector>

#include "unit.h"

using guard::core::random_bytes;

namespace {

using Id = std::array<unsigned char, 16>;

Id draw() {
  Id id{};
  assert_true(random_bytes(id));
  return id;
}

void test_none_comes_twice(void**) {
  std::set<Id> seen;
  for (int i = 0; i < 10000; ++i) assert_true(seen.insert(draw()).second);
}

void test_every_size(void**) {
  for (std::size_t size = 0; size < 3000; ++size) {
    std::vector<unsigned char> bytes(size + 1, 0);
    assert_true(random_bytes(std::span(bytes).first(size)));
    assert_int_equal(bytes.back(), 0);
    // 16 zeros in a row come once in 2^128 times.
    if (size >= 16) {
      assert_true(std::set(bytes.end() - 17, bytes.end() - 1) != std::set<unsigned char>{0});
    }
  }
}

void test_every_bit(void**) {
  Id any{};
  Id every;
  every.fill(0xff);
  for (int i = 0; i < 200; ++i) {
    const Id id = draw();
    for (std::size_t k = 0; k < id.size(); ++k) {
      any[k] |= id[k];
      every[k] &= id[k];
    }
  }
  for (std::size_t k = 0; k < any.size(); ++k) {
    assert_int_equal(any[k], 0xff);
    assert_int_equal(every[k], 0);
  }
}

void test_a_child_draws_its_own(void**) {
  draw();
  int ends[2];
  assert_int_equal(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    Id id{};
    const bool done =
        random_bytes(id) && ::write(ends[1], id.data(), id.size()) == ssize_t(id.size());
    ::_exit(done ? 0 : 1);
  }
  const Id ours = draw();
  Id theirs{};
  assert_int_equal(::read(ends[0], theirs.data(), theirs.size()), theirs.size());
  int status = 1;
  assert_int_equal(::waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_true(ours != theirs);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_none_comes_twice),
      cmocka_unit_test(test_every_size),
      cmocka_unit_test(test_every_bit),
      cmocka_unit_test(test_a_child_draws_its_own),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
