#include "inspect/crs.h"

#include <utility>

#include "core/words.h"

namespace guard::inspect {

namespace {

// The files that add up the scores begin with this one.
constexpr std::string_view kEvaluation = "/REQUEST-949-";

// extension: more rules, before the scores are added up, and behind the files that take rules from
// parts of a request.
void add_crs(RuleSetBuilder& builder, std::string_view extension) {
  const std::string rules = "/usr/share/modsecurity-crs/rules/*.conf";
  builder.add_files("/etc/modsecurity/crs/crs-setup.conf");
  builder.add_files("/etc/modsecurity/crs/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf", true);
  const std::vector<std::string> paths = glob_rule_files(rules);
  if (paths.empty()) core::fail("no rule file \"", rules, "\"");
  for (const std::string& path : paths) {
    if (path.find(kEvaluation) != std::string::npos && !extension.empty()) {
      builder.add_text(extension, std::string(kCrsExtended));
    }
    builder.add_files(path);
  }
  builder.add_files("/etc/modsecurity/crs/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf", true);
}

}  // namespace

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

std::string_view crs_extension() noexcept {
  return R"seclang(# A file of the system by its whole path: the Core Rule Set has a list of names of files, and not every file is in it.
SecRule ARGS|REQUEST_COOKIES|XML:/* "@rx (?i)^\s*(?:file:(?://)?)?/(?:\.?/)*(?:etc|proc)/" \
    "id:440001,phase:2,block,capture,t:none,t:utf8toUnicode,t:urlDecodeUni,t:removeNulls,\
    msg:'Absolute Path of a System File',logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}',\
    tag:'attack-lfi',tag:'OWASP_CRS',severity:'CRITICAL',\
    setvar:'tx.lfi_score=+%{tx.critical_anomaly_score}',setvar:'tx.anomaly_score_pl1=+%{tx.critical_anomaly_score}'"

# A command that tells where one has got to, alone and close behind a separator: people write "; set", too.
SecRule ARGS|REQUEST_COOKIES|XML:/* "@rx (?:[;&|`]|\$\()(?:env|export|id|printenv|set|whoami)(?:[;&|`)#]|$)" \
    "id:440002,phase:2,block,capture,t:none,\
    msg:'Command of a Shell behind a Separator',logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}',\
    tag:'attack-rce',tag:'OWASP_CRS',severity:'CRITICAL',\
    setvar:'tx.rce_score=+%{tx.critical_anomaly_score}',setvar:'tx.anomaly_score_pl1=+%{tx.critical_anomaly_score}'"

# A lookup by Log4j (CVE-2021-44228) in a header field, which is what gets logged.
SecRule REQUEST_HEADERS|REQUEST_COOKIES "@rx (?i)\$\{[^}]{0,15}(?:\$\{|jndi|ctx)" \
    "id:440003,phase:2,block,capture,t:none,t:urlDecodeUni,t:jsDecode,t:htmlEntityDecode,\
    msg:'Log4j Lookup',logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}',\
    tag:'attack-rce',tag:'OWASP_CRS',severity:'CRITICAL',\
    setvar:'tx.rce_score=+%{tx.critical_anomaly_score}',setvar:'tx.anomaly_score_pl1=+%{tx.critical_anomaly_score}'"

# In the place of rules 941310 and 933210, and as far as they do not find Russian and links of Markdown: with the
# "/" of an end tag, as in version 4, and its name behind it; and with the ";" without which PHP reads no call, as in version 4,
# but where there is no space and no link: "(alert)(1)".
SecRule REQUEST_COOKIES|!REQUEST_COOKIES:/__utm/|REQUEST_COOKIES_NAMES|ARGS_NAMES|ARGS|XML:/* "@rx \xbc\s*/\s*[a-z][^\xbe>]*[\xbe>]|<\s*/\s*[a-z][^\xbe]*\xbe" \
    "id:440004,phase:2,block,capture,t:none,t:urlDecodeUni,t:lowercase,t:urlDecode,t:htmlEntityDecode,t:jsDecode,\
    msg:'US-ASCII Malformed Encoding XSS Filter - Attack Detected',logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}',\
    tag:'attack-xss',tag:'OWASP_CRS',severity:'CRITICAL',\
    setvar:'tx.xss_score=+%{tx.critical_anomaly_score}',setvar:'tx.anomaly_score_pl1=+%{tx.critical_anomaly_score}'"
SecRule REQUEST_COOKIES|!REQUEST_COOKIES:/__utm/|REQUEST_COOKIES_NAMES|REQUEST_FILENAME|ARGS_NAMES|ARGS|XML:/* "@rx (?:(?:\(|\[)[a-zA-Z0-9_.$\"'\[\](){}/*\s]+(?:\)|\])[0-9_.$\"'\[\](){}/*\s]*\([a-zA-Z0-9_.$\"'\[\](){}/*\s].*\)\s*;|\([a-zA-Z0-9_.$\"'\[\](){}/*]+\)[0-9_.$\"'\[\](){}/*]*\([a-zA-Z0-9_.$\"'\[\](){}/*\s].*\)|\([\s]*string[\s]*\)[\s]*(?:\"|'))" \
    "id:440005,phase:2,block,capture,t:none,t:urlDecode,t:replaceComments,t:compressWhitespace,\
    msg:'PHP Injection Attack: Variable Function Call Found',logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}',\
    tag:'attack-injection-php',tag:'OWASP_CRS',severity:'CRITICAL',\
    setvar:'tx.php_injection_score=+%{tx.critical_anomaly_score}',setvar:'tx.anomaly_score_pl1=+%{tx.critical_anomaly_score}'"
SecRuleRemoveById 933210 941310

# The path, from each of its parts on, and fields of the application's own. Not for rule 942360, to which "42/delete" is SQL,
# nor for those of level 2 and 3 that count marks, and mind "--" and long hexadecimal numbers.
SecRuleUpdateTargetByTag "attack-sqli" "PATH_TAILS|REQUEST_HEADERS:/^X-/"
SecRuleUpdateTargetById "942360 942430-942460" "!PATH_TAILS|!REQUEST_HEADERS:/^X-/"

# Attributes of XML, names of files, and the user of a Basic Authorization, which applications store and show.
SecRuleUpdateTargetByTag "attack-sqli" "XML://@*"
SecRuleUpdateTargetByTag "attack-sqli" "FILES"
SecRuleUpdateTargetByTag "attack-sqli" "REMOTE_USER"
SecRuleUpdateTargetByTag "attack-xss" "XML://@*"
SecRuleUpdateTargetByTag "attack-xss" "FILES"
SecRuleUpdateTargetByTag "attack-xss" "REMOTE_USER"
)seclang";
}

RuleSet load_rules(const std::vector<std::string>& files, std::string_view excludes) {
  RuleSetBuilder builder;
  builder.add_text(own_rules(), "guard's own rules");
  if (files.empty()) add_crs(builder, crs_extension());
  for (const std::string& file : files) {
    if (is_rule_word(file)) {
      add_crs(builder, file == kCrs ? std::string_view{} : crs_extension());
    } else {
      builder.add_files(file);
    }
  }
  if (!excludes.empty()) builder.add_text(excludes, "guard_inspect_exclude");
  return builder.finish();
}

}  // namespace guard::inspect
