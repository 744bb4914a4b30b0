#include "headers/csp_policy.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "headers/csp_check.h"

namespace guard::headers {

namespace {

using core::fail;

constexpr std::size_t kPolicyMax = 4096;
constexpr std::string_view kEndpoint = "guard-csp";

// Bytes that end a policy or a field, or that nginx would read as a variable.
void check_bytes(std::string_view what, std::string_view text) {
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == ',') {
      fail("\",\" in ", what, " \"", text,
           "\" would begin another policy, write \"%2C\" in a path");
    }
    if (byte == '$') {
      fail("variable in ", what, " \"", text, "\", it could bring a policy of its own with it");
    }
    if (byte > 0x7e || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r')) {
      fail("byte that is not printable ASCII in ", what, " \"", text, "\"");
    }
  }
}

// A path here, or the URL of a collector; both go into a quoted string and a source list.
void check_report(std::string_view report) {
  const bool path = report.starts_with('/') && !report.starts_with("//");
  if (!path && !report.starts_with("https://")) {
    fail("invalid value \"", report, "\" of \"report=\", a path or an https URL is expected");
  }
  const bool clean = std::ranges::all_of(report, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != ';' && c != ',' && c != '$';
  });
  if (!clean) fail("invalid character in value \"", report, "\" of \"report=\"");
}

// nginx takes a policy without quotes for as many words.
void check_is_one_word(const core::Words& words) {
  constexpr std::array<std::string_view, 3> kWords = {"report=", "report_only", "replace"};
  if (words.size() < 2 || words[0].find(' ') != std::string_view::npos) return;
  const bool meant = std::ranges::any_of(
      kWords, [&](std::string_view word) { return words[1].starts_with(word); });
  if (meant || !core::suggestion(words[1], kWords).empty()) return;
  fail("unexpected word \"", words[1], "\", the policy is one word: put it into quotes");
}

CspRule parse_rule(core::Words& words) {
  check_is_one_word(words);
  words.read(1, {"report"}, {"report_only", "replace"});
  const std::string_view text = words[0];
  check_bytes("policy", text);
  CspRule rule;
  rule.policy = parse_csp(text);
  if (rule.policy.directives.empty()) fail("empty policy of \"", words.directive(), "\"");
  if (text.size() > kPolicyMax) {
    fail("policy is longer than ", std::to_string(kPolicyMax), " bytes");
  }
  rule.report_only = words.flag("report_only");
  rule.replace = words.flag("replace");
  if (const auto report = words.named("report")) {
    check_report(*report);
    rule.report = *report;
    for (std::string_view name : {"report-uri", "report-to"}) {
      if (rule.policy.find(name) != nullptr) {
        fail("\"report=\" beside the policy's own \"", name, "\"");
      }
    }
    // Browsers that know report-to ignore report-uri.
    rule.policy.directives.push_back({"report-uri", {rule.report}});
    rule.policy.directives.push_back({"report-to", {std::string(kEndpoint)}});
  }
  return rule;
}

// nginx takes the quotes off a word that is nothing but quoted: 'self' arrives as self, which as
// the name of a host nobody means.
std::string quoted(std::string_view word) {
  std::string source = "'" + std::string(word) + "'";
  return is_csp_source(source) ? source : std::string(word);
}

// The policy with fresh nonces in it.
std::string value_of(const CspPolicy& policy) {
  CspPolicy filled = policy;
  for (CspDirective& directive : filled.directives) {
    for (std::string& value : directive.values) {
      if (value == kNonceSource) value = "'nonce-" + std::string(kNonceVariable) + "'";
    }
  }
  return filled.text();
}

const CspDirectiveInfo& known_directive(std::string_view name) {
  if (const CspDirectiveInfo* info = csp_directive_named(name)) return *info;
  fail("unknown directive \"", name, "\"", core::suggestion(name, csp_directive_names()));
}

}  // namespace

void parse_csp_directive(core::Words& words, CspChoice& choice) {
  if (words.is_off()) {
    if (!choice.rules.empty()) fail("\"guard_csp off\" after \"guard_csp\"");
    if (choice.off) fail("\"guard_csp\" directive is duplicate");
    choice.off = true;
    return;
  }
  if (choice.off) fail("\"guard_csp\" after \"guard_csp off\"");
  CspRule rule = parse_rule(words);
  for (const CspRule& known : choice.rules) {
    if (known.report_only == rule.report_only) {
      fail("duplicate \"guard_csp\"", rule.report_only ? " with \"report_only\"" : "",
           ", write one policy");
    }
    if (!known.report.empty() && !rule.report.empty() && known.report != rule.report) {
      fail("another \"report=", known.report, "\" beside \"report=", rule.report, "\"");
    }
  }
  choice.rules.push_back(std::move(rule));
}

