#include "rate/uses.h"

#include <algorithm>

#include "core/words.h"

namespace guard::rate {

void Uses::turn_off() {
  if (set_) core::fail("\"guard_rate off\" beside other \"guard_rate\" of the same level");
  set_ = true;
}

void Uses::expect(std::string_view word) const {
  if (!set_ || !list_.empty()) return;
  core::fail("\"guard_rate ", word, "\" beside \"guard_rate off\" of the same level");
}

void Uses::add(const Use& use, std::string_view word, MeteredPolicy& policy,
               const WrittenCost* written) {
  for (const Applied& other : list_) {
    if (other.policy == &policy) {
      core::fail("rate policy \"", use.name, "\" is applied twice at the same level");
    }
    if (other.adds != use.adds) {
      core::fail("\"guard_rate ", word,
                 "\": names with and without \"+\" cannot stand at the same level");
    }
  }
  std::uint64_t most = policy.policy.max_cost();
  if (written == nullptr && use.cost > most) {
    core::fail("\"cost=", std::to_string(use.cost), "\" is more than rate policy \"", use.name,
               "\" ever lets through at once, ", std::to_string(most));
  }
  if (list_.size() == kMaxUses) {
    core::fail("more than ", std::to_string(kMaxUses), " rate policies at the same level");
  }
  set_ = true;
  list_.push_back({&policy, use.cost, written, use.dry_run, use.adds});
}

std::string Uses::inherit(const Uses& around) {
  std::string replaced;
  if (!set_) {
    *this = around;
  } else if (!list_.empty() && list_.front().adds) {
    std::vector<Applied> all;
    for (const Applied& inherited : around.list_) {
      bool again = std::any_of(list_.begin(), list_.end(),
                               [&](const Applied& use) { return use.policy == inherited.policy; });
      if (!again) all.push_back(inherited);
    }
    all.insert(all.end(), list_.begin(), list_.end());
    list_ = std::move(all);
  } else if (!list_.empty()) {
    for (const Applied& use : around.list_) {
      replaced += (replaced.empty() ? "\"" : ", \"") + use.policy->policy.name + "\"";
    }
  }
  if (list_.size() > kMaxUses) {
    core::fail("more than ", std::to_string(kMaxUses), " rate policies in one location");
  }
  return replaced;
}

MeteredPolicy* find_policy(std::span<MeteredPolicy* const> policies, std::string_view name) {
  for (MeteredPolicy* metered : policies) {
    if (metered->policy.name == name) return metered;
  }
  return nullptr;
}

void fail_unknown(std::span<MeteredPolicy* const> policies, std::string_view name) {
  std::vector<std::string_view> names;
  for (const MeteredPolicy* metered : policies) names.emplace_back(metered->policy.name);
  std::string hint = core::suggestion(name, names);
  if (hint.empty()) hint = ", a policy must be defined before it is used";
  core::fail("unknown rate policy \"", name, "\"", hint);
}

void check_names(std::span<MeteredPolicy* const> policies, const MeteredPolicy& added) {
  for (const MeteredPolicy* other : policies) {
    for (const Meter& theirs : other->meters) {
      for (const Meter& ours : added.meters) {
        if (ours.name != theirs.name) continue;
        core::fail("rate policies \"", other->policy.name, "\" and \"", added.policy.name,
                   "\" would both be called \"", ours.name, "\" in \"RateLimit-Policy\"");
      }
    }
  }
}

}  // namespace guard::rate
