// What follows from a rule that has matched, and what it was about.
#include <algorithm>
#include <array>
#include <functional>

#include "inspect/inspection.h"

namespace guard::inspect {

namespace {

constexpr std::size_t kMaxMatches = 256;

struct Topic {
  std::string_view tag;
  std::string_view category;
};

// The tags of the Core Rule Set, and what refusals are called for them: see code_of().
constexpr std::array<Topic, 18> kTopics = {{
    {"attack-sqli", "sqli"},
    {"attack-xss", "xss"},
    {"attack-rce", "rce"},
    {"attack-lfi", "lfi"},
    {"attack-rfi", "rfi"},
    {"attack-injection-php", "php"},
    {"attack-injection-java", "java"},
    {"attack-injection-nodejs", "nodejs"},
    {"attack-fixation", "session"},
    {"attack-reputation-scanner", "scanner"},
    {"attack-reputation-scripting", "scanner"},
    {"attack-reputation-crawler", "scanner"},
    {"attack-reputation-ip", "scanner"},
    {"attack-protocol", "protocol"},
    {"attack-multipart-header", "protocol"},
    {"attack-deprecated-header", "protocol"},
    {"attack-disclosure", "disclosure"},
    {"attack-generic", "generic"},
}};

int weight_of(std::uint8_t severity) {
  switch (severity) {
    case 0:
    case 1:
    case 2:
      return 5;
    case 3:
      return 4;
    case 4:
      return 3;
    case 5:
      return 2;
    default:
      return 1;
  }
}

}  // namespace

std::string_view category_of(const Rule& rule) noexcept {
  for (const std::string& tag : rule.tags) {
    for (const Topic& topic : kTopics) {
      if (tag == topic.tag) return topic.category;
    }
  }
  return {};
}

std::string_view Inspection::category() const noexcept {
  std::array<int, kTopics.size()> weights{};
  std::string_view best;
  int most = 0;
  for (const Match& match : matches_) {
    const std::string_view category = category_of(*match.rule);
    // What only sums up what others have found is about nothing itself.
    if (category.empty() || match.rule == result_.by) continue;
    for (std::size_t i = 0; i < kTopics.size(); ++i) {
      if (kTopics[i].category != category) continue;
      weights[i] += weight_of(match.rule->severity);
      if (weights[i] > most) {
        most = weights[i];
        best = category;
      }
      break;
    }
  }
  if (best.empty() && result_.by != nullptr) best = category_of(*result_.by);
  return best;
}

void Inspection::after_match(const CompiledRule& compiled) {
  const Rule& rule = *compiled.rule;
  for (const Control& one : rule.controls) control(one);
  if (rule.severity < highest_severity_) highest_severity_ = rule.severity;
  if (compiled.skip_to >= 0) skip_to_ = compiled.skip_to;
  if (rule.skip > 0) skip_ = rule.skip;
}

// Where in the value that has matched the first capture begins, if it is a part of it.
std::size_t Inspection::found_at(const Rule& rule) const {
  const Variable& captured = tx_.front();
  if (!rule.capture || captured.state != Variable::State::text) return 0;
  const char* const begin = matched_value_.data();
  const char* const at = captured.text.data();
  const bool is_part =
      std::greater_equal<>()(at, begin) && std::less<>()(at, begin + matched_value_.size());
  return is_part ? static_cast<std::size_t>(at - begin) : 0;
}

// A rule, or a chain, has matched as a whole.
void Inspection::report(const Rule& rule) {
  if (rule.log && matches_.size() < kMaxMatches) {
    matches_.push_back({&rule, matched_name(), matched_value_, found_at(rule), expand(rule.msg),
                        expand(rule.logdata)});
  }
  disrupt(rule);
}

void Inspection::disrupt(const Rule& rule) {
  switch (rule.disruption) {
    case Disruption::pass:
    case Disruption::block:
      return;
    case Disruption::allow:
      if (rule.allow == AllowScope::phase) {
        allow_phase_ = true;
      } else {
        allow_all_ = true;
        allow_request_ = rule.allow == AllowScope::request;
      }
      return;
    case Disruption::deny:
    case Disruption::drop:
    case Disruption::redirect:
      if (detection_only_ || rule.phase == kPhases) return;
      result_.outcome = Outcome::denied;
      result_.by = &rule;
      result_.status = rule.status;
      if (rule.disruption == Disruption::redirect) redirect(rule);
  }
}

// To an address that may hold what the client has sent, which cannot end the field then.
void Inspection::redirect(const Rule& rule) {
  const std::string_view address = expand(rule.redirect);
  char* const at = transaction_.arena().allocate(3 * address.size());
  char* out = at;
  for (const char c : address) {
    if (c > ' ' && c < '\x7f' && c != '"' && c != '<' && c != '>' && c != '\\') {
      *out++ = c;
      continue;
    }
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    *out++ = '%';
    *out++ = kDigits[byte >> 4U];
    *out++ = kDigits[byte & 15U];
  }
  result_.location = {at, static_cast<std::size_t>(out - at)};
  constexpr std::array<std::uint16_t, 5> kRedirects = {301, 302, 303, 307, 308};
  if (result_.location.empty()) {
    result_.status = 403;
  } else if (std::find(kRedirects.begin(), kRedirects.end(), rule.status) == kRedirects.end()) {
    result_.status = 302;
  }
}

void Inspection::control(const Control& one) {
  switch (one.kind) {
    case ControlKind::remove_by_id:
    case ControlKind::remove_by_tag:
    case ControlKind::remove_by_msg:
      removed_rules_.push_back(&one);
      return;
    case ControlKind::remove_target_by_id:
    case ControlKind::remove_target_by_tag:
    case ControlKind::remove_target_by_msg:
      removed_targets_.push_back(&one);
      return;
    case ControlKind::rule_engine:
      engine_off_ = one.text == "off";
      detection_only_ = one.text == "detectiononly";
      return;
    case ControlKind::request_body_processor:
      transaction_.set_processor(one.text == "json"        ? BodyProcessor::json
                                 : one.text == "xml"       ? BodyProcessor::xml
                                 : one.text == "multipart" ? BodyProcessor::multipart
                                                           : BodyProcessor::urlencoded);
      return;
    case ControlKind::request_body_access:
      skip_body_ = one.text == "off";
      return;
    case ControlKind::response_body_access:
      skip_response_body_ = one.text == "off";
      return;
    case ControlKind::force_request_body_variable:
    case ControlKind::nothing:
      return;
  }
}

}  // namespace guard::inspect
