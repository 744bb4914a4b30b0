#include "metrics/session_policy.h"

#include "core/policy_words.h"
#include "core/siphash.h"

namespace guard::metrics {

namespace {

constexpr std::chrono::milliseconds kMinWindow{1000};
constexpr std::chrono::milliseconds kMaxWindow = std::chrono::hours(24 * 31);

}  // namespace

std::uint64_t SessionPolicy::key_hash() const noexcept {
  return core::KeyedHash(core::SipKey{}).hash64({key});
}

SessionPolicy parse_sessions(core::Words& words) {
  words.read(1, {"key", "window", "redis"});
  SessionPolicy policy;
  core::check_policy_name("session", words[0]);
  policy.name = words[0];
  policy.key = words.required("key");
  policy.variables = core::parse_key_variables("key", policy.key);
  if (policy.variables.empty()) {
    core::fail("no variable in \"key=", policy.key, "\": all requests would be one session",
               core::variable_hint("key", policy.key));
  }
  policy.window = core::parse_time("window", words.required("window"), kMinWindow, kMaxWindow);
  if (auto word = words.named("redis")) policy.redis = *word;
  return policy;
}

}  // namespace guard::metrics
