#include "inspect/crs.h"

#include <utility>

#include "core/words.h"

namespace guard::inspect {

std::string_view own_rules() noexcept {
  return R"(SecRule REQUEST_HEADERS:Content-Type "@rx ^[^a-z]*(?:application(?:/soap\+|/[^;]*\+|/)|text/)xml" \
  "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx ^[^a-z]*(?:application/(?:[^;]*\+)?|text/|[^;,/]+/[^;,]*\+)json" \
  "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" \
  "id:200002,phase:2,t:none,log,deny,status:400,severity:CRITICAL,tag:'attack-protocol',\
  msg:'The body cannot be read as what it says it is',logdata:'%{REQBODY_ERROR_MSG}'"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" \
  "id:200003,phase:2,t:none,log,deny,status:400,severity:CRITICAL,tag:'attack-protocol',\
  msg:'The multipart body is ambiguous',logdata:'%{REQBODY_ERROR_MSG}'"
SecRule MULTIPART_UNMATCHED_BOUNDARY "@eq 1" \
  "id:200004,phase:2,t:none,log,deny,status:400,severity:CRITICAL,tag:'attack-protocol',\
  msg:'The multipart body has a line like a boundary'"
)";
}

RuleSet load_rules(const std::vector<std::string>& files, std::string_view before,
                   std::string_view after) {
  RuleSetBuilder builder;
  builder.add_text(own_rules(), "guard's own rules");
  if (!before.empty()) builder.add_text(before, "guard_inspect_exclude");
  if (files.empty()) {
    builder.add_files(std::string(kCrsSetup));
    builder.add_files(std::string(kCrsBefore), true);
    builder.add_files(std::string(kCrsRules));
    builder.add_files(std::string(kCrsAfter), true);
  }
  for (const std::string& file : files) builder.add_files(file);
  if (!after.empty()) builder.add_text(after, "guard_inspect_exclude");
  return builder.finish();
}

}  // namespace guard::inspect
