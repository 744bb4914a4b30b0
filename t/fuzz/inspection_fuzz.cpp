// Rules over any request and its answer, with all short cuts and with none: patterns searched for
// together, texts remembered from one input to the next, against every rule asked for every value.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/inspection.h"
#include "inspect/rule_set.h"
#include "kept_memory.h"

namespace {

using namespace guard::inspect;

constexpr std::string_view kRules =
    R"rules(SecRule ARGS|ARGS_NAMES "@rx (?i)<script" "id:1,phase:2,pass,t:none,t:urlDecodeUni,t:htmlEntityDecode"
SecRule ARGS|REQUEST_HEADERS "@rx (?i)union.{1,9}select" "id:2,phase:2,pass,t:none,t:replaceComments"
SecRule ARGS_NAMES|REQUEST_HEADERS "@rx ^evil$" "id:3,phase:1,pass,t:none,t:lowercase,t:removeWhitespace"
SecRule ARGS|ARGS_NAMES "@pm exec eval( cmd" "id:4,phase:2,pass,t:none,t:cmdLine"
SecRule REQUEST_HEADERS "@rx \.\./" "id:5,phase:1,pass,multiMatch,t:none,t:urlDecode,t:normalizePathWin"
SecRule ARGS "@rx \x00|\bor\b\s*[0-9]" "id:6,phase:2,pass,t:none,t:sqlHexDecode,t:utf8toUnicode,t:urlDecodeUni"
SecRule REQUEST_HEADERS_NAMES|ARGS_NAMES "!@rx ^[\w-]+$" "id:7,phase:2,pass,t:none,t:jsDecode"
SecRule REQUEST_URI|ARGS|REQUEST_HEADERS "@validateByteRange 1-255" "id:8,phase:2,pass,t:none,t:urlDecodeUni"
SecRule ARGS|ARGS_NAMES "@rx e(?!f)g" "id:9,phase:2,pass,t:none,t:cssDecode,t:removeNulls"
SecRule ARGS|REQUEST_HEADERS "@rx (?:^|;)\s*ls(?:\s|$)" "id:10,phase:2,pass,t:none,t:compressWhitespace,t:escapeSeqDecode"
SecRule ARGS "@rx (?i)eval" "id:11,phase:2,pass,t:none,t:base64Decode"
SecRule ARGS|ARGS_NAMES|REQUEST_HEADERS "@detectSQLi" "id:12,phase:2,pass,t:none,t:urlDecodeUni,t:sqlHexDecode,t:cmdLine"
SecRule ARGS|REQUEST_HEADERS "@detectXSS" "id:13,phase:2,pass,t:none,t:utf8toUnicode,t:htmlEntityDecode"
SecRule REQUEST_HEADERS_NAMES|ARGS_NAMES "@rx ^.*$" "id:14,phase:2,pass,capture,t:lowercase,setvar:'tx.name_%{tx.0}=/%{tx.0}/',chain"
SecRule TX:/^name_/ "@within /referer/ /a/ /b/"
SecRule ARGS "@rx ^[\s0-9]+" "id:15,phase:2,pass,capture,setvar:tx.level=%{tx.0},setvar:tx.sum=+%{tx.0}"
SecRule TX:level "@lt 2" "id:16,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS_NAMES "@rx a" "id:17,phase:2,pass,setvar:tx.sum=+1"
SecRule TX:sum "@gt 3" "id:18,phase:2,pass,nolog,skipAfter:END"
SecRule MATCHED_VAR "@contains 1" "id:19,phase:2,pass"
SecMarker END
SecRule MATCHED_VAR|TX:sum "@contains 2" "id:20,phase:2,pass"
SecRule RESPONSE_HEADERS|RESPONSE_HEADERS_NAMES|RESPONSE_STATUS "@rx (?i)(?:leak|refer)[a-z]|^50" "id:21,phase:3,pass,t:none,t:removeNulls,setvar:tx.sum=+2"
SecRule RESPONSE_BODY "@rx (?i)sql.{1,9}error" "id:22,phase:4,pass,t:none,t:htmlEntityDecode,t:compressWhitespace"
SecRule RESPONSE_BODY "@pm exec stack trace" "id:23,phase:4,pass,t:none"
SecRule TX:sum|TX:level|TX:/^name_/ "@rx [2-9a]" "id:24,phase:4,pass"
SecRule RESPONSE_BODY|RESPONSE_CONTENT_TYPE "!@validateUtf8Encoding" "id:25,phase:4,pass"
)rules";

RuleSet rules() {
  RuleSetBuilder builder;
  builder.add_text(kRules, "fuzz");
  return builder.finish();
}

ProgramOptions options(bool search) {
  ProgramOptions options{0, 0, false, search};
  options.response = true;
  return options;
}

void tell(const Inspection& inspection, std::string& text) {
  for (const Match& match : inspection.matches()) {
    text += std::to_string(match.rule->id) + ' ' + std::string(match.variable) + '=' +
            std::string(match.value) + '\n';
  }
}

std::string run(const Program& program, Inspection& inspection, const RequestView& view,
                const ResponseView& response) {
  InspectionResult result = inspection.run_headers(program, view, kDefaultBudget);
  if (result.outcome == Outcome::passed) result = inspection.run_body({});
  if (result.outcome == Outcome::over_budget) return "over budget";
  std::string text;
  tell(inspection, text);
  KeptMemory memory;
  const KeptState* kept = memory.keep(inspection);
  if (kept == nullptr) __builtin_trap();
  result = inspection.run_response(program, view, *kept, response, kDefaultBudget);
  if (result.outcome == Outcome::over_budget) return "over budget";
  tell(inspection, text);
  return text;
}

// What does not change a value by its traits leaves it as it is.
void check_traits(std::string_view value) {
  const Traits traits = byte_traits(value);
  std::string out(transformed_size(value.size()), '\0');
  for (std::size_t i = 0; i < kTransformationCount; ++i) {
    const auto one = static_cast<Transformation>(i);
    if (changes(one) == trait::kAny || (changes(one) & traits) != 0) continue;
    bool changed = false;
    if (transform(one, value, out.data(), changed) != value || changed) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Program quick(rules(), options(true));
  static const Program slow(rules(), options(false));
  static Inspection remembering;
  static Inspection plain;
  static const bool prepared = [] {
    plain.remember(false);
    return remembering.prepare(quick) && plain.prepare(slow);
  }();
  if (!prepared) __builtin_trap();
  if (size > 2048) return 0;
  // The target is the first line, the status and type of the answer the next, fields those behind
  // them, of the request and of the answer, and all of them the answer's body.
  static constexpr std::array<std::string_view, 4> kNames = {"Accept", "X-Own", "User-Agent",
                                                             "Referer"};
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
  };
  const std::string target = "/?" + std::string(line());
  ResponseView response;
  response.status = line();
  response.content_type = line();
  response.version = "1.1";
  response.body = rest;
  response.body_cut = rest.size() % 2 != 0;
  check_traits(target);
  check_traits(rest);
  std::vector<HeaderField> fields;
  while (!rest.empty() && fields.size() < 8) fields.push_back({kNames[fields.size() % 4], line()});
  RequestView view;
  view.method = "GET";
  view.target = target;
  view.version = "1.1";
  view.headers = fields;
  response.headers = fields;
  const std::string wanted = run(slow, plain, view, response);
  // With short cuts it costs less.
  if (wanted == "over budget") return 0;
  // Not known, learnt, known.
  for (int times = 0; times < 3; ++times) {
    if (run(quick, remembering, view, response) != wanted) __builtin_trap();
  }
  return 0;
}
