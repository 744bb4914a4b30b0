#include "core/variable_checks.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "core/ascii.h"
#include "core/core_config.h"
#include "core/policy_words.h"
#include "ngx/config.h"

namespace guard::core {

namespace {

MainConf& main_of(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
}

// Whether a check of the location that is as wanted has not been switched off.
template <class Wanted>
bool has_check(const MainConf& main, const LocationConf& location, Wanted&& wanted) {
  for (std::size_t i = 0; i < main.checks.size(); ++i) {
    const Check& check = *main.checks[i];
    const bool off = location.modes && (*location.modes)[index_of(check.feature)] == Mode::off;
    if ((location.inner >> i & 1) != 0 && !off && wanted(check)) return true;
  }
  return false;
}

// Whether the variable is one of nginx's that hold the body as it is.
bool is_whole_body(std::string_view variable) {
  return equal_without_case(variable.substr(0, 12), "request_body");
}

bool is_taken(const MainConf& main, const LocationConf& location, std::string_view variable) {
  if (is_whole_body(variable)) {
    return has_check(main, location, [](const Check& check) { return check.body_need != nullptr; });
  }
  return std::ranges::any_of(
             location.body_variables,
             [variable](std::string_view name) { return equal_without_case(name, variable); }) &&
         has_check(main, location, [](const Check& check) { return check.sets_variables; });
}

// What an internal redirect leads to finds what the location before it has taken.
bool is_taken(const MainConf& main, const PolicyUse& use, std::string_view variable) {
  return std::ranges::any_of(use.locations, [&](const PolicyUse::Holding& holding) {
    if (holding.reachable) return is_taken(main, *holding.location, variable);
    return is_whole_body(variable) ||
           std::ranges::any_of(main.body_takers, [&](const LocationConf* taker) {
             return is_taken(main, *taker, variable);
           });
  });
}

const InnerVariable* inner_variable(const MainConf& main, std::string_view name) {
  const auto found = std::ranges::find_if(main.inner_variables, [name](const InnerVariable& inner) {
    return equal_without_case(inner.name, name);
  });
  return found == main.inner_variables.end() ? nullptr : &*found;
}

// What an internal redirect leads to may find what the location before it has made.
bool is_made(const MainConf& main, const PolicyUse& use, Feature feature) {
  return std::ranges::any_of(use.locations, [&](const PolicyUse::Holding& holding) {
    return !holding.reachable || has_check(main, *holding.location, [feature](const Check& check) {
      return check.feature == feature;
    });
  });
}

// Also where a mode has switched it off.
bool checks_json(const MainConf& main, const LocationConf& location) {
  for (std::size_t i = 0; i < main.checks.size(); ++i) {
    if ((location.inner >> i & 1) != 0 && main.checks[i]->sets_variables) return true;
  }
  return false;
}

void check_json_use(ngx_conf_t* cf, const PolicyUse& use) {
  const MainConf& main = main_of(cf);
  if (std::ranges::any_of(use.locations, [&](const PolicyUse::Holding& holding) {
        return checks_json(main, *holding.location);
      })) {
    return;
  }
  ngx::warn(cf, use.place,
            "\"" + use.owner +
                "\" has no effect: there is no \"guard_json\", \"guard_json_schema\" or "
                "\"guard_openapi\" where it holds");
}

std::string size_text(off_t bytes) {
  if (bytes % (1 << 20) == 0) return std::to_string(bytes >> 20) + "m";
  if (bytes % (1 << 10) == 0) return std::to_string(bytes >> 10) + "k";
  return std::to_string(bytes);
}

// What an internal redirect leads to may find a body that was read under another limit.
void check_size(ngx_conf_t* cf, const PolicyUse& use) {
  off_t most = 0;
  for (const PolicyUse::Holding& holding : use.locations) {
    const off_t max = holding.max_body;
    if (!holding.reachable || max == 0 || static_cast<std::uint64_t>(max) >= use.body_size) return;
    most = std::max(most, max);
  }
  ngx::warn(cf, use.place,
            "\"" + use.size_word + "\" of \"" + use.owner +
                "\" is never reached: nginx refuses what is over \"client_max_body_size\", " +
                size_text(most) + " where it holds; write a larger one, or a smaller \"" +
                use.size_word.substr(0, use.size_word.find('=') + 1) + "\"");
}

void check_use(ngx_conf_t* cf, const PolicyUse& use) {
  if (use.locations.empty()) return;
  check_size(cf, use);
  if (use.of_json) return check_json_use(cf, use);
  for (const std::string& variable : use.variables) {
    if (const InnerVariable* inner = inner_variable(main_of(cf), variable)) {
      if (is_made(main_of(cf), use, inner->feature)) continue;
      std::string text = use.owner;
      text.append(" is applied where \"$").append(variable).append("\" is always empty: \"guard_");
      text.append(name_of(inner->feature)).append("\" makes it where it checks the request");
      return ngx::warn(cf, use.place, text);
    }
    if (!is_body_variable(cf, variable) || is_taken(main_of(cf), use, variable)) continue;
    constexpr std::string_view kChecks =
        "\"guard_json\", \"guard_json_schema\" or \"guard_openapi\" checks ";
    const std::string reason =
        is_whole_body(variable)
            ? "the body is read where " + std::string(kChecks) + "it"
            : "it is taken from the body where \"guard_json_set\" names it and " +
                  std::string(kChecks) + "the body";
    std::string text = use.owner;
    text.append(" is applied where \"$").append(variable).append("\" is always empty: ");
    return ngx::warn(cf, use.place, text.append(reason));
  }
}

}  // namespace

void add_inner_variable(ngx_conf_t* cf, Feature feature, std::string_view name) {
  main_of(cf).inner_variables.push_back({ngx::keep(cf, name), feature});
}

bool is_inner_variable(ngx_conf_t* cf, std::string_view name) {
  return is_body_variable(cf, name) || inner_variable(main_of(cf), name) != nullptr;
}

PolicyUse& add_policy_use(ngx_conf_t* cf, std::string_view owner,
                          std::span<const std::string_view> variables) {
  auto use = std::make_unique<PolicyUse>();
  use->place = ngx::place_of(cf);
  use->owner = owner;
  use->variables.assign(variables.begin(), variables.end());
  return *main_of(cf).policy_uses.emplace_back(std::move(use));
}

PolicyUse& add_json_use(ngx_conf_t* cf, std::string_view directive) {
  PolicyUse& use = add_policy_use(cf, directive, {});
  use.of_json = true;
  return use;
}

void add_body_size(PolicyUse& use, std::string_view word, std::string_view value,
                   std::uint64_t size) {
  use.size_word.append(word).append("=").append(value);
  use.body_size = size;
}

void PolicyUses::hold(ngx_conf_t* cf, const void* policy) const {
  const auto* location = static_cast<const LocationConf*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_guard_module));
  const auto* core = static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  const bool reachable = core->named == 0 && core->internal != 1;
  uses_.at(policy)->locations.push_back({location, reachable, core->client_max_body_size});
}

void add_key_text(ngx_conf_t* cf, std::string_view owner, std::string_view word,
                  std::string_view text) {
  main_of(cf).key_texts.push_back(
      {ngx::place_of(cf), std::string(owner), std::string(word), std::string(text)});
}

void check_variables(ngx_conf_t* cf) {
  const auto is_own = [cf](std::string_view name) {
    return is_body_variable(cf, name) || ngx::is_derived_variable(cf, name);
  };
  for (const KeyText& key : main_of(cf).key_texts) {
    const std::string variable(forgotten_variable(key.text, is_own));
    if (variable.empty()) continue;
    std::string text = key.owner;
    text.append(" has \"").append(variable).append("\" in its ").append(key.word);
    text.append(" \"").append(key.text).append(
        "\" as a text, which is the same for all: write \"$");
    text.append(variable).append("\" if the variable is meant");
    ngx::warn(cf, key.place, text);
  }
  for (const auto& use : main_of(cf).policy_uses) check_use(cf, *use);
}

}  // namespace guard::core
