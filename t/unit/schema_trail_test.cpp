#include "json/schema_trail.h"

#include <random>
#include <set>
#include <vector>

#include "unit.h"

using guard::json::SchemaTrail;

namespace {

constexpr std::size_t kKeep = 1000;

void add_and_cut(void**) {
  SchemaTrail trail;
  assert_true(trail.prepare(10, kKeep));
  assert_false(trail.has(0));
  assert_true(trail.add(3) && trail.add(7) && trail.add(3));
  assert_int_equal(trail.size(), 2);
  assert_true(trail.has(3) && trail.has(7) && !trail.has(4));
  trail.cut(1);
  assert_true(trail.has(3) && !trail.has(7));
  assert_true(trail.add(4));
  assert_true(trail.has(4) && !trail.has(7));
  assert_true(trail.prepare(10, kKeep));
  assert_false(trail.has(3));
}

void inner_sets(void**) {
  SchemaTrail trail;
  assert_true(trail.prepare(10, kKeep));
  assert_true(trail.add(1) && trail.add(2));
  const std::uint32_t outer = trail.open();
  assert_false(trail.has(1));
  assert_true(trail.add(2) && trail.add(3));
  trail.close(outer, true);
  assert_true(trail.has(1) && trail.has(2) && trail.has(3));
  assert_int_equal(trail.size(), 3);
  const std::uint32_t again = trail.open();
  assert_true(trail.add(1) && trail.add(4));
  trail.cut(3);  // what a branch added that failed
  assert_false(trail.has(1));
  assert_true(trail.add(5));
  trail.close(again, false);
  assert_true(trail.has(1) && trail.has(2) && trail.has(3));
  assert_false(trail.has(4) || trail.has(5));
}

// Against sets that are copied whenever they may have to be gone back to.
void agrees_with_sets(void**) {
  constexpr std::uint32_t kNodes = 12;
  std::mt19937 random(4);
  for (int round = 0; round < 2'000; ++round) {
    SchemaTrail trail;
    assert_true(trail.prepare(kNodes, kKeep));
    struct Level {
      std::set<std::uint32_t> set;
      std::uint32_t outer;
      std::vector<std::pair<std::uint32_t, std::set<std::uint32_t>>> marks;
    };
    std::vector<Level> levels(1);
    for (int step = 0; step < 60; ++step) {
      Level& level = levels.back();
      switch (random() % 6) {
        case 0:
          levels.push_back({{}, trail.open(), {}});
          break;
        case 1: {
          if (levels.size() == 1) break;
          const bool keep = random() % 2 == 0;
          trail.close(level.outer, keep);
          const std::set<std::uint32_t> inner = level.set;
          levels.pop_back();
          if (keep) levels.back().set.insert(inner.begin(), inner.end());
          break;
        }
        case 2:
          level.marks.emplace_back(trail.size(), level.set);
          break;
        case 3:
          if (level.marks.empty()) break;
          trail.cut(level.marks.back().first);
          level.set = level.marks.back().second;
          level.marks.pop_back();
          break;
        default: {
          const std::uint32_t node = random() % kNodes;
          assert_true(trail.add(node));
          level.set.insert(node);
        }
      }
      for (std::uint32_t node = 0; node < kNodes; ++node) {
        assert_int_equal(trail.has(node), levels.back().set.contains(node));
      }
    }
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(add_and_cut),
      cmocka_unit_test(inner_sets),
      cmocka_unit_test(agrees_with_sets),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
