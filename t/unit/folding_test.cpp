// What rules come to is told before there is a request: never anything else than requests find.
#include "inspect/folding.h"

#include <cstdint>
#include <string>
#include <vector>

#include "inspect/inspection.h"
#include "inspect/rule_set.h"
#include "unit.h"

namespace {

using namespace guard::inspect;

RuleSet rules_of(const std::string& text) {
  RuleSetBuilder builder;
  builder.add_text(text, "f");
  return builder.finish();
}

// The rules that requests ask, of both phases: "1 3 | 4".
std::string asked(const std::string& text, int paranoia = 0) {
  const Program program(rules_of(text), {paranoia, 0, false});
  std::string ids;
  for (int phase = 0; phase < kRequestPhases; ++phase) {
    if (phase > 0) ids += " |";
    for (std::size_t i = 0; i < program.steps(phase).size(); ++i) {
      const int rule = program.steps(phase)[i].rule;
      if (rule < 0 || program.settled(phase, i)) continue;
      ids += ' ' + std::to_string(program.rule(rule).rule->id);
    }
  }
  return ids.empty() ? ids : ids.substr(ids.starts_with(" ") ? 1 : 0);
}

constexpr const char* kTold =
    R"(SecRule TX:a "@ge 0" "id:100,phase:2,pass,msg:'%{tx.a}'"
SecRule TX:b "@ge 0" "id:101,phase:2,pass,msg:'%{tx.b}'"
)";

void assert_asked(const std::string& rules, const char* expected) {
  assert_string_equal(asked(rules + kTold).c_str(), expected);
}

void sets_what_is_not_set(void**) {
  assert_asked(R"(SecRule &TX:a "@eq 0" "id:1,phase:1,pass,nolog,setvar:tx.a=5"
SecRule &TX:b "@eq 0" "id:2,phase:1,pass,nolog,setvar:'tx.b=%{tx.a}'"
SecRule TX:b "@lt 5" "id:3,phase:1,pass,nolog,setvar:tx.b=1"
SecAction "id:4,phase:1,pass,nolog,setvar:tx.b=+2"
)",
               "| 100 101");
}

void leaves_what_depends_on_requests(void**) {
  // It may be set, so that what is set if it is not may not be.
  assert_asked(R"(SecRule ARGS:a "@streq 1" "id:1,phase:1,pass,nolog,setvar:tx.a=1"
SecRule &TX:a "@eq 0" "id:2,phase:1,pass,nolog,setvar:tx.a=5"
SecRule &TX:b "@eq 0" "id:3,phase:1,pass,nolog,setvar:tx.b=5"
)",
               "1 2 | 100 101");
  // It may be asked before it is set.
  assert_asked(R"(SecRule ARGS:a "@streq %{tx.a}" "id:1,phase:1,pass,nolog,setvar:tx.b=1"
SecAction "id:2,phase:1,pass,nolog,setvar:tx.a=5"
)",
               "1 2 | 100 101");
  // It may have been jumped over, or taken away.
  assert_asked(R"(SecRule ARGS:a "@streq 1" "id:1,phase:1,pass,nolog,skipAfter:END"
SecAction "id:2,phase:1,pass,nolog,setvar:tx.a=5"
SecMarker END
SecAction "id:3,phase:1,pass,nolog,setvar:tx.b=5"
)",
               "1 2 | 100 101");
  assert_asked(R"(SecRule ARGS:a "@streq 1" "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=2"
SecAction "id:2,phase:1,pass,nolog,setvar:tx.a=5"
SecAction "id:3,phase:1,pass,nolog,setvar:tx.b=5"
)",
               "1 2 | 100 101");
  assert_asked(R"(SecRule ARGS:a "@streq 1" "id:1,phase:1,allow:phase,nolog"
SecAction "id:2,phase:1,pass,nolog,setvar:tx.a=5"
SecAction "id:3,phase:2,pass,nolog,setvar:tx.b=5"
)",
               "1 2 | 100 101");
  // A name that requests make may be any that begins so.
  assert_asked(
      R"(SecRule ARGS_NAMES "@rx ^(.)$" "id:1,phase:1,pass,nolog,capture,setvar:tx.a%{tx.1}=1"
SecAction "id:2,phase:1,pass,nolog,setvar:tx.ab=5"
SecAction "id:3,phase:1,pass,nolog,setvar:tx.b=5"
SecRule TX:ab "@eq 5" "id:4,phase:1,pass,nolog,setvar:tx.a=1"
)",
      "1 2 4 | 100 101");
  // What is told is.
  assert_asked(R"(SecAction "id:1,phase:1,pass,log,setvar:tx.a=5"
SecAction "id:2,phase:1,deny,nolog,setvar:tx.b=5"
)",
               "1 2 | 100 101");
}

void leaves_out_what_nobody_reaches(void**) {
  const std::string levels =
      R"(SecRule TX:paranoia_level "@lt 2" "id:1,phase:1,pass,nolog,skipAfter:END"
SecRule ARGS "@rx x" "id:2,phase:1,deny"
SecRule ARGS "@rx y" "id:3,phase:1,deny"
SecMarker END
SecRule ARGS "@rx z" "id:4,phase:1,deny"
)";
  assert_string_equal(asked(levels, 1).c_str(), "4 |");
  assert_string_equal(asked(levels, 2).c_str(), "2 3 4 |");
  // A level that nobody has set is none.
  assert_string_equal(asked(levels, 0).c_str(), "2 3 4 |");
  // Who jumps into it reaches it.
  assert_asked(R"(SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"
SecRule ARGS:a "@streq 1" "id:2,phase:1,pass,nolog,skipAfter:MIDDLE"
SecRule TX:a "@eq 1" "id:3,phase:1,pass,nolog,skipAfter:END"
SecMarker MIDDLE
SecAction "id:4,phase:1,pass,nolog,setvar:tx.b=1"
SecMarker END
)",
               "2 3 4 | 100 101");
}

