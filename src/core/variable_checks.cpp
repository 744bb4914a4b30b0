#include "core/variable_checks.h"

#include <string>

#include "core/core_config.h"
#include "core/policy_words.h"
#include "ngx/config.h"

namespace guard::core {

namespace {

MainConf& main_of(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
}

}  // namespace

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
    ngx::warn(cf, key.place,
              key.owner + " has \"" + variable + "\" in its " + key.word + " \"" + key.text +
                  "\" as a text, which is the same for all: write \"$" + variable +
                  "\" if the variable is meant");
  }
}

}  // namespace guard::core
