#include "headers/csp.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"

namespace guard::headers {

namespace {

// https://www.w3.org/TR/CSP3/ and the specifications that it lists in 6.
constexpr std::array<CspDirectiveInfo, 34> kDirectives = {{
    {"default-src", CspKind::sources, {}},
    {"script-src", CspKind::sources, "default-src"},
    {"script-src-elem", CspKind::sources, "script-src"},
    {"script-src-attr", CspKind::sources, "script-src"},
    {"style-src", CspKind::sources, "default-src"},
    {"style-src-elem", CspKind::sources, "style-src"},
    {"style-src-attr", CspKind::sources, "style-src"},
    {"img-src", CspKind::sources, "default-src"},
    {"font-src", CspKind::sources, "default-src"},
    {"connect-src", CspKind::sources, "default-src"},
    {"media-src", CspKind::sources, "default-src"},
    {"object-src", CspKind::sources, "default-src"},
    {"manifest-src", CspKind::sources, "default-src"},
    {"child-src", CspKind::sources, "default-src"},
    {"frame-src", CspKind::sources, "child-src"},
    {"fenced-frame-src", CspKind::sources, "frame-src"},
    {"worker-src", CspKind::sources, "child-src"},
    {"base-uri", CspKind::sources, {}},
    {"form-action", CspKind::sources, {}},
    {"frame-ancestors", CspKind::ancestors, {}},
    {"sandbox", CspKind::flags, {}},
    {"upgrade-insecure-requests", CspKind::none, {}},
    {"report-uri", CspKind::reporting, {}},
    {"report-to", CspKind::reporting, {}},
    {"trusted-types", CspKind::types, {}},
    {"require-trusted-types-for", CspKind::types, {}},
    {"webrtc", CspKind::types, {}},
    {"block-all-mixed-content", CspKind::obsolete, {}},
    {"navigate-to", CspKind::obsolete, {}},
    {"plugin-types", CspKind::obsolete, {}},
    {"prefetch-src", CspKind::obsolete, {}},
    {"referrer", CspKind::obsolete, {}},
    {"reflected-xss", CspKind::obsolete, {}},
    {"require-sri-for", CspKind::obsolete, {}},
}};

// ASCII whitespace (Infra Standard, 4.6).
constexpr std::string_view kSpace = " \t\n\f\r";

std::string lower(std::string_view text) {
  std::string result;
  for (char c : text) result.push_back(core::to_lower(c));
  return result;
}

}  // namespace

const CspDirectiveInfo* csp_directive_named(std::string_view name) noexcept {
  const auto* found = std::ranges::find(kDirectives, name, &CspDirectiveInfo::name);
  return found == kDirectives.end() ? nullptr : found;
}

std::vector<std::string_view> csp_directive_names() {
  std::vector<std::string_view> names;
  for (const CspDirectiveInfo& info : kDirectives) {
    if (info.kind != CspKind::obsolete) names.push_back(info.name);
  }
  return names;
}

bool is_script_directive(std::string_view name) noexcept {
  return name == "default-src" || name.starts_with("script-src");
}

const CspDirective* CspPolicy::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(directives, name, &CspDirective::name);
  return found == directives.end() ? nullptr : &*found;
}

CspDirective* CspPolicy::find(std::string_view name) noexcept {
  const auto found = std::ranges::find(directives, name, &CspDirective::name);
  return found == directives.end() ? nullptr : &*found;
}

const CspDirective* CspPolicy::effective(std::string_view name) const noexcept {
  const bool worker = name == "worker-src";
  while (!name.empty()) {
    if (const CspDirective* directive = find(name)) return directive;
    // Nothing else falls back on scripts.
    if (worker && name == "child-src") {
      name = "script-src";
      continue;
    }
    const CspDirectiveInfo* info = csp_directive_named(name);
    name = info == nullptr ? std::string_view{} : info->fallback;
  }
  return nullptr;
}

bool CspPolicy::has_nonce() const noexcept {
  return std::ranges::any_of(directives, [](const CspDirective& directive) {
    return std::ranges::find(directive.values, kNonceSource) != directive.values.end();
  });
}

std::string CspPolicy::text() const {
  std::string text;
  for (const CspDirective& directive : directives) {
    if (!text.empty()) text += "; ";
    text += directive.name;
    for (const std::string& value : directive.values) text.append(" ").append(value);
  }
  return text;
}

CspPolicy parse_csp(std::string_view text) {
  CspPolicy policy;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    std::string_view token = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));

    CspDirective directive;
    while (true) {
      token.remove_prefix(std::min(token.find_first_not_of(kSpace), token.size()));
      if (token.empty()) break;
      const std::string_view word = token.substr(0, token.find_first_of(kSpace));
      token.remove_prefix(word.size());
      if (directive.name.empty()) {
        directive.name = lower(word);
      } else {
        directive.values.emplace_back(lower(word) == kNonceSource ? kNonceSource : word);
      }
    }
    if (directive.name.empty()) continue;
    if (policy.find(directive.name) != nullptr) {
      policy.repeated.push_back(std::move(directive.name));
    } else {
      policy.directives.push_back(std::move(directive));
    }
  }
  return policy;
}

bool add_sources(CspPolicy& policy, std::string_view directive,
                 const std::vector<std::string>& sources) {
  CspDirective* target = policy.find(directive);
  if (target == nullptr) {
    const CspDirective* basis = policy.effective(directive);
    if (basis == nullptr) return false;
    CspDirective made{std::string(directive), basis->values};
    target = &policy.directives.emplace_back(std::move(made));
  }
  std::erase_if(target->values, [](const std::string& value) { return lower(value) == "'none'"; });
  for (const std::string& source : sources) {
    if (std::ranges::find(target->values, source) == target->values.end()) {
      target->values.push_back(source);
    }
  }
  return true;
}

}  // namespace guard::headers
