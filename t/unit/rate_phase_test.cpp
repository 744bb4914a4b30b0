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
  return key_warning(policy(phase, std::move(variables)), kOrigin);
}

std::string cost(Phase phase, std::vector<std::string> key,
                 std::vector<std::string_view> variables) {
  return cost_warning(policy(phase, std::move(key)), "COST", variables, kOrigin);
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

void warnings_of_what_tells_of_the_answer(void**) {
  for (const Phase phase : {Phase::automatic, Phase::front, Phase::inner}) {
    for (const char* name :
         {"upstream_http_x_user", "upstream_cookie_x", "sent_http_x", "sent_trailer_x", "status",
          "bytes_sent", "body_bytes_sent", "request_completion", "guard_inspect_response_score",
          "upstream_addr"}) {
      expect_text(
          warning(phase, {"host", name}),
          "rate policy \"api\" is asked before there is an answer, and \"$" + std::string(name) +
              "\" of its key tells of that: it says nothing yet, except after an internal redirect "
              "that an answer has led to");
    }
    expect_text(warning(phase, {"http_upstream_x", "arg_status", "upstream_user", "statuses"}), "");
  }
  expect_text(cost(Phase::inner, {"host"}, {"Upstream_Http_X"}),
              "rate policy \"api\" is asked before there is an answer, and \"$Upstream_Http_X\" of "
              "its cost tells of that: it says nothing yet, except after an internal redirect that "
              "an answer has led to");
}

void warnings_of_costs(void**) {
  expect_text(cost(Phase::automatic, {"host"}, {}), "");
  expect_text(cost(Phase::automatic, {"host"}, {"host"}), "");
  expect_text(cost(Phase::automatic, {"host"}, {"map", "body"}), "");
  expect_text(cost(Phase::automatic, {"body"}, {"map"}), "");
  expect_text(cost(Phase::front, {"host"}, {"map"}), "");
  expect_text(cost(Phase::inner, {"host"}, {"map", "body"}), "");
  expect_text(cost(Phase::front, {"body"}, {"host"}), "");
  expect_text(cost(Phase::front, {"host"}, {"host", "body"}),
              "rate policy \"api\" has \"phase=front\", where its cost \"COST\" is not known yet");
  expect_text(cost(Phase::automatic, {"map_a"}, {"host", "map_b", "map_c"}),
              "rate policy \"api\" is asked before the body is known, and \"$map_b\" of its cost "
              "is made by another directive: write \"phase=front\", or \"phase=inner\" if that "
              "takes it from the body");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(gates), cmocka_unit_test(warnings),
                              cmocka_unit_test(warnings_of_what_tells_of_the_answer),
                              cmocka_unit_test(warnings_of_costs)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
