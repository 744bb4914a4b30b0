// SecLang as text: lines, words, targets, operators, actions.
#include "inspect/seclang.h"

#include <sstream>

#include "core/words.h"
#include "inspect/rule_set.h"
#include "unit.h"

namespace {

using namespace guard;
using namespace guard::inspect;

std::vector<Directive> parse(std::string_view text) {
  std::vector<Directive> all;
  parse_seclang(text, "f", [&](Directive&& one) { all.push_back(std::move(one)); });
  return all;
}

std::string error_of(std::string_view text) {
  try {
    RuleSetBuilder builder;
    builder.add_text(text, "f");
    builder.finish();
  } catch (const core::ConfigError& error) {
    return error.what();
  }
  return "none";
}

void reads_words(void**) {
  const auto all =
      parse("# no\nSecRule A|B \\\n  \"@rx a\\\"b\\\\d\" 'id:1,msg:x'\n\nSecMarker END\n");
  assert_int_equal(all.size(), 2);
  assert_true(all[0].name == "SecRule");
  assert_int_equal(all[0].at.line, 2);
  assert_true(all[0].words[1] == "@rx a\"b\\d");
  assert_true(all[0].words[2] == "id:1,msg:x");
  assert_int_equal(all[1].at.line, 5);
}

void joins_lines(void**) {
  const auto all = parse(
      "SecRule A|\\\n  B \"@pm a\\\n  b \\\" \\ \r\n\tc\" \\\n  'x\\\n y'\n"
      "#SecRule A \\\n  \"@rx \\\n b\"\n# b\\\nSecMarker C\n  # SecAction a\\\n\n# "
      "secaction\nSecMarker D\n");
  assert_int_equal(all.size(), 3);
  assert_true(all[0].words == (std::vector<std::string>{"A|B", "@pm a  b \" \tc", "x y"}));
  assert_true(all[1].words[0] == "C");
  assert_true(all[2].words[0] == "D");
}

void reads_targets(void**) {
  const auto targets = parse_targets("ARGS|!ARGS:/^a|b/|&TX:x|XML:/*|REQUEST_HEADERS:'/a/'", {});
  assert_int_equal(targets.size(), 5);
  assert_true(targets[1].exclude);
  assert_true(targets[1].selector == Selector::regex);
  assert_true(targets[1].text == "^a|b");
  assert_true(targets[2].count);
  assert_true(targets[3].text == "/*");
  assert_true(targets[4].selector == Selector::regex);
  assert_true(targets[4].text == "a");
}

void reads_operators(void**) {
  assert_true(parse_operator("!@within a b", {}).negated);
  assert_true(parse_operator("!@within a b", {}).argument == "a b");
  assert_true(parse_operator("^a$", {}).op == Operator::rx);
}

void reads_actions(void**) {
  const auto actions = parse_actions("id:1, t:none,msg:'a, \\'b\\'',setvar:tx.a=+1,chain", {});
  assert_int_equal(actions.size(), 5);
  assert_true(actions[2].value == "a, 'b'");
  assert_true(actions[3].value == "tx.a=+1");
  assert_true(actions[4].name == "chain");
}

void says_what_is_wrong(void**) {
  const auto is = [](std::string_view text, std::string_view error) {
    const std::string found = error_of(text);
    if (found != error) print_error("%s\n", found.c_str());
    assert_true(found == error);
  };
  is("\nSecRuel ARGS a", "f:2: unknown directive \"SecRuel\"");
  is("SecRule ARGZ a \"id:1\"", "f:1: unknown variable \"ARGZ\"");
  is("SecRule ARGS \"@rxx a\" \"id:1\"", "f:1: unknown operator \"@rxx\"");
  is("SecRule ARGS a \"id:1,t:urldecod\"", "f:1: unknown transformation \"urldecod\"");
  is("SecRule ARGS a \"id:1,denny\"", "f:1: unknown action \"denny\"");
  is("SecRule ARGS a \"id:1,ctl:x=y\"", "f:1: unknown control \"x=y\"");
  is("SecRule ARGS a \"deny\"", "f:1: a rule without an id");
  is("SecRule ARGS \"a", "f:1: a quote is not closed");
  is("SecRule ARGS a \"id:1,chain\"", "f:1: a chain without its next rule");
  is("SecAction \"id:1\"\nSecAction \"id:1\"", "f:2: the rule id 1 is also at f:1");
  is("SecAction \"id:1,phase:6\"", "f:1: unknown phase \"6\"");
  is("SecAction \"id:1,msg:'%{nothing}'\"", "f:1: unknown macro \"%{nothing}\"");
  is("SecAction \"id:1,msg:'%{tx}'\"", "f:1: unknown macro \"%{tx}\"");
  is("SecAction \"id:1,msg:'a %{tx.a'\"", "f:1: a macro is not closed in \"%{tx.a\"");
  is("SecRuleRemoveById x", "f:1: \"x\" is no rule id and no range of them");
  is("SecAction \"id:1,redirect\"", "f:1: redirect needs an address");
  is("SecAction \"id:1\"\nInclude /no/such.conf", "f:2: no rule file \"/no/such.conf\"");
  is("SecAction \"id:1\"\nIncludeOptional /no/such*.conf", "none");
  is("SecRule ARGS \"@eq\" \"id:1\"", "f:1: \"@eq\" needs something to compare with");
  is("SecRule ARGS \"!@beginsWith \" \"id:1\"",
     "f:1: \"@beginsWith\" needs something to compare with");
  is("SecRule ARGS \"@detectSQLi\" \"id:1\"\nSecRule ARGS \"!@validateUrlEncoding\" \"id:2\"",
     "none");
  // Of changes the change, whether or not its rule is there.
  is("SecRuleUpdateActionById 9 \"denny\"", "f:1: unknown action \"denny\"");
  is("SecAction \"id:1\"\nSecRuleUpdateActionById 1 \"status:9\"", "f:2: \"9\" is no status");
  is("SecAction \"id:1\"\nSecRuleUpdateActionById 1 \"id:2\"",
     "f:2: an id is the first rule's of a chain");
  is("SecAction \"id:1\"\nSecRuleUpdateActionById 1 \"phase:1\"",
     "f:2: the phase of a rule cannot be changed");
  is("SecAction \"id:1\"\nSecRuleUpdateActionById 1 \"chain\"",
     "f:2: a rule cannot be chained by a change");
}

void warns_of_what_is_not_there(void**) {
  RuleSetBuilder builder;
  builder.add_text(
      "SecMarker BEFORE\nSecAction \"id:1,skipAfter:BEFORE\"\nSecAction \"id:2,skipAfter:BEHIND\"\n"
      "SecRule ARGS a \"id:3,chain\"\nSecRule ARGS b \"skipAfter:NOWHERE\"\n"
      "SecAction \"id:4,skipAfter:NOWHERE\"\nSecRuleRemoveById 4\nSecRuleRemoveById 5\nSecMarker "
      "BEHIND\n",
      "f");
  const std::vector<std::string> warnings = builder.finish().warnings;
  assert_int_equal(warnings.size(), 3);
  assert_string_equal(warnings[0].c_str(), "f:8: no rule is meant by \"5\"");
  assert_string_equal(
      warnings[1].c_str(),
      "f:2: no SecMarker \"BEFORE\" is behind it, the rest of the phase is skipped");
  assert_string_equal(
      warnings[2].c_str(),
      "f:5: no SecMarker \"NOWHERE\" is behind it, the rest of the phase is skipped");
}

void changes_rules(void**) {
  RuleSetBuilder builder;
  builder.add_text(
      "SecRule ARGS a \"id:1,tag:'t'\"\nSecAction \"id:2\"\nSecRuleRemoveById 2\n"
      "SecRuleUpdateTargetByTag t \"!ARGS:b\"\nSecRuleUpdateActionById 1 \"deny,status:409\"\n",
      "f");
  const RuleSet set = builder.finish();
  assert_int_equal(set.steps[1].size(), 1);
  assert_int_equal(set.rules[0].targets.size(), 2);
  assert_true(set.rules[0].disruption == Disruption::deny);
  assert_int_equal(set.rules[0].status, 409);
}

// What guardctl says is known is so.
void takes_its_vocabulary(void**) {
  const auto value_of = [](const std::string& action) -> std::string {
    if (action == "ctl") return ":ruleEngine=On";
    if (action == "phase" || action == "severity" || action == "skip") return ":2";
    if (action == "setvar") return ":tx.a=1";
    if (action == "status") return ":403";
    if (action == "t") return ":none";
    return action == "allow" || action == "multimatch" ? "" : ":x";
  };
  const auto control_of = [](const std::string& control) -> std::string {
    if (control.starts_with("ruleremovetarget")) return control + "=1;ARGS";
    if (control.starts_with("ruleremove")) return control + "=1";
    return control + (control == "requestbodyprocessor" ? "=XML" : "=On");
  };
  std::string rules;
  std::size_t words = 0;
  std::istringstream vocabulary(vocabulary_text());
  for (std::string line; std::getline(vocabulary, line); ++words) {
    std::istringstream parts(line);
    std::string kind;
    std::string word;
    parts >> kind >> word;
    const std::string id = std::to_string(1000 + words);
    if (kind == "variable") rules += "SecRule " + word + " a \"id:" + id + "\"\n";
    if (kind == "operator") rules += "SecRule ARGS \"@" + word + " 1\" \"id:" + id + "\"\n";
    if (kind == "transformation") rules += "SecAction \"id:" + id + ",t:" + word + "\"\n";
    if (kind == "ctl") rules += "SecAction \"id:" + id + ",ctl:" + control_of(word) + "\"\n";
    if (kind == "directive" && line.ends_with(" ignored")) rules += word + " On\n";
    if (kind == "action" && word != "id") {
      rules += "SecAction \"id:" + id + "," + word + value_of(word) + "\"\n";
      if (word == "chain") rules += "SecAction \"nolog\"\n";
    }
  }
  assert_true(words > 200);
  RuleSetBuilder builder;
  builder.add_text(rules, "f");
  assert_true(builder.finish().rules.size() > 150);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(joins_lines),
      cmocka_unit_test(reads_words),
      cmocka_unit_test(reads_targets),
      cmocka_unit_test(reads_operators),
      cmocka_unit_test(reads_actions),
      cmocka_unit_test(says_what_is_wrong),
      cmocka_unit_test(warns_of_what_is_not_there),
      cmocka_unit_test(changes_rules),
      cmocka_unit_test(takes_its_vocabulary),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