void leaves_out_what_nobody_reads(void**) {
  assert_asked(
      R"(SecRule ARGS:a "@rx ." "id:1,phase:1,pass,nolog,t:sha1,setvar:'tx.c=%{matched_var}'"
SecRule ARGS:a "@rx ." "id:2,phase:1,pass,nolog,t:sha1,setvar:'tx.a=%{matched_var}'"
SecRule ARGS:a "@rx ." "id:3,phase:1,pass,log,setvar:'tx.c=%{matched_var}'"
SecRule ARGS:a "@rx ." "id:4,phase:1,pass,nolog,setvar:'tx.anomaly_score=7'"
)",
      "2 3 4 | 100");
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  int below(int end) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<int>((state_ >> 33) % static_cast<std::uint64_t>(end));
  }

 private:
  std::uint64_t state_;
};

std::string variable(Random& random) {
  return std::string(1, static_cast<char>('a' + random.below(4)));
}

std::string value(Random& random) {
  return random.below(3) == 0 ? "%{tx." + variable(random) + '}' : std::to_string(random.below(3));
}

std::string effect(Random& random) {
  switch (random.below(9)) {
    case 0:
      return ",setvar:'tx." + variable(random) + "=+" + value(random) + "'";
    case 1:
      return ",setvar:'!tx." + variable(random) + "'";
    case 2:
      return ",skipAfter:M" + std::to_string(random.below(3));
    case 3:
      return ",ctl:ruleRemoveById=" + std::to_string(1 + random.below(30));
    case 4:
      return random.below(4) == 0 ? ",allow:phase" : ",severity:2";
    case 5:
      return ",setvar:'tx.%{matched_var}=" + value(random) + "'";
    default:
      return ",setvar:'tx." + variable(random) + '=' + value(random) + "'";
  }
}

std::string condition(Random& random) {
  static const std::vector<std::string> kComparisons = {"@eq ", "!@eq ", "@lt ", "@ge "};
  if (random.below(4) == 0) return "SecRule ARGS:" + variable(random) + " \"@streq 1\"";
  std::string targets = (random.below(2) == 0 ? "&TX:" : "TX:") + variable(random);
  if (random.below(4) == 0) targets += "|TX:" + variable(random);
  return "SecRule " + targets + " \"" + kComparisons[static_cast<std::size_t>(random.below(4))] +
         value(random) + '"';
}

std::string random_rules(Random& random) {
  std::string rules;
  for (int id = 1; id <= 30; ++id) {
    const int marker = random.below(10);
    if (marker < 3) rules += "SecMarker M" + std::to_string(marker) + '\n';
    const bool is_action = random.below(5) == 0;
    rules += is_action ? "SecAction" : condition(random);
    rules += " \"id:" + std::to_string(id) + ",phase:" + (id < 20 ? "1" : "2") + ",pass";
    rules += random.below(4) == 0 ? ",log" : ",nolog";
    if (random.below(20) == 0) rules += ",skip:2";
    rules += effect(random);
    if (!is_action && random.below(5) == 0) {
      rules += ",chain\"\n" + condition(random) + " \"t:none,nolog";
    }
    rules += "\"\n";
  }
  for (int i = 0; i < 4; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    rules += "SecRule TX:" + name + " \"@unconditionalMatch\" \"id:10" + std::to_string(i) +
             ",phase:2,pass,msg:'%{tx." + name + "}'\"\n";
  }
  return rules;
}

std::string told(const Program& program, std::string_view target) {
  Inspection inspection;
  assert_true(inspection.prepare(program));
  RequestView view;
  view.method = "GET";
  view.target = target;
  view.version = "1.1";
  inspection.run_headers(program, view, kDefaultBudget);
  inspection.run_body({});
  std::string text;
  for (const Match& match : inspection.matches()) {
    text += std::to_string(match.rule->id) + '(' + std::string(match.message) + ") ";
  }
  return text;
}

void never_tells_anything_else(void**) {
  std::size_t settled = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    const std::string rules = random_rules(random);
    const Program quick(rules_of(rules), {0, 0, false, true});
    const Program slow(rules_of(rules), {0, 0, false, false});
    for (int phase = 0; phase < kRequestPhases; ++phase) {
      for (std::size_t i = 0; i < quick.steps(phase).size(); ++i) {
        if (quick.settled(phase, i)) ++settled;
        assert_false(slow.settled(phase, i));
      }
    }
    for (const char* target : {"/", "/?a=1", "/?b=1&c=1", "/?a=1&b=1&c=1&d=1", "/?d=1"}) {
      const std::string expected = told(slow, target);
      const std::string found = told(quick, target);
      if (found != expected) print_error("%s asked: %s\n", target, asked(rules).c_str());
      assert_string_equal(found.c_str(), expected.c_str());
    }
  }
  assert_true(settled > 9000);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(sets_what_is_not_set),
      cmocka_unit_test(leaves_what_depends_on_requests),
      cmocka_unit_test(leaves_out_what_nobody_reaches),
      cmocka_unit_test(leaves_out_what_nobody_reads),
      cmocka_unit_test(never_tells_anything_else),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
