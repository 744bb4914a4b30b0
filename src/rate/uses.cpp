#include "rate/uses.h"

#include <string>
#include <vector>

#include "core/words.h"

namespace guard::rate {

void Uses::add(const Use& use, std::string_view word, MeteredPolicy& policy,
               const WrittenCost* written) {
  const std::uint64_t most = policy.policy.max_cost();
  if (written == nullptr && use.cost > most) {
    core::fail("\"cost=", std::to_string(use.cost), "\" is more than rate policy \"", use.name,
               "\" ever lets through at once, ", std::to_string(most));
  }
  AppliedList::add({&policy, use.cost, written, use.dry_run}, use.adds, word);
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
