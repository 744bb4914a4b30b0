#include "rate/phase.h"

#include <vector>

#include "unit.h"

using namespace guard::rate;
using guard::unit::expect_text;

namespace {

// Variables that are named after where they come from.
const VariableOrigin kOrigin = {
    [](std::string_view variable) { return variable.starts_with("body"); },
    [](std::string_view variable) { return variable.starts_with("map"); }};

Policy policy(Phase phase, std::vector<std::string> variables) {
  Policy p;
  p.name = "api";
  p.key = "KEY";
  p.phase = phase;
  p.variables = std::move(variables);
  return p;
}

bool inner(Phase phase, std::vector<std::string> variables,
           std::vector<std::string_view> cost = {}) {
  return is_inner(policy(phase, std::move(variables)), cost, kOrigin);
}

std::string warning(Phase phase, std::vector<std::string> variables) {
  return phase_warning(policy(phase, std::move(variables)), kOrigin);
}

void gates(void**) {
  assert_false(inner(Phase::automatic, {}));
  assert_false(inner(Phase::automatic, {"host", "map"}));
  assert_true(inner(Phase::automatic, {"host", "body"}));
  assert_true(inner(Phase::automatic, {"host"}, {"host", "body"}));
  assert_false(inner(Phase::automatic, {"host"}, {"host", "map"}));
  assert_false(inner(Phase::front, {"body"}, {"body"}));
  assert_true(inner(Phase::inner, {"host"}));
}

void warnings(void**) {
  expect_text(warning(Phase::automatic, {}), "");
  expect_text(warning(Phase::automatic, {"host", "body"}), "");
  expect_text(warning(Phase::automatic, {"map", "body"}), "");
  expect_text(warning(Phase::front, {"host", "map"}), "");
  expect_text(warning(Phase::inner, {"host", "map", "body"}), "");
  expect_text(warning(Phase::front, {"host", "body"}),
              "rate policy \"api\" has \"phase=front\", where its key \"KEY\" is not known yet");
  expect_text(
      warning(Phase::automatic, {"host", "map_a", "map_b"}),
      "rate policy \"api\" is asked before the body is known, and \"$map_a\" of its key is "
      "made by another directive: write \"phase=front\", or \"phase=inner\" if that takes it "
      "from the body");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(gates), cmocka_unit_test(warnings)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
