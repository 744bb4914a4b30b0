// Rules over requests, without nginx.
#include "inspect/crs.h"
#include "inspect/inspection.h"

#include <time.h>

#include <string>

#include "core/words.h"
#include "inspect/raw_request.h"
#include "inspect/rule_set.h"
#include "kept_memory.h"
#include "unit.h"

namespace {

using namespace guard::inspect;

// Runs a request through rules and answers with what matched, "1 2 3" or "denied 3 by 1".
std::string run(const Program& program, Inspection& inspection, std::string_view request,
                std::uint64_t budget = kDefaultBudget) {
  RawRequest raw;
  assert_true(parse_raw_request(request, raw));
  RequestView view;
  view.method = raw.method;
  view.target = raw.target;
  view.version = raw.version;
  view.headers = raw.headers;
  view.client_address = "192.0.2.7";
  InspectionResult result = inspection.run_headers(program, view, budget);
  if (result.outcome == Outcome::passed) result = inspection.run_body(raw.body);
  if (result.outcome == Outcome::over_budget) return "over budget";
  std::string text;
  for (const Match& match : inspection.matches()) {
    if (!text.empty()) text += ' ';
    text += std::to_string(match.rule->id);
    text += '[' + std::string(match.variable) + ']';
  }
  if (result.gave_up != 0) text += " gave up " + std::to_string(result.gave_up);
  if (result.outcome == Outcome::denied) {
    text += " denied " + std::to_string(result.status) + ' ' + std::string(inspection.category());
  }
  return text;
}

std::string run(std::string_view rules, std::string_view request, bool search,
                std::uint64_t budget = kDefaultBudget) {
  RuleSetBuilder builder;
  builder.add_text(rules, "f");
  const Program program(builder.finish(), {1, 5, false, search});
  Inspection inspection;
  assert_true(inspection.prepare(program));
  return run(program, inspection, request, budget);
}

// The same whether patterns are searched for together or every rule is asked, and when a request
// comes again, so that what can be remembered is.
void is(std::string_view rules, std::string_view request, std::string_view wanted) {
  RuleSetBuilder builder;
  builder.add_text(rules, "f");
  RuleSet set = builder.finish();
  for (const bool search : {true, false}) {
    const Program program(set, {1, 5, false, search});
    Inspection inspection;
    assert_true(inspection.prepare(program));
    for (int times = 0; times < 4; ++times) {
      const std::string found = run(program, inspection, request);
      if (found != wanted) print_error("%s\n", found.c_str());
      assert_true(found == wanted);
    }
  }
}

void transforms(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS|ARGS_NAMES \"@rx <b>\" "
      "\"id:1,phase:1,pass,t:none,t:urlDecodeUni,t:htmlEntityDecode\"\n"
      "SecRule ARGS \"@rx ^evil$\" \"id:2,phase:1,pass,t:none,t:lowercase,t:removeWhitespace\"\n"
      "SecRule ARGS \"@rx Evil\" \"id:3,phase:1,pass,t:none\"\n"
      "SecRule ARGS \"@pm bad worse\" \"id:4,phase:1,pass,t:none,t:cmdLine\"\n";
  is(kRules, "GET /?a=%26lt;b%3E HTTP/1.1\r\n\r\n", "1[ARGS:a]");
  is(kRules, "GET /?%3Cb%3E=1 HTTP/1.1\r\n\r\n", "1[ARGS_NAMES:<b>]");
  is(kRules, "GET /?a=E+vi+L HTTP/1.1\r\n\r\n", "2[ARGS:a]");
  is(kRules, "GET /?a=Evil HTTP/1.1\r\n\r\n", "2[ARGS:a] 3[ARGS:a]");
  is(kRules, "GET /?a=evil&b=x HTTP/1.1\r\n\r\n", "2[ARGS:a]");
  is(kRules, "GET /?a=w%22or%22se HTTP/1.1\r\n\r\n", "4[ARGS:a]");
  is(kRules, "GET /?a=fine HTTP/1.1\r\n\r\n", "");
  // What makes a text of none.
  is("SecRule ARGS \"@rx ^0$\" \"id:1,phase:1,pass,t:length\"\n"
     "SecRule ARGS \"@rx ^d41d8\" \"id:2,phase:1,pass,t:md5,t:hexEncode\"\n",
     "GET /?a=&b=1 HTTP/1.1\r\n\r\n", "1[ARGS:a] 2[ARGS:a]");
}

// nginx hands the whole target on; to some applications the query goes on behind a "#" (Go), to
// others it ends there.
void reads_behind_fragments(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS \"@rx evil$\" \"id:1,phase:1,pass\"\n"
      "SecRule ARGS:b \"@rx .\" \"id:2,phase:1,pass\"\n"
      "SecRule REQUEST_BASENAME \"@endsWith .bak\" \"id:3,phase:1,pass\"\n"
      "SecRule REQUEST_URI \"@contains wicked\" \"id:4,phase:1,pass\"\n";
  is(kRules, "GET /?a=1#evil HTTP/1.1\r\n\r\n", "1[ARGS:a]");
  is(kRules, "GET /?a=evil#1 HTTP/1.1\r\n\r\n", "1[ARGS:a]");
  is(kRules, "GET /?x=1&a=evil#1&b=2 HTTP/1.1\r\n\r\n", "1[ARGS:a] 2[ARGS:b]");
  is(kRules, "GET /#?a=evil HTTP/1.1\r\n\r\n", "1[ARGS:a]");
  is(kRules, "GET /x.bak#y HTTP/1.1\r\n\r\n", "3[REQUEST_BASENAME]");
  is(kRules, "GET /x#wicked HTTP/1.1\r\n\r\n", "4[REQUEST_URI]");
  is(kRules, "GET /?x=1&y=2#z HTTP/1.1\r\n\r\n", "");
  // It is one argument, in whichever way it is read.
  constexpr std::string_view kCounts =
      "SecRule ARGS_NAMES \"@rx .\" \"id:1,phase:1,pass,nolog,setvar:tx.n_%{MATCHED_VAR}=+1\"\n"
      "SecRule TX:/^n_/ \"@gt 1\" \"id:2,phase:1,pass\"\n"
      "SecRule &ARGS \"@gt 2\" \"id:3,phase:1,pass\"\n"
      "SecRule &ARGS:x \"@gt 1\" \"id:4,phase:1,pass\"\n"
      "SecRule ARGS_NAMES \"@streq a\" \"id:5,phase:1,pass\"\n"
      "SecRule &ARGS|&QUERY_STRING \"@rx ^3$\" \"id:6,phase:1,pass\"\n";
  is(kCounts, "GET /?y=1&x=2#z HTTP/1.1\r\n\r\n", "");
  is(kCounts, "GET /?x=1&x=2#z HTTP/1.1\r\n\r\n", "2[TX:n_x] 4[ARGS:x]");
  is(kCounts, "GET /?x=1&a#b=2 HTTP/1.1\r\n\r\n", "3[ARGS] 5[ARGS_NAMES:a] 6[ARGS]");
}

// As applications in Python read them, which take quotes and backslashes away.
void reads_quoted_cookies(void**) {
  constexpr std::string_view kRules =
      "SecRule REQUEST_COOKIES \"@rx ^ev'il$\" \"id:1,phase:1,pass\"\n"
      "SecRule &REQUEST_COOKIES \"@gt 1\" \"id:2,phase:1,pass\"\n"
      "SecRule REQUEST_COOKIES \"@rx ^.ev\" \"id:3,phase:1,pass\"\n";
  const auto cookie = [](std::string_view value) {
    return "GET / HTTP/1.1\r\nCookie: a=" + std::string(value) + "\r\n\r\n";
  };
  is(kRules, cookie("ev'il"), "1[REQUEST_COOKIES:a]");
  is(kRules, cookie(R"("ev'il")"), "1[REQUEST_COOKIES:a] 3[REQUEST_COOKIES:a]");
  is(kRules, cookie(R"( "\145v\047i\l" )"), "1[REQUEST_COOKIES:a]");
  is(kRules, cookie(R"("ev\'il")"), "1[REQUEST_COOKIES:a] 3[REQUEST_COOKIES:a]");
  is(kRules, cookie(R"("\145\166\47il)"), "");
  is(kRules, cookie(R"(")"), "");
  is(kRules, cookie(R"("ev'il\")"), "3[REQUEST_COOKIES:a]");
  is(kRules, cookie(R"("x"; b="y")"), "2[REQUEST_COOKIES]");
  // To Flask a semicolon in quotes ends nothing.
  constexpr std::string_view kWhole =
      "SecRule REQUEST_COOKIES \"@rx ^ev;il$\" \"id:1,phase:1,pass\"\n"
      "SecRule REQUEST_COOKIES \"@rx ^ev.;il$\" \"id:2,phase:1,pass\"\n";
  is(kWhole, cookie(R"("ev;il")"), "1[REQUEST_COOKIES:a]");
  is(kWhole, cookie(R"( "ev;\151l" ; b=1)"), "1[REQUEST_COOKIES:a]");
  is(kWhole, cookie(R"("ev\";il"; b=1)"), "2[REQUEST_COOKIES:a]");
  is(kWhole, cookie(R"("ev;il"x)"), "");
  is(kWhole, cookie(R"("ev;il)"), "");
}

// As applications have them that join the fields of one name, and CGI, where "_" is "-".
void joins_fields(void**) {
  constexpr std::string_view kRules =
      "SecRule REQUEST_HEADERS:X-Trial \"@rx ^ev, il$\" \"id:1,phase:1,pass\"\n"
      "SecRule REQUEST_HEADERS:X-Trial \"@rx ^evil$\" \"id:2,phase:1,pass\"\n"
      "SecRule REQUEST_COOKIES:a \"@rx ^ev, il$\" \"id:3,phase:1,pass\"\n"
      "SecRule &REQUEST_HEADERS|&REQUEST_COOKIES \"@gt 2\" \"id:4,phase:1,pass\"\n"
      "SecRule FULL_REQUEST \"@contains -trial\" \"id:5,phase:2,pass,t:lowercase\"\n";
  const auto with = [](std::string_view fields) {
    return "GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n";
  };
  is(kRules, with("X-Trial: ev\r\nA: b\r\nx-trial: il\r\n"),
     "1[REQUEST_HEADERS:x-trial] 4[REQUEST_HEADERS] 5[FULL_REQUEST]");
  is(kRules, with("X_Trial: evil\r\n"), "2[REQUEST_HEADERS:X-Trial]");
  is(kRules, with("X-Trial: ev\r\nX_Trial: il\r\n"), "1[REQUEST_HEADERS:X-Trial] 5[FULL_REQUEST]");
  is(kRules, with("Cookie: a=ev\r\nCookie: il\r\n"), "3[REQUEST_COOKIES:a]");
  is(kRules, with("Y-Trial: ev\r\nY_Tripl: il\r\n"), "5[FULL_REQUEST]");
}

// JSON in an argument is looked at as it comes, and as those have it who read it.
void reads_json_in_arguments(void**) {
  const std::string kJson =
      "SecRule REQUEST_HEADERS:Content-Type \"@rx json$\" "
      "\"id:9,phase:1,nolog,pass,ctl:requestBodyProcessor=JSON\"\n";
  const std::string kRules = kJson +
                             "SecRule ARGS \"@contains ev'il\" \"id:1,phase:2,pass\"\n"
                             "SecRule &ARGS \"@gt 1\" \"id:2,phase:2,pass\"\n"
                             "SecRule ARGS \"@contains u0027\" \"id:3,phase:2,pass\"\n";
  const auto form = [](std::string_view value) {
    return "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=" +
           std::string(value);
  };
  is(kRules, form(R"({"x":"ev\u0027il"})"), "1[ARGS:a] 3[ARGS:a]");
  is(kRules, form(R"( ["\u0065v\u0027\u0069l"])"), "1[ARGS:a] 3[ARGS:a]");
  is(kRules, form(R"("ev\\u0027il")"), "3[ARGS:a]");
  is(kRules, form(R"(ev\u0027il)"), "3[ARGS:a]");
  is(kRules, form(R"([1, { "x" : "ev\u0027il" } ])"), "1[ARGS:a] 3[ARGS:a]");
  is(kRules, form(R"({x:"ev\u0027il"})"), "1[ARGS:a] 3[ARGS:a]");
  is(kRules, form(R"([\"]ev\u0027il)"), "3[ARGS:a]");
  is(kRules, form(R"({"x":"ev\u00)"), "");
  constexpr std::string_view kStrings =
      "SecRule ARGS \"@rx ^ev'il$\" \"id:1,phase:2,pass,t:none\"\n";
  is(kStrings, form(R"({"x":["ev'il"]})"), "1[ARGS:a]");
  is(kStrings, form(R"([1,{"ev'il" : "x\"","y":"ev\u0027il)"), "1[ARGS:a]");
  is(kStrings, form(R"({"ev'il" :"ev'il"})"), "1[ARGS:a]");
  is(kStrings, form(R"({"ev'il" :1})"), "");
  is(kStrings, form(R"({"ev\u0027il":1})"), "1[ARGS:a]");
  is(kStrings, form(R"("ev'il")"), "");
  // And GraphQL.
  for (const char* text :
       {R"({ user(id: "ev\u0027il") { name } })", R"(query Q { user(id: "ev'il") { name } })",
        "#x\n, mutation { set(text: \"\"\"ev'il\"\"\") }"}) {
    is(kStrings, form(text), "1[ARGS:a]");
    std::string json;
    for (const char c : std::string_view(text)) {
      json += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    is(kJson + std::string(kStrings),
       "POST / HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"query\":\"" + json + "\"}",
       "1[ARGS:json.query]");
  }
  is(kStrings, form("query \"ev'il\""), "");
  is(kStrings, form("f {\"ev'il\"}"), "");
  is(kRules, "GET /?a=%22ev%5Cu0027il%22 HTTP/1.1\r\n\r\n", "1[ARGS:a] 3[ARGS:a]");
  is(kRules, "GET /?a=%22ev%5Cu0027il%22#x HTTP/1.1\r\n\r\n", "1[ARGS:a] 3[ARGS:a]");
  is(kRules,
     "POST / HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
     R"({"a":"{\"x\":\"ev\\u0027il\"}"})",
     "1[ARGS:json.a] 3[ARGS:json.a]");
  // And in a cookie, where it may be encoded as in a URI.
  constexpr std::string_view kCookies =
      "SecRule REQUEST_COOKIES \"@contains ev'il\" \"id:1,phase:1,pass\"\n"
      "SecRule &REQUEST_COOKIES \"@gt 1\" \"id:2,phase:1,pass\"\n";
  for (const char* value :
       {R"({"a":"ev\u0027il"})", "%7B%22a%22%3A%22ev%5Cu0027il%22%7D",
        "j%3A%7B%22a%22:%22ev%5Cu0027il%22%7D", "\"j%3A%7B%22a%22:%22ev%5Cu0027il%22%7D\""}) {
    is(kCookies, "GET / HTTP/1.1\r\nCookie: c=" + std::string(value) + "\r\n\r\n",
       "1[REQUEST_COOKIES:c]");
  }
  is(kCookies, "GET / HTTP/1.1\r\nCookie: c=ev\\u0027il; d=1\r\n\r\n", "2[REQUEST_COOKIES]");
  is(kCookies, "GET / HTTP/1.1\r\nCookie: c=\"{\\\"a\\\":\\\"ev\\\\u0027il\\\"}\"\r\n\r\n",
     "1[REQUEST_COOKIES:c]");
}

// As PHP, Express and Rack have them.
void decodes_cookies(void**) {
  constexpr std::string_view kRules =
      "SecRule REQUEST_COOKIES \"@rx ^ev;i\\+l$\" \"id:1,phase:1,pass,t:none\"\n"
      "SecRule REQUEST_COOKIES \"@rx ^ev%3B\" \"id:2,phase:1,pass,t:none\"\n"
      "SecRule &REQUEST_COOKIES \"@gt 1\" \"id:3,phase:1,pass\"\n";
  const auto cookie = [](std::string_view value) {
    return "GET / HTTP/1.1\r\nCookie: a=" + std::string(value) + "\r\n\r\n";
  };
  is(kRules, cookie("ev%3Bi+l"), "1[REQUEST_COOKIES:a] 2[REQUEST_COOKIES:a]");
  is(kRules, cookie("ev%3Xi+l"), "");
  is(kRules, cookie("\"ev%3Bi+l\""), "1[REQUEST_COOKIES:a] 2[REQUEST_COOKIES:a]");
  is(kRules, cookie("x; b=%65v%3bi%2Bl"), "1[REQUEST_COOKIES:b] 3[REQUEST_COOKIES]");
}

// As Rack 2 has them, and Go once had.
void divides_at_semicolons(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS:b \"@rx ^evil$\" \"id:1,phase:2,pass,t:none\"\n"
      "SecRule ARGS \"@rx ^x;\" \"id:2,phase:2,pass,t:none\"\n"
      "SecRule &ARGS \"@gt 1\" \"id:3,phase:2,pass\"\n";
  is(kRules, "GET /?a=x;b=ev%69l HTTP/1.1\r\n\r\n", "1[ARGS:b] 2[ARGS:a]");
  is(kRules, "GET /?a=x%3Bb=evil HTTP/1.1\r\n\r\n", "2[ARGS:a]");
  is(kRules, "GET /?a=x;+b=evil&a=;%62=evil HTTP/1.1\r\n\r\n", "1[ARGS:b] 2[ARGS:a] 3[ARGS]");
  is(kRules,
     "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=x;  b=evil; =",
     "1[ARGS:b] 2[ARGS:a]");
  is("SecRule ARGS \"@rx ^evil$\" \"id:1,phase:2,pass\"\n", "GET /?a=x;c+d=evil HTTP/1.1\r\n\r\n",
     "");
  is(kRules,
     "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na;b=evil;c&d",
     "1[ARGS:b] 3[ARGS]");
  std::string many = "GET /?a=1";
  for (int i = 0; i < 10'001; ++i) many += ";b=";
  assert_true(run(kRules, many + " HTTP/1.1\r\n\r\n", true) == "over budget");
}

// In UTF-16.
std::string wide(std::string_view text) {
  std::string made("\xff\xfe", 2);
  for (const char c : text) made.append(1, c).append(1, '\0');
  return made;
}

// Applications read JSON whatever a body says it is.
void reads_unsaid_json(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS:json.id \"@rx ^ev'il$\" \"id:1,phase:2,pass,t:none\"\n"
      "SecRule ARGS \"@rx ^ev'il$\" \"id:2,phase:2,pass,t:none\"\n"
      "SecRule ARGS_NAMES \"@rx ^json\\.\" \"id:3,phase:2,pass,t:none\"\n"
      "SecRule REQBODY_ERROR \"!@eq 0\" \"id:4,phase:2,pass\"\n"
      "SecRule &ARGS \"@gt 1\" \"id:5,phase:2,pass\"\n";
  const auto request = [](std::string_view type, std::string_view body) {
    return "POST / HTTP/1.1\r\n" + std::string(type) + "\r\n" + std::string(body);
  };
  constexpr std::string_view kForm = "Content-Type: application/x-www-form-urlencoded\r\n";
  constexpr std::string_view kJson = R"({"id":"ev\u0027il"})";
  constexpr std::string_view kFound = "1[ARGS:json.id] 2[ARGS:json.id]";
  is(kRules, request("", kJson), std::string(kFound) + " 3[ARGS_NAMES:json.id]");
  is(kRules, request("Content-Type: text/plain\r\n", kJson),
     std::string(kFound) + " 3[ARGS_NAMES:json.id]");
  is(kRules, request(kForm, kJson), kFound);
  is(kRules, request(kForm, "\xef\xbb\xbf " + std::string(kJson)), kFound);
  is(kRules, request(kForm, wide(kJson)), kFound);
  is(kRules, request(kForm, R"({"ev\u0027il":1})"), "2[ARGS:json]");
  is(kRules, request(kForm, R"({"ev'il":1})"), "");
  // What Go and Python go on with.
  is(kRules, request(kForm, std::string(kJson) + " {"), "2[ARGS:json]");
  is(kRules, request(kForm, "{\"\xff\":1,\"id\":\"ev\\u0027il\"}"), "2[ARGS:json]");
  is(kRules, request("", R"({"a":NaN,"b":"\"","id":"ev\u0027il)"), "2[ARGS:json] 5[ARGS]");
  is(kRules, request("", R"({"a":"\ud800","id":"ev\u0027il"})"), "2[ARGS:json] 5[ARGS]");
  is(kRules, request("", R"(id: "ev'il")"), "");
  // What Ruby takes before it.
  is(kRules, request("", "/* \" */ //\"\n\t/**/" + std::string(kJson)),
     std::string(kFound) + " 3[ARGS_NAMES:json.id]");
  is(kRules, request("", "// " + std::string(kJson)), "");
  is(kRules, request("", "/*/" + std::string(kJson)), "");
  is(kRules, request(kForm, R"("ev'il")"), "");
  is(kRules, request(kForm, "a=ev'il"), "2[ARGS:a]");
  std::string many = "{\"a\":[0";
  for (int i = 0; i < 10'001; ++i) many += ",0";
  assert_true(run(kRules, request(kForm, many + "]}"), true) == "over budget");
  assert_true(run(kRules, request(kForm, "[\"" + std::string(30'000, '"')), true) == "over budget");
}

// What is posted without a type is a form to Rack, Perl's CGI and Python's cgi.
void reads_unsaid_form(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS \"@rx ^ev'il$\" \"id:1,phase:2,pass,t:none\"\n"
      "SecRule ARGS_POST:a \"@rx ^ev'il$\" \"id:2,phase:2,pass,t:none\"\n"
      "SecRule &ARGS \"!@eq 0\" \"id:3,phase:2,pass\"\n"
      "SecRule ARGS_NAMES \"@rx .\" \"id:4,phase:2,pass\"\n"
      "SecRule REQBODY_PROCESSOR \"@rx .\" \"id:5,phase:2,pass\"\n";
  const auto request = [](std::string_view begin, std::string_view body) {
    return std::string(begin) + "\r\n" + std::string(body);
  };
  constexpr std::string_view kPost = "POST / HTTP/1.1\r\n";
  constexpr std::string_view kFound = "1[ARGS:a] 2[ARGS_POST:a]";
  is(kRules, request(kPost, "a=ev'il"), kFound);
  is(kRules, request("POST / HTTP/1.1\r\nContent-Type:\r\n", "b&a=ev%27il&c"), kFound);
  is(kRules, request(kPost, "b=1;a=ev'il"), kFound);
  is(kRules, request(kPost, "a[]=[\"ev'il\"]"), "1[ARGS:a[]]");
  is(kRules, request(kPost, "b c=ev'il&ev'il&=&"), "");
  is(kRules, request("PUT / HTTP/1.1\r\n", "a=ev'il"), "");
  is(kRules, request("POST / HTTP/1.1\r\nContent-Type: text/plain\r\n", "a=ev'il"), "");
  std::string many;
  for (int i = 0; i < 10'001; ++i) many += "a=&";
  assert_true(run(kRules, request(kPost, many), true) == "over budget");
}

// A text is looked at as a whole and each of its pieces, so that none hides behind another.
void reads_pieces_of_xml(void**) {
  constexpr std::string_view kRules =
      "SecRule REQUEST_HEADERS:Content-Type \"@rx xml\" "
      "\"id:1,phase:1,nolog,pass,ctl:requestBodyProcessor=XML\"\n"
      "SecRule XML:/* \"@rx ^evil$\" \"id:2,phase:2,pass,setvar:tx.n=+1\"\n"
      "SecRule XML:/* \"@rx one\" \"id:3,phase:2,pass,setvar:tx.n=+1\"\n"
      "SecRule &XML:/* \"@gt 1\" \"id:4,phase:2,pass\"\n"
      "SecRule TX:n \"@gt 1\" \"id:5,phase:2,pass\"\n";
  const auto xml = [](std::string_view body) {
    return "POST / HTTP/1.1\r\nContent-Type: text/xml\r\n\r\n" + std::string(body);
  };
  is(kRules, xml("<a>no<b>ev&#105;l</b>no</a>"), "2[XML:/*]");
  is(kRules, xml("<a>ev<!-- -->il<b/>no</a>"), "2[XML:/*]");
  is(kRules, xml("<a><b> </b>ev<b>i</b>l</a>"), "");
  // It weighs no more than what it is a piece of.
  is(kRules, xml("<a><b>one</b><b>two</b></a>"), "3[XML:/*]");
  std::string many;
  for (int i = 0; i < 5'001; ++i) many += "<b c=''>1</b>";
  assert_true(run(kRules, xml("<a>" + many + "</a>"), true) == "over budget");
}

// What reads XML whatever a body says it is: xmlrpc.php of WordPress, PHP's SoapServer.
void reads_unsaid_xml(void**) {
  constexpr std::string_view kRules =
      "SecRule XML:/* \"@rx ^ev'il$\" \"id:1,phase:2,pass,t:none\"\n"
      "SecRule XML://@* \"@rx ^ev'il$\" \"id:2,phase:2,pass,t:none\"\n"
      "SecRule REQBODY_ERROR \"!@eq 0\" \"id:3,phase:2,pass\"\n"
      "SecRule &XML:/* \"@gt 0\" \"id:4,phase:2,pass\"\n";
  constexpr std::string_view kForm = "Content-Type: application/x-www-form-urlencoded\r\n";
  constexpr std::string_view kText = "Content-Type: text/plain\r\n";
  const auto request = [](std::string_view type, std::string_view body) {
    return "POST / HTTP/1.1\r\n" + std::string(type) + "\r\n" + std::string(body);
  };
  for (const std::string_view type : {std::string_view{}, kText, kForm}) {
    is(kRules, request(type, "<?xml version='1.0'?>\n<a><b>x</b><c>ev&#39;il</c></a>"),
       "1[XML:/*]");
    is(kRules, request(type, "\xef\xbb\xbf <a b='ev&#x27;il'/>"), "2[XML://@*]");
    is(kRules, request(type, "<!DOCTYPE a SYSTEM \"[\" ><a>ev&apos;il</a>"), "1[XML:/*]");
    is(kRules, request(type, "<!DOCTYPE a [<!ENTITY e \"ev'il\">]><a>&e;</a>"), "3[REQBODY_ERROR]");
    is(kRules, request(type, wide("<?xml version='1.0' encoding='UTF-16'?><a>ev&#39;il</a>")),
       "1[XML:/*]");
    is(kRules, request(type, wide("<?xml version='1.0'?><a>ev&#39;il</a>")), "1[XML:/*]");
    // What nobody reads as XML, either.
    is(kRules, request(type, "<!DOCTYPE html><p>ev'il<br></p>"), "");
    is(kRules, request(type, "<p>ev'il<br></p>"), "");
  }
  std::string many;
  for (int i = 0; i < 10'001; ++i) many += "<b>1</b>";
  assert_true(run(kRules, request(kText, "<a>" + many + "</a>"), true) == "over budget");
}

// What libxml2 takes a time by the square of.
void bounds_what_xml_costs(void**) {
  constexpr std::string_view kRules = "SecRule XML:/* \"@rx ^evil$\" \"id:1,phase:2,pass\"\n";
  const auto takes = [&](const std::string& body) {
    timespec begin{};
    timespec end{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    const std::string found = run(kRules, "POST / HTTP/1.1\r\n\r\n" + body, true);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_true(end.tv_sec - begin.tv_sec < 2);
    return found;
  };
  std::string attributes = "<a";
  for (int i = 0; i < 100'000; ++i) attributes += " a" + std::to_string(i) + "=''";
  assert_true(takes(attributes + "/>") == "over budget");
  std::string spaces = "<a";
  for (int i = 0; i < 1'001; ++i) spaces += " xmlns:a" + std::to_string(i) + "='u'";
  assert_true(takes(spaces + ">evil</a>") == "over budget");
  // One after the other they are those of many elements.
  std::string elements;
  for (int i = 0; i < 2'000; ++i) elements += "<b xmlns:c='d'/>";
  assert_true(takes("<a>" + elements + "evil</a>") == "1[XML:/*]");
  const std::string value = "<a b='" + std::string(1U << 20, 'x') + "'>evil</a>";
  assert_true(takes(value) == "1[XML:/*]");
  std::string defaults = "<!DOCTYPE a [";
  for (int i = 0; i < 2'000; ++i) defaults += "<!ATTLIST a b" + std::to_string(i) + " CDATA 'x'>";
  defaults += "]><a>";
  for (int i = 0; i < 20'000; ++i) defaults += "<a/>";
  assert_true(takes(defaults + "evil</a>").empty());
}

// In the second phase, as ModSecurity v3 has it.
void joins_requests(void**) {
  constexpr std::string_view kRules =
      "SecRule FULL_REQUEST \"@rx .\" \"id:1,phase:1,pass\"\n"
      "SecRule FULL_REQUEST \"@rx ^A: b\\nC: d\\n\\n\\nevil\" "
      "\"id:2,phase:2,pass,t:none,t:urlDecode\"\n"
      "SecRule FULL_REQUEST \"@pm wicked\" \"id:3,phase:2,pass\"\n"
      "SecRule FULL_REQUEST_LENGTH \"@eq 16\" \"id:4,phase:2,pass\"\n";
  is(kRules, "POST / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\nevil",
     "2[FULL_REQUEST] 4[FULL_REQUEST_LENGTH]");
  is(kRules, "POST / HTTP/1.1\r\nX: Wicked\r\n\r\n", "3[FULL_REQUEST]");
  is(kRules, "POST /wicked HTTP/1.1\r\n\r\n", "");
}

// Two values next to each other are not one.
void keeps_values_apart(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS \"@rx (?i)union.*select\" \"id:1,phase:1,pass\"\n"
      "SecRule ARGS \"@rx ^b$\" \"id:2,phase:1,pass\"\n"
      "SecRule ARGS \"@rx \\bc\\b\" \"id:3,phase:1,pass\"\n"
      "SecRule ARGS \"@rx \\Ad\\z\" \"id:4,phase:1,pass\"\n"
      "SecRule ARGS \"@rx e(?!f)\" \"id:5,phase:1,pass\"\n";
  is(kRules, "GET /?x=union&y=select HTTP/1.1\r\n\r\n", "5[ARGS:y]");
  is(kRules, "GET /?x=union+select HTTP/1.1\r\n\r\n", "1[ARGS:x] 5[ARGS:x]");
  is(kRules, "GET /?x=a&y=b&z=c HTTP/1.1\r\n\r\n", "2[ARGS:y] 3[ARGS:z]");
  is(kRules, "GET /?x=a&y=d&z=ef HTTP/1.1\r\n\r\n", "4[ARGS:y]");
}

// What is looked at between transformations, and what only a transformation makes.
void looks_between_transformations(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS \"@rx <b>\" \"id:1,phase:1,pass,multiMatch,t:urlDecode,t:base64Decode\"\n"
      "SecRule ARGS \"@rx eval\\(\" \"id:2,phase:1,pass,t:base64Decode\"\n"
      "SecRule ARGS \"@rx (?:^|/)\\.\\./\" \"id:3,phase:1,pass,multiMatch,t:normalizePathWin\"\n"
      "SecRule ARGS \"@pm or<\" \"id:4,phase:1,pass,t:htmlEntityDecode,t:removeWhitespace\"\n";
  is(kRules, "GET /?a=%3Cb%3E HTTP/1.1\r\n\r\n", "1[ARGS:a]");
  is(kRules, "GET /?a=%253Cb%253E HTTP/1.1\r\n\r\n", "1[ARGS:a]");
  is(kRules, "GET /?a=PGI%2B HTTP/1.1\r\n\r\n", "");  // urlDecode makes a space of its '+'
  is(kRules, "GET /?a=PGI%252B HTTP/1.1\r\n\r\n", "1[ARGS:a]");
  is(kRules, "GET /?a=ZXZhbCgx HTTP/1.1\r\n\r\n", "2[ARGS:a]");
  is(kRules, "GET /?a=x/../y&b=x\\..\\..\\y&c=x/.../y HTTP/1.1\r\n\r\n", "3[ARGS:b]");
  is(kRules, "GET /?a=o+r%26lt;&b=or&c=%3C HTTP/1.1\r\n\r\n", "4[ARGS:a]");
}

void reads_parts(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS:note \"@streq evil\" \"id:1,phase:2,pass\"\n"
      "SecRule FILES|FILES_NAMES \"@rx ^a\" \"id:2,phase:2,pass\"\n"
      "SecRule FILES_SIZES:f \"@eq 2\" \"id:3,phase:2,pass\"\n"
      "SecRule FILES_COMBINED_SIZE \"@eq 2\" \"id:4,phase:2,pass\"\n"
      "SecRule MULTIPART_PART_HEADERS \"@rx ^Content-Type: text\" \"id:5,phase:2,pass\"\n"
      "SecRule REQUEST_BODY \"@rx .\" \"id:6,phase:2,pass\"\n"
      "SecRule REQBODY_ERROR \"!@eq 0\" \"id:7,phase:2,pass\"\n";
  const auto request = [](std::string_view type, std::string_view body) {
    return "POST / HTTP/1.1\r\nContent-Type: " + std::string(type) + "\r\n\r\n" + std::string(body);
  };
  constexpr std::string_view kForm = "multipart/form-data; boundary=b";
  const std::string field = "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nevil\r\n";
  const std::string file =
      "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n"
      "Content-Type: text/plain\r\n\r\nxy\r\n";
  is(kRules, request(kForm, field + "--b--\r\n"), "1[ARGS:note]");
  is(kRules, request(kForm, file + "--b--\r\n"),
     "2[FILES:f] 3[FILES_SIZES:f] 4[FILES_COMBINED_SIZE] 5[MULTIPART_PART_HEADERS:f]");
  is(kRules, request(kForm, field), "7[REQBODY_ERROR]");
  is(kRules, request("multipart/form-data", field + "--b--\r\n"), "7[REQBODY_ERROR]");
  is(kRules, request("multipart/mixed; boundary=b", field + "--b--\r\n"), "7[REQBODY_ERROR]");
}

void counts_and_scores(void**) {
  constexpr std::string_view kRules =
      "SecAction \"id:1,phase:1,nolog,pass,setvar:tx.s=0,setvar:tx.step=5\"\n"
      "SecRule &ARGS \"@gt 1\" \"id:2,phase:1,pass,setvar:tx.s=+1\"\n"
      "SecRule ARGS \"@contains x\" "
      "\"id:3,phase:1,pass,tag:'attack-sqli',severity:CRITICAL,setvar:tx.s=+%{tx.step}\"\n"
      "SecRule TX:s \"@ge 11\" \"id:4,phase:1,deny,status:409\"\n";
  is(kRules, "GET /?a=x HTTP/1.1\r\n\r\n", "3[ARGS:a]");
  // For each value that matches.
  is(kRules, "GET /?a=x&b=x HTTP/1.1\r\n\r\n", "2[ARGS] 3[ARGS:b] 4[TX:s] denied 409 sqli");
  // A sum does not turn round.
  std::string target = "/?";
  for (int i = 0; i < 1000; ++i) target += "a=9999999999999999&";
  is("SecRule ARGS \"@rx .\" \"id:1,phase:1,nolog,pass,setvar:tx.s=+%{MATCHED_VAR}\"\n"
     "SecRule TX:s \"@gt 5\" \"id:2,phase:1,pass\"\n",
     "GET " + target + " HTTP/1.1\r\n\r\n", "2[TX:s]");
}

void chains_and_skips(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS:a \"@rx ^(.)(.)$\" \"id:1,phase:1,pass,capture,chain\"\n"
      "SecRule TX:2 \"@streq b\" \"chain\"\n"
      "SecRule MATCHED_VARS_NAMES \"@rx TX:2\" \"setvar:tx.found=1\"\n"
      "SecRule TX:found \"@eq 1\" \"id:2,phase:1,pass,nolog,skipAfter:END\"\n"
      "SecRule REQUEST_METHOD \"@streq GET\" \"id:3,phase:1,pass\"\n"
      "SecMarker END\n"
      "SecRule REQUEST_URI \"@beginsWith /\" \"id:4,phase:1,pass\"\n";
  is(kRules, "GET /?a=ab HTTP/1.1\r\n\r\n", "1[MATCHED_VARS_NAMES:2] 4[REQUEST_URI]");
  is(kRules, "GET /?a=ac HTTP/1.1\r\n\r\n", "3[REQUEST_METHOD] 4[REQUEST_URI]");
}

void controls(void**) {
  constexpr std::string_view kRules =
      "SecRule REQUEST_FILENAME \"@streq /a\" \"id:1,phase:1,nolog,pass,ctl:ruleRemoveById=10\"\n"
      "SecRule REQUEST_FILENAME \"@streq /b\" "
      "\"id:2,phase:1,nolog,pass,ctl:ruleRemoveTargetByTag=t;ARGS:x\"\n"
      "SecRule REQUEST_FILENAME \"@streq /c\" \"id:3,phase:1,nolog,pass,ctl:ruleEngine=Off\"\n"
      "SecRule ARGS|!ARGS:/^z/ \"@rx bad\" \"id:10,phase:1,pass,tag:t\"\n"
      "SecRule ARGS \"@rx bad\" \"id:11,phase:1,pass,tag:t\"\n";
  is(kRules, "GET /?x=bad HTTP/1.1\r\n\r\n", "10[ARGS:x] 11[ARGS:x]");
  is(kRules, "GET /a?x=bad HTTP/1.1\r\n\r\n", "11[ARGS:x]");
  is(kRules, "GET /b?x=bad&y=bad HTTP/1.1\r\n\r\n", "10[ARGS:y] 11[ARGS:y]");
  is(kRules, "GET /c?x=bad HTTP/1.1\r\n\r\n", "");
  is(kRules, "GET /?zz=bad HTTP/1.1\r\n\r\n", "11[ARGS:zz]");
  is("SecAction \"id:1,phase:1,nolog,pass,ctl:ruleRemoveTargetById=10;ARGS:/^no/\"\n"
     "SecRule ARGS \"@rx bad\" \"id:10,phase:1,pass\"\n",
     "GET /?none=bad&one=bad&NO=bad HTTP/1.1\r\n\r\n", "10[ARGS:one]");
}

void reads_bodies(void**) {
  constexpr std::string_view kRules =
      "SecRule REQUEST_HEADERS:Content-Type \"@rx json\" "
      "\"id:1,phase:1,nolog,pass,ctl:requestBodyProcessor=JSON\"\n"
      "SecRule REQUEST_HEADERS:Content-Type \"@rx xml\" "
      "\"id:2,phase:1,nolog,pass,ctl:requestBodyProcessor=XML\"\n"
      "SecRule REQBODY_ERROR \"!@eq 0\" \"id:3,phase:2,pass\"\n"
      "SecRule ARGS|XML:/*|XML://@* \"@rx bad\" \"id:4,phase:2,pass\"\n"
      "SecRule REQUEST_COOKIES \"@rx bad\" \"id:5,phase:2,pass\"\n";
  is(kRules,
     "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=1&b=b%61d",
     "4[ARGS:b]");
  is(kRules, "POST / HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"a\":[1,{\"b\":\"bad\"}]}",
     "4[ARGS:json.a.array_1.b]");
  is(kRules, "POST / HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"a\"", "3[REQBODY_ERROR]");
  is("SecAction \"id:1,phase:1,nolog,pass,ctl:requestBodyProcessor=JSON\"\n"
     "SecRule ARGS_NAMES \"@rx bad\" \"id:2,phase:2,pass\"\n"
     "SecRule &ARGS \"@gt 2\" \"id:3,phase:2,pass\"\n",
     "POST / HTTP/1.1\r\n\r\n{\"a\":[{\"bad\":{}}],\"b\":[]}", "2[ARGS_NAMES:json.a.array_0.bad]");
  is(kRules, "POST / HTTP/1.1\r\nContent-Type: text/xml\r\n\r\n<a><b>ba</b>d</a>", "4[XML:/*]");
  is(kRules, "POST / HTTP/1.1\r\nContent-Type: text/xml\r\n\r\n<a b='bad'/>", "4[XML://@*]");
  is(kRules, "POST / HTTP/1.1\r\nContent-Type: text/xml\r\n\r\n<!DOCTYPE a [<!ENTITY x 'y'>]><a/>",
     "3[REQBODY_ERROR]");
  is(kRules, "GET / HTTP/1.1\r\nCookie: a=1; b=bad\r\n\r\n", "5[REQUEST_COOKIES:b]");
}

// What is remembered is of a text, where it stands and of a program: the same text elsewhere, a
// rule that is asked elsewhere, and other rules are not mistaken for it.
void remembers_texts(void**) {
  constexpr std::string_view kRules =
      "SecRule REQUEST_HEADERS:Accept \"@rx bad\" \"id:1,phase:1,pass,t:none,t:lowercase\"\n"
      "SecRule REQUEST_HEADERS \"!@rx ^[ -~]*$\" \"id:2,phase:1,pass\"\n"
      "SecRule ARGS_NAMES \"@rx bad\" \"id:3,phase:2,pass\"\n"
      "SecRule ARGS_NAMES|ARGS \"@validateByteRange 33-126\" \"id:4,phase:2,pass\"\n"
      "SecRule REQUEST_HEADERS \"@rx (?i)ba(?=d)d\" \"id:5,phase:2,pass,t:none,t:urlDecode\"\n";
  constexpr std::string_view kOther = "SecRule ARGS_NAMES \"@rx good\" \"id:9,phase:2,pass\"\n";
  RuleSetBuilder builder;
  builder.add_text(kRules, "f");
  const Program program(builder.finish(), {1, 5, false});
  RuleSetBuilder other_builder;
  other_builder.add_text(kOther, "f");
  const Program other(other_builder.finish(), {1, 5, false});
  Inspection inspection;
  assert_true(inspection.prepare(program) && inspection.prepare(other));
  const auto is_found = [&](const Program& by, std::string_view request, std::string_view wanted) {
    for (int times = 0; times < 3; ++times) {
      const std::string found = run(by, inspection, request);
      if (found != wanted) print_error("%s\n", found.c_str());
      assert_true(found == wanted);
    }
  };
  is_found(program, "GET /?good=1 HTTP/1.1\r\nAccept: good\r\nUser-Agent: BAD\r\n\r\n",
           "5[REQUEST_HEADERS:User-Agent]");
  is_found(program, "GET /?good=1 HTTP/1.1\r\nAccept: BAD\r\nUser-Agent: good\r\n\r\n",
           "1[REQUEST_HEADERS:Accept] 5[REQUEST_HEADERS:Accept]");
  is_found(program, "GET /?bad=good HTTP/1.1\r\nUser-Agent: b%61d\r\n\r\n",
           "3[ARGS_NAMES:bad] 5[REQUEST_HEADERS:User-Agent]");
  is_found(program, "GET /?c=1&a+b=a HTTP/1.1\r\nAccept: \xe4\r\n\r\n",
           "2[REQUEST_HEADERS:Accept] 4[ARGS_NAMES:a b]");
  is_found(other, "GET /?good=1 HTTP/1.1\r\nAccept: BAD\r\n\r\n", "9[ARGS_NAMES:good]");
  is_found(program, "GET /?good=1&c=a+b HTTP/1.1\r\nAccept: \xe4\r\n\r\n",
           "2[REQUEST_HEADERS:Accept] 4[ARGS:c]");
  // More than there is room for.
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = (i % 3 == 0 ? "bad" : "fine") + std::to_string(i / 2);
    const std::string found = run(program, inspection, "GET /?" + name + "=1 HTTP/1.1\r\n\r\n");
    assert_true(found == (i % 3 == 0 ? "3[ARGS_NAMES:" + name + "]" : ""));
  }
}

// Whether a chain that looks at names of fields is one whose answers are remembered, and what it
// answers to requests, one after the other.
struct Asked {
  std::string_view request;
  std::string_view wanted;
};
void is_chain(std::string_view before, bool remembered, const std::vector<Asked>& asked,
              std::string_view behind = {}) {
  std::string rules(before);
  rules +=
      "SecRule REQUEST_HEADERS_NAMES \"@rx ^.*$\" \"id:1,phase:2,pass,capture,t:none,t:lowercase,"
      "setvar:'tx.name_%{tx.0}=/%{tx.0}/',chain\"\n"
      "  SecRule TX:/^name_/ \"@within %{tx.forbidden}\" \"t:none\"\n"
      "SecAction \"id:9,phase:2,pass,nolog,setvar:tx.ended=1\"\n";
  rules += behind;
  RuleSetBuilder builder;
  builder.add_text(rules, "f");
  const Program program(builder.finish(), {1, 5, false});
  Inspection inspection;
  assert_true(inspection.prepare(program));
  int heads = 0;
  for (std::size_t i = 0; i < program.rules().rules.size(); ++i) {
    heads += program.rule(static_cast<int>(i)).private_chain ? 1 : 0;
  }
  assert_int_equal(heads, remembered ? 1 : 0);
  for (const Asked& one : asked) {
    for (int times = 0; times < 4; ++times) {
      const std::string found = run(program, inspection, one.request);
      if (found != one.wanted) print_error("%s\n", found.c_str());
      assert_true(found == one.wanted);
    }
  }
}

void remembers_chains(void**) {
  const std::string set =
      "SecAction \"id:2,phase:1,nolog,pass,setvar:'tx.forbidden=/bad/ /if/'\"\n";
  constexpr std::string_view kGood = "GET / HTTP/1.1\r\nHost: a\r\nGood: 1\r\n\r\n";
  constexpr std::string_view kBad = "GET / HTTP/1.1\r\nHost: a\r\nGood: 1\r\nBAD: 2\r\n\r\n";
  constexpr std::string_view kEmpty = "GET / HTTP/1.1\r\nGood: 1\r\nbad:\r\n\r\n";
  is_chain(set, true,
           {{kGood, ""}, {kBad, "1[TX:name_bad]"}, {kGood, ""}, {kEmpty, "1[TX:name_bad]"}});
  // What is forbidden depends on the request.
  is_chain(set +
               "SecRule REQUEST_URI \"@beginsWith /strict\" "
               "\"id:3,phase:1,nolog,pass,setvar:'tx.forbidden=/good/'\"\n",
           false, {{kGood, ""}, {"GET /strict HTTP/1.1\r\nGood: 1\r\n\r\n", "1[TX:name_good]"}});
  // Others see what it sets, or set what it looks at.
  is_chain(set + "SecRule TX:name_good \"@streq /good/\" \"id:3,phase:2,pass\"\n", false,
           {{kGood, ""}});
  is_chain(set + "SecRule &TX \"@gt 1000\" \"id:3,phase:2,pass\"\n", false, {{kGood, ""}});
  is_chain(set +
               "SecRule ARGS_NAMES \"@rx .\" "
               "\"id:3,phase:1,pass,nolog,setvar:'tx.%{MATCHED_VAR}=/bad/'\"\n",
           false, {{"GET /?name_x=1 HTTP/1.1\r\nGood: 1\r\n\r\n", "1[TX:name_x]"}});
  is_chain(set +
               "SecRule ARGS_NAMES \"@rx .\" "
               "\"id:3,phase:1,pass,nolog,setvar:tx.other_%{MATCHED_VAR}=1\"\n",
           true, {{kGood, ""}, {kBad, "1[TX:name_bad]"}});
  // By a name that any may have in it they see those of some.
  const std::string behind =
      "SecRule TX:/e_good/ \"@streq /good/\" \"id:3,phase:2,pass\"\n"
      "SecRule TX:0 \"@streq good\" \"id:4,phase:2,pass\"\n";
  is_chain(
      set, true,
      {{kGood, "3[TX:name_good] 4[TX:0]"},
       {kBad, "1[TX:name_bad] 3[TX:name_good]"},
       {"GET / HTTP/1.1\r\nGood: 1\r\nHost: a\r\n\r\n", "3[TX:name_good]"},
       {"GET / HTTP/1.1\r\nBad: 1\r\nGOOD: 2\r\n\r\n", "1[TX:name_bad] 3[TX:name_good] 4[TX:0]"},
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""}},
      behind);
  // What takes its targets away does so for one request.
  is_chain(set +
               "SecRule ARGS:off \"@streq 1\" "
               "\"id:3,phase:1,nolog,pass,ctl:ruleRemoveTargetById=1;TX:name_bad\"\n",
           true,
           {{"GET /?off=1 HTTP/1.1\r\nGood: 1\r\nBAD: 2\r\n\r\n", ""}, {kBad, "1[TX:name_bad]"}});
}

void knows_the_chain_of_the_core_rule_set(void**) {
  for (const int paranoia : {1, 2}) {
    const Program program(load_rules({}), {paranoia});
    const auto& rules = program.rules().rules;
    bool found = false;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (rules[i].id != 920450 || rules[i].link) continue;
      found = program.rule(static_cast<int>(i)).private_chain.has_value();
    }
    assert_true(found);
  }
}

void keeps_its_budget(void**) {
  std::string request = "GET /?a=";
  request.append(200'000, 'a');
  request += " HTTP/1.1\r\n\r\n";
  constexpr std::string_view kRules = "SecRule ARGS \"@rx ^(a+)+$\" \"id:1,phase:1,pass\"\n";
  assert_true(run(kRules, request, true, 100'000) == "over budget");
  // What goes back without end is stopped, and has matched.
  request = "GET /?a=" + std::string(40, 'a') + "! HTTP/1.1\r\n\r\n";
  assert_true(run("SecRule ARGS \"@rx ^(?:a|a|aa)+$\" \"id:1,phase:1,pass\"\n", request, false) ==
              "1[ARGS:a] gave up 1");
  std::string many = "GET /?";
  for (int i = 0; i < 20'000; ++i) many += "a&";
  assert_true(run(kRules, many + " HTTP/1.1\r\n\r\n", true) == "over budget");
}

// A long name may be made many times of one that the client has sent once.
void charges_for_names(void**) {
  constexpr std::uint64_t kEnough = 10'000'000;
  constexpr std::string_view kJson =
      "SecAction \"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON\"\n"
      "SecRule ARGS:none \"@rx a\" \"id:2,phase:2,pass\"\n";
  std::string body = "{\"" + std::string(10'000, 'k') + "\":[1";
  for (int i = 0; i < 2'000; ++i) body += ",1";
  const std::string request = "POST / HTTP/1.1\r\n\r\n" + body + "]}";
  assert_true(run(kJson, request, true, kEnough) == "over budget");
  assert_true(run(kJson, request, true, 3 * kEnough).empty());

  std::string rules;
  for (int i = 1; i <= 100; ++i) {
    rules += "SecRule ARGS \"@contains a\" \"id:" + std::to_string(i) + ",phase:1,pass\"\n";
  }
  const std::string name(200'000, 'n');
  const std::string_view behind = "=a HTTP/1.1\r\n\r\n";
  assert_true(run(rules, "GET /?" + name + std::string(behind), true, kEnough) == "over budget");
}

// What goes back a lot, though not without end, costs as much as it takes: in many values, and from
// many places of one.
void charges_for_going_back(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS \"@rx <[^a-z]*:?[^a-z]*:?[^a-z]*(?:s|t)\" \"id:1,phase:1,pass\"\n";
  const std::string value = '<' + std::string(60, '(') + 'f';
  std::string values = "GET /?";
  std::string places = "GET /?a=";
  for (int i = 0; i < 200; ++i) {
    values += "a=" + value + '&';
    places += value;
  }
  constexpr std::uint64_t kEnough = 5'000'000;
  for (const std::string& request : {values, places}) {
    assert_true(run(kRules, request + " HTTP/1.1\r\n\r\n", false, kEnough) == "over budget");
  }
  // Much that does not costs little, and so does one such value.
  std::string plain = "GET /?a=";
  for (int i = 0; i < 20'000; ++i) plain += "<b>bold</b>";
  assert_true(run(kRules, plain + " HTTP/1.1\r\n\r\n", false, kEnough).empty());
  assert_true(run(kRules, "GET /?a=" + value + " HTTP/1.1\r\n\r\n", false, kEnough).empty());
}

// A pattern with a macro is compiled once for all values of a request, and costs every request the
// same.
void makes_regexes(void**) {
  constexpr std::string_view kRules =
      "SecAction \"id:1,phase:1,pass,nolog,setvar:'tx.word=b[a-z]'\"\n"
      "SecRule ARGS \"@rx ^%{tx.word}r$\" \"id:2,phase:1,pass\"\n"
      "SecRule ARGS:own \"!@rx ^%{ARGS.pattern}$\" \"id:3,phase:1,pass\"\n";
  is(kRules, "GET /?a=bar&b=foo&c=bor HTTP/1.1\r\n\r\n", "2[ARGS:c]");
  is(kRules, "GET /?own=xx&pattern=x%2b HTTP/1.1\r\n\r\n", "");
  is(kRules, "GET /?own=xx&pattern=y HTTP/1.1\r\n\r\n", "3[ARGS:own]");
  // What is no pattern matches nothing, and nothing is what "!" is about.
  is(kRules, "GET /?own=xx&pattern=( HTTP/1.1\r\n\r\n", "3[ARGS:own]");

  RuleSetBuilder builder;
  builder.add_text(kRules, "f");
  const Program program(builder.finish(), {1, 5, false, true});
  Inspection inspection;
  assert_true(inspection.prepare(program));
  const auto work_of = [&](std::string_view target) {
    RequestView view;
    view.method = "GET";
    view.target = target;
    view.version = "1.1";
    return inspection.run_headers(program, view, kDefaultBudget).work;
  };
  const std::uint64_t one = work_of("/?a=x");
  assert_true(one > 8 * 1000);
  assert_true(work_of("/?a=x&b=y&c=z&d=u") < one + 8 * 1000);
  assert_int_equal(work_of("/?a=x"), one);
}

void refuses_macros(void**) {
  const auto error_of = [](const std::string& argument) -> std::string {
    RuleSetBuilder builder;
    builder.add_text("SecRule ARGS \"" + argument + "\" \"id:1\"\n", "f");
    try {
      const Program program(builder.finish(), {});
    } catch (const guard::core::ConfigError& error) {
      return error.what();
    }
    return "none";
  };
  assert_true(error_of("@streq %{nothing}") == "f:1: unknown macro \"%{nothing}\"");
  assert_true(error_of("@rx %{tx}") == "f:1: unknown macro \"%{tx}\"");
  assert_true(error_of("@ge %{tx.a") == "f:1: a macro is not closed in \"%{tx.a\"");
}

// What becomes of an answer: "12 17 denied 403 disclosure score 0".
std::string answer(std::string_view rules, std::string_view target, const ResponseView& response,
                   bool search, std::uint64_t budget = kDefaultBudget) {
  RuleSetBuilder builder;
  builder.add_text(rules, "f");
  ProgramOptions options{1, 5, false, search};
  options.response = true;
  options.response_threshold = 4;
  const Program program(builder.finish(), options);
  Inspection inspection;
  assert_true(inspection.prepare(program));
  RequestView view;
  view.method = "GET";
  view.target = target;
  view.version = "1.1";
  assert_true(inspection.run_headers(program, view, budget).outcome == Outcome::passed);
  assert_true(inspection.run_body({}).outcome == Outcome::passed);
  if (!inspection.asks_answers()) return "not asked";
  KeptMemory memory;
  const KeptState* kept = memory.keep(inspection);
  assert_non_null(kept);
  // Another request in between.
  RequestView other = view;
  other.target = "/?set=other&allow=1&off=1";
  inspection.run_headers(program, other, budget);
  const InspectionResult result = inspection.run_response(program, view, *kept, response, budget);
  if (result.outcome == Outcome::over_budget) return "over budget";
  std::string text;
  for (const Match& match : inspection.matches()) text += std::to_string(match.rule->id) + ' ';
  if (result.outcome == Outcome::denied) {
    text += "denied " + std::to_string(result.status) + ' ' + std::string(inspection.category());
  }
  return text + " score " + std::to_string(result.score);
}

void judges_answers(void**) {
  constexpr std::string_view kRules =
      "SecRule ARGS:set \"@rx .\" "
      "\"id:1,phase:1,pass,nolog,setvar:tx.%{MATCHED_VAR}=1,setvar:tx.a=x\"\n"
      "SecRule ARGS:allow \"@eq 1\" \"id:2,phase:1,allow,nolog\"\n"
      "SecRule ARGS:allow \"@eq 2\" \"id:3,phase:1,allow:request,nolog\"\n"
      "SecRule ARGS:off \"@eq 1\" \"id:4,phase:1,pass,nolog,ctl:ruleEngine=Off\"\n"
      "SecRule ARGS:less \"@eq 1\" "
      "\"id:5,phase:1,pass,nolog,ctl:ruleRemoveTargetById=13;RESPONSE_BODY\"\n"
      "SecRule ARGS:body \"@eq 1\" \"id:6,phase:1,pass,nolog,ctl:responseBodyAccess=Off\"\n"
      "SecRule ARGS:see \"@eq 1\" \"id:7,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly\"\n"
      "SecRule TX:one \"@eq 1\" \"id:11,phase:3,pass,chain\"\nSecRule TX:a \"@streq x\"\n"
      "SecRule RESPONSE_HEADERS_NAMES|RESPONSE_HEADERS \"@rx (?i)leak[0-9]\" "
      "\"id:12,phase:3,pass\"\n"
      "SecRule RESPONSE_BODY \"@rx pass(?:word|wd)\" \"id:13,phase:4,pass,t:none,t:lowercase,"
      "severity:ERROR,tag:'attack-disclosure',setvar:tx.outbound_anomaly_score=+4\"\n"
      "SecRule TX:outbound_anomaly_score \"@ge %{tx.outbound_anomaly_score_threshold}\" "
      "\"id:14,phase:4,deny\"\n"
      "SecRule RESPONSE_STATUS|RESPONSE_PROTOCOL|RESPONSE_CONTENT_TYPE|RESPONSE_CONTENT_LENGTH "
      "\"@streq 404\" \"id:15,phase:3,deny,status:500\"\n"
      "SecRule OUTBOUND_DATA_ERROR \"@eq 1\" \"id:16,phase:4,pass\"\n"
      "SecRule TX:outbound_anomaly_score \"@gt 0\" \"id:17,phase:5,deny\"\n";
  const HeaderField field{"X-Leak1", "leak2"};
  ResponseView plain{"200", "1.1", "text/html", "9", {}, "Password!", false};
  const auto judged = [&](std::string_view target, const ResponseView& response,
                          std::string_view wanted) {
    for (const bool search : {true, false}) {
      const std::string found = answer(kRules, target, response, search);
      if (found != wanted) print_error("%s: %s\n", std::string(target).c_str(), found.c_str());
      assert_true(found == wanted);
    }
  };
  judged("/", plain, "13 14 17 denied 403 disclosure score 4");
  judged("/?set=one", plain, "11 13 14 17 denied 403 disclosure score 4");
  judged("/?set=two", plain, "13 14 17 denied 403 disclosure score 4");
  judged("/?allow=1", plain, "not asked");
  judged("/?allow=2", plain, "13 14 17 denied 403 disclosure score 4");
  judged("/?off=1", plain, "not asked");
  judged("/?less=1", plain, " score 0");
  judged("/?body=1", plain, " score 0");
  judged("/?see=1", plain, "13 14 17  score 4");
  plain.body = "fine";
  judged("/", plain, " score 0");
  plain.headers = {&field, 1};
  judged("/", plain, "12  score 0");
  plain.headers = {};
  plain.body_cut = true;
  judged("/", plain, "16  score 0");
  plain.status = "404";
  judged("/", plain, "15 denied 500  score 0");
  const std::string large(200'000, 'p');
  plain.body = large;
  assert_true(answer(kRules, "/", plain, true, 100'000) == "over budget");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(transforms),
      cmocka_unit_test(reads_behind_fragments),
      cmocka_unit_test(reads_quoted_cookies),
      cmocka_unit_test(joins_fields),
      cmocka_unit_test(reads_json_in_arguments),
      cmocka_unit_test(decodes_cookies),
      cmocka_unit_test(divides_at_semicolons),
      cmocka_unit_test(reads_unsaid_json),
      cmocka_unit_test(reads_unsaid_form),
      cmocka_unit_test(reads_pieces_of_xml),
      cmocka_unit_test(reads_unsaid_xml),
      cmocka_unit_test(bounds_what_xml_costs),
      cmocka_unit_test(joins_requests),
      cmocka_unit_test(keeps_values_apart),
      cmocka_unit_test(looks_between_transformations),
      cmocka_unit_test(reads_parts),
      cmocka_unit_test(counts_and_scores),
      cmocka_unit_test(chains_and_skips),
      cmocka_unit_test(controls),
      cmocka_unit_test(reads_bodies),
      cmocka_unit_test(remembers_texts),
      cmocka_unit_test(remembers_chains),
      cmocka_unit_test(knows_the_chain_of_the_core_rule_set),
      cmocka_unit_test(keeps_its_budget),
      cmocka_unit_test(charges_for_names),
      cmocka_unit_test(charges_for_going_back),
      cmocka_unit_test(makes_regexes),
      cmocka_unit_test(refuses_macros),
      cmocka_unit_test(judges_answers),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
