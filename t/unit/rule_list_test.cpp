// What is told of rules that have matched.
#include "inspect/rule_list.h"

#include <deque>
#include <string>

#include "unit.h"

namespace {

using namespace guard::inspect;

struct Matches {
  std::deque<Rule> rules;
  std::vector<Match> all;

  void add(std::uint32_t id, std::uint8_t severity, std::string_view variable) {
    Rule& rule = rules.emplace_back();
    rule.id = id;
    rule.severity = severity;
    all.push_back({&rule, variable, {}, 0, {}, {}});
  }
};

std::string joined(std::string_view first, std::string_view second) {
  RuleListText text{};
  return std::string(join_rules(first, second, text));
}

void lists_ids(void**) {
  RuleListText text{};
  Matches matches;
  assert_true(list_rules(matches.all, text).empty());
  matches.add(942100, 2, "ARGS:id");
  assert_true(list_rules(matches.all, text) == "942100");
  matches.add(949110, 2, "TX:score");
  assert_true(list_rules(matches.all, text) == "942100,949110");
}

// Whole ids, as long as they may be.
void cuts_lists(void**) {
  RuleListText text{};
  Matches matches;
  for (int i = 0; i < 100; ++i) matches.add(4'294'967'295, 2, "");
  const std::string list(list_rules(matches.all, text));
  assert_true(list.size() <= kMaxRuleList);
  assert_true(list.size() > kMaxRuleList - 11);
  assert_true(list.starts_with("4294967295,4294967295,"));
  assert_true(list.ends_with(",4294967295"));
  const std::string twice = joined(list, list);
  assert_true(twice == list + "," + list);
  // What has been joined is joined again.
  const std::string thrice = joined(twice, "1");
  assert_true(thrice == list + ",1");
  assert_true(joined(std::string(600, '9'), "1") == "1");
}

void joins_lists(void**) {
  assert_true(joined("", "").empty());
  assert_true(joined("1,2", "") == "1,2");
  assert_true(joined("", "3") == "3");
  assert_true(joined("1,2", "3") == "1,2,3");
}

void tells_where(void**) {
  Matches matches;
  assert_true(first_place(matches.all).empty());
  matches.add(1, 5, "ARGS:notice");
  matches.add(2, kNoSeverity, "TX:sum");
  matches.add(3, 2, "");
  assert_true(first_place(matches.all).empty());
  matches.add(4, 4, "ARGS:");
  assert_true(first_place(matches.all) == "ARGS:");
  matches.add(5, 2, "ARGS:later");
  assert_true(first_place(matches.all) == "ARGS:");
  Matches longer;
  const std::string name(1000, 'n');
  longer.add(1, 0, name);
  assert_true(first_place(longer.all) == name.substr(0, 128));
}

// Of a long value the part where something was found, with a little before it.
void shows_excerpts(void**) {
  Matches matches;
  assert_true(first_excerpt(matches.all).empty());
  matches.add(1, 5, "ARGS:notice");
  matches.all.back().value = "a notice";
  matches.add(2, 2, "ARGS:q");
  matches.all.back().value = "short <b>";
  matches.all.back().found = 6;
  assert_true(first_excerpt(matches.all) == "short <b>");
  const std::string value =
      std::string(100, 'a') + "0123456789abcdef<script>" + std::string(100, 'z');
  matches.all.back().value = value;
  matches.all.back().found = 116;
  assert_true(first_excerpt(matches.all) == "0123456789abcdef<script>" + std::string(40, 'z'));
  matches.all.back().found = 0;
  assert_true(first_excerpt(matches.all) == std::string(64, 'a'));
  matches.all.back().found = value.size();
  assert_true(first_excerpt(matches.all) == std::string(16, 'z'));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(lists_ids),   cmocka_unit_test(shows_excerpts), cmocka_unit_test(cuts_lists),
      cmocka_unit_test(joins_lists), cmocka_unit_test(tells_where),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