void parse_csp_add(const core::Words& words, CspChoice& choice) {
  if (choice.off) fail("\"guard_csp_add\" after \"guard_csp off\"");
  if (words.size() < 2) {
    fail("invalid number of arguments in \"", words.directive(), "\" directive");
  }
  CspAddition addition;
  addition.directive = words[0];
  const CspDirectiveInfo& info = known_directive(addition.directive);
  if (info.kind != CspKind::sources && info.kind != CspKind::ancestors &&
      info.kind != CspKind::flags) {
    fail("nothing can be added to \"", addition.directive, "\", it has no list of sources");
  }
  for (std::string_view word : words.all().subspan(1)) {
    check_bytes("source", word);
    const std::string source = info.kind == CspKind::flags ? std::string(word) : quoted(word);
    if (source == "'none'") fail("\"'none'\" cannot be added");
    if (info.kind != CspKind::flags && !is_csp_source(source)) {
      fail("invalid source \"", source, "\" of \"", addition.directive, "\"");
    }
    if (source.find_first_of("; \t\r\n") != std::string_view::npos) {
      fail("invalid source \"", source, "\" of \"", addition.directive, "\"");
    }
    addition.sources.push_back(source);
  }
  choice.additions.push_back(std::move(addition));
}

CspChoice merge_csp(const CspChoice& outer, const CspChoice& inner) {
  if (inner.off || !inner.rules.empty()) return inner;
  CspChoice merged = outer;
  if (outer.off && !inner.additions.empty()) {
    fail("\"guard_csp_add\" below \"guard_csp off\" has nothing to add to");
  }
  for (const CspAddition& addition : inner.additions) merged.additions.push_back(addition);
  return merged;
}

CspFields make_csp(const CspChoice& choice, std::string_view profile) {
  CspFields fields;
  if (choice.off) return fields;
  struct Sent {
    CspPolicy policy;
    const CspRule* rule;  // null: the profile's

    std::vector<std::string> warnings() const {
      const bool reports = rule != nullptr && rule->report_only;
      return check_csp(policy, reports ? CspDisposition::report : CspDisposition::enforce);
    }
  };
  std::vector<Sent> all;
  for (const CspRule& rule : choice.rules) all.push_back({rule.policy, &rule});
  if (!profile.empty() && std::ranges::all_of(choice.rules, &CspRule::report_only)) {
    all.push_back({parse_csp(profile), nullptr});
  }
  std::vector<std::string> known;
  if (!choice.additions.empty()) {
    for (const Sent& sent : all) std::ranges::move(sent.warnings(), std::back_inserter(known));
  }
  for (const CspAddition& addition : choice.additions) {
    bool added = false;
    for (Sent& sent : all) {
      if (add_sources(sent.policy, addition.directive, addition.sources)) added = true;
    }
    if (added) continue;
    fail("\"guard_csp_add ", addition.directive, "\" has nothing to add to: ",
         all.empty() ? "there is neither \"guard_csp\" nor \"guard_headers\""
                     : "no directive of the policy restricts it");
  }
  for (const Sent& sent : all) {
    if (!choice.additions.empty()) {
      for (std::string& warning : sent.warnings()) {
        if (std::ranges::find(known, warning) != known.end()) continue;
        fields.warnings.push_back(known.emplace_back(std::move(warning)));
      }
    }
    const bool nonce = sent.policy.has_nonce();
    if (sent.rule == nullptr) {
      fields.profile = CspField{std::string(kCspName), value_of(sent.policy), nonce};
      continue;
    }
    const CspRule& rule = *sent.rule;
    fields.policies.push_back(
        {std::string(rule.field_name()), value_of(sent.policy), nonce, rule.replace});
    if (!rule.report.empty()) {
      fields.endpoints = std::string(kEndpoint) + "=\"" + rule.report + "\"";
    }
  }
  return fields;
}

std::vector<std::string> warnings_of(const CspRule& rule) {
  return check_csp(rule.policy,
                   rule.report_only ? CspDisposition::report : CspDisposition::enforce);
}

}  // namespace guard::headers
