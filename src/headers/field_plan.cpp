#include "headers/field_plan.h"

#include <algorithm>

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

bool names_rule(const std::vector<FieldRule>& rules, std::string_view name) {
  return std::ranges::any_of(rules,
                             [&](const FieldRule& rule) { return same_field(rule.name, name); });
}

// Constant fields by scope, then those with variables.
int rank(const PlannedField& field) {
  return field.has_variables() ? 3 : static_cast<int>(field.scope);
}

void add_names(FieldPlan& plan, const HideChoice& hide) {
  std::vector<NameTable::Entry> entries;
  for (std::size_t i = 0; i < plan.fields.size(); ++i) {
    entries.push_back(
        {lower_case(plan.fields[i].name), static_cast<std::int16_t>(i), plan.fields[i].existing});
  }
  const auto hide_name = [&](std::string_view name) {
    const std::string wanted = lower_case(name);
    for (NameTable::Entry& entry : entries) {
      if (entry.name != wanted) continue;
      entry.existing = Existing::goes;
      return;
    }
    entries.push_back({wanted, NameTable::kHidden, Existing::goes});
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

FieldPlan make_plan(const ProfileChoice& profile, const std::vector<FieldRule>& rules,
                    const std::optional<Hsts>& hsts, const HideChoice& hide) {
  FieldPlan plan;
  const auto scope_of = [](std::string_view name) {
    return is_document_field(name) ? Scope::document : Scope::any;
  };
  const Existing profile_meets = profile.overrides ? Existing::goes : Existing::stays;

  for (const ProfileField& field : fields_of(profile.profile)) {
    if (names_rule(rules, field.name)) continue;
    plan.fields.push_back(
        {std::string(field.name), std::string(field.value), scope_of(field.name), profile_meets});
  }
  for (const FieldRule& rule : rules) {
    if (rule.off) continue;
    plan.fields.push_back({rule.name, rule.value, scope_of(rule.name), Existing::goes});
  }
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
    if (field.has_variables()) continue;
    ++plan.constant;
    if (field.scope == Scope::document) ++plan.document;
    if (field.scope != Scope::secure) ++plan.insecure;
  }
  plan.hides_version = hide.known && !hide.off;
  plan.hides_server = !hide.off && std::ranges::any_of(hide.names, [](const std::string& name) {
    return same_field(name, "Server");
  });
  add_names(plan, hide);
  return plan;
}

}  // namespace guard::headers
