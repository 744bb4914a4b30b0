#include "headers/field_plan.h"

#include <algorithm>

#include "core/ascii.h"
#include "headers/profiles.h"

namespace guard::headers {

namespace {

constexpr std::string_view kHstsName = "Strict-Transport-Security";

unsigned char lower(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + ('a' - 'A')) : byte;
}

std::string lower_case(std::string_view name) {
  std::string text;
  for (char c : name) text.push_back(static_cast<char>(lower(c)));
  return text;
}

// Constant fields by scope, then the others.
int rank(const PlannedField& field) {
  return field.is_variable() ? 4 : static_cast<int>(field.scope);
}

Scope scope_in(Profile profile, std::string_view name) {
  if (!is_document_field(name)) return Scope::any;
  return profile == Profile::web ? Scope::document : Scope::content;
}

// Which fields the policies come to, and what is left of the profile's own.
void add_policies(FieldPlan& plan, const CspFields& csp, const std::vector<FieldRule>& rules) {
  for (const CspField& field : csp.policies) {
    for (const FieldRule& rule : rules) {
      if (!core::equal_without_case(rule.name, field.name) || rule.off) continue;
      core::fail("\"guard_csp\" beside \"guard_header ", rule.name,
                 "\", say the policy with one of them");
    }
    plan.fields.push_back({field.name, field.value, Scope::document,
                           field.replace ? Existing::goes : Existing::beside});
    plan.nonce |= field.nonce;
  }
  if (!csp.endpoints.empty()) {
    plan.fields.push_back(
        {std::string(kReportingEndpointsName), csp.endpoints, Scope::document, Existing::beside});
  }
}

void add_names(FieldPlan& plan, const HideChoice& hide) {
  std::vector<NameTable::Entry> entries;
  // Conditional fields are the last ones, and before what they stand in for: see rank.
  for (std::size_t i = plan.fields.size(); i-- > 0;) {
    const std::string name = lower_case(plan.fields[i].name);
    const auto known = std::ranges::find(entries, name, &NameTable::Entry::name);
    if (known == entries.end()) {
      entries.push_back({name, static_cast<std::int16_t>(i), plan.fields[i].existing});
    } else if (plan.fields[static_cast<std::size_t>(known->field)].is_conditional()) {
      known->fallback = static_cast<std::int16_t>(i);
    }
  }
  const auto hide_name = [&](std::string_view name) {
    const std::string wanted = lower_case(name);
    for (NameTable::Entry& entry : entries) {
      if (entry.name != wanted) continue;
      entry.existing = Existing::goes;
      entry.hidden = true;
      return;
    }
    entries.push_back({wanted, NameTable::kHidden, Existing::goes, NameTable::kHidden, true});
  };
  if (!hide.off) {
    if (hide.known) std::ranges::for_each(telling_fields(), hide_name);
    std::ranges::for_each(hide.names, hide_name);
  }
  plan.names = NameTable(std::move(entries));
}

}  // namespace

NameTable::NameTable(std::vector<Entry> entries) : entries_(std::move(entries)) {
  if (entries_.empty()) return;
  slots_.resize(std::bit_ceil(entries_.size() * 4));
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t slot = hash(entries_[i].name) & (slots_.size() - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = static_cast<std::uint16_t>(i + 1);
  }
}

std::uint32_t NameTable::hash(std::string_view name) noexcept {
  // The bytes in which names that share a prefix ("x-...") differ most.
  const std::uint32_t mixed = static_cast<std::uint32_t>(name.size()) * 0x9e3779b1U ^
                              lower(name.back()) * 0x85ebca77U ^
                              lower(name[name.size() / 2]) * 0xc2b2ae3dU;
  return mixed >> 16;
}

const NameTable::Entry* NameTable::find(std::string_view name) const noexcept {
  if (name.empty() || slots_.empty()) return nullptr;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash(name) & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const Entry& entry = entries_[slots_[slot] - 1U];
    if (entry.name.size() != name.size()) continue;
    std::size_t i = 0;
    while (i < name.size() && lower(name[i]) == static_cast<unsigned char>(entry.name[i])) ++i;
    if (i == name.size()) return &entry;
  }
  return nullptr;
}

bool PlannedField::suits(std::uint16_t status) const noexcept {
  return statuses.empty() || std::ranges::any_of(statuses, [status](const StatusRange& range) {
           return range.first <= status && status <= range.last;
         });
}

FieldPlan make_plan(const ProfileChoice& profile, const std::vector<FieldRule>& rules,
                    const std::optional<Hsts>& hsts, const HideChoice& hide, const CspChoice& csp) {
  FieldPlan plan;
  const Existing profile_meets = profile.overrides ? Existing::goes : Existing::stays;
  // What a rule says always takes the place of the profile's; what it says now and then, only then.
  const auto is_replaced = [&](std::string_view name) {
    return std::ranges::any_of(rules, [&](const FieldRule& rule) {
      return core::equal_without_case(rule.name, name) && !rule.is_conditional();
    });
  };

  std::string_view policy;
  for (const ProfileField& field : fields_of(profile.profile)) {
    if (field.name == kCspName && !is_replaced(field.name)) policy = field.value;
  }
  CspFields policies = make_csp(csp, policy);
  plan.warnings = std::move(policies.warnings);
  for (const ProfileField& field : fields_of(profile.profile)) {
    if (is_replaced(field.name)) continue;
    PlannedField planned{std::string(field.name), std::string(field.value),
                         scope_in(profile.profile, field.name), profile_meets};
    if (field.name == kCspName) {
      if (!policies.profile) continue;
      planned.value = policies.profile->value;
      // What must not be kept are documents.
      if (policies.profile->nonce) planned.scope = Scope::document;
      plan.nonce |= policies.profile->nonce;
    }
    plan.fields.push_back(std::move(planned));
  }
  for (const FieldRule& rule : rules) {
    if (rule.off) continue;
    plan.fields.push_back({rule.name, rule.value,
                           is_document_field(rule.name) ? Scope::content : Scope::any,
                           Existing::goes, rule.statuses, rule.condition});
    plan.conditional |= rule.is_conditional();
  }
  add_policies(plan, policies, rules);
  const Hsts sent = hsts ? *hsts : hsts_of(profile.profile);
  if (!sent.off) {
    plan.fields.push_back({std::string(kHstsName), sent.field_value(), Scope::secure,
                           hsts ? Existing::goes : profile_meets});
    plan.needs_scheme = true;
  }
  if (plan.fields.size() > FieldPlan::kMax) {
    core::fail("more than ", std::to_string(FieldPlan::kMax), " header fields");
  }
  std::ranges::stable_sort(plan.fields, {}, rank);
  for (const PlannedField& field : plan.fields) {
    if (field.is_variable()) continue;
    ++plan.constant;
    if (field.scope == Scope::document) ++plan.document;
    if (field.scope <= Scope::content) ++plan.content;
    if (field.scope != Scope::secure) ++plan.insecure;
  }
  plan.hides_version = hide.known && !hide.off;
  plan.hides_server = !hide.off && std::ranges::any_of(hide.names, [](const std::string& name) {
    return core::equal_without_case(name, "Server");
  });
  add_names(plan, hide);
  return plan;
}

}  // namespace guard::headers
