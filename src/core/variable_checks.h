// What nginx -t says of the variables of policies and events, and of what is said of bodies that
// nobody reads, once all directives have been read.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>

#include "core/feature.h"
#include "ngx/compat.h"

namespace guard::core {

// A directive that applies a policy, or makes an event, and the locations in which it holds.
struct PolicyUse;

// A variable that the feature's check in the inner gate makes, other than of the body: before, it
// is empty. Registered while directives are read.
void add_inner_variable(ngx_conf_t* cf, Feature feature, std::string_view name);
// Whether a variable is one of those or of is_body_variable(). From init_main_conf or merging on.
bool is_inner_variable(ngx_conf_t* cf, std::string_view name);

// A directive applies owner, "rate policy "api"", which needs these variables, whether they are
// inner ones or not. A [warn] follows if one is, and is empty wherever the directive holds.
PolicyUse& add_policy_use(ngx_conf_t* cf, std::string_view owner,
                          std::span<const std::string_view> variables);

// A directive says something of JSON bodies. A [warn] follows if none is checked wherever it holds.
PolicyUse& add_json_use(ngx_conf_t* cf, std::string_view directive);

// The directive lets a body have size bytes by its word ("size") with that value ("8m"). A [warn]
// follows if client_max_body_size is less wherever it holds.
void add_body_size(PolicyUse& use, std::string_view word, std::string_view value,
                   std::uint64_t size);

// Those that a level of the configuration has, by their policies.
class PolicyUses {
 public:
  void add(const void* policy, PolicyUse& use) { uses_[policy] = &use; }
  // The level within has those of its own, and of others what it inherits.
  void inherit(const PolicyUses& around) { uses_.insert(around.uses_.begin(), around.uses_.end()); }
  // While locations are merged: the policy holds in this one.
  void hold(ngx_conf_t* cf, const void* policy) const;

 private:
  std::map<const void*, PolicyUse*> uses_;
};

// A directive's word=text holds the variables that tell requests apart. owner: "rate policy "api"",
// for the message. A [warn] follows if one of them seems to lack its '$'.
void add_key_text(ngx_conf_t* cf, std::string_view owner, std::string_view word,
                  std::string_view text);

// In postconfiguration.
void check_variables(ngx_conf_t* cf);

}  // namespace guard::core
