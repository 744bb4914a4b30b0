#include "lockout/ban_policy.h"

#include <algorithm>
#include <bit>

#include "core/policy_words.h"

namespace guard::lockout {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMinHalfLife{DecayingScore::kMinHalfLife / 1000};
constexpr milliseconds kMaxHalfLife{DecayingScore::kMaxHalfLife / 1000};
constexpr milliseconds kMinDuration{1000};
constexpr milliseconds kMaxDuration = std::chrono::hours(24 * 366);
constexpr std::uint64_t kMinZone = 64 << 10;
constexpr std::uint64_t kMaxZone = std::uint64_t{16} << 30;

void read_weights(const core::Words& words, BanPolicy& policy) {
  if (auto word = words.named("weights")) policy.weights.read("weights", *word, Cause::client);
  if (auto word = words.named("cross_site_weights")) {
    policy.cross_site_weights.read("cross_site_weights", *word, Cause::elsewhere);
  }
  if (policy.weights.empty() && policy.cross_site_weights.empty()) words.required("weights");
}

}  // namespace

std::uint64_t BanPolicy::layout() const {
  constexpr std::uint64_t kVersion = 1;
  return std::rotl(half_life_us(), 20) ^ (redis.empty() ? 0U : 2U) ^ kVersion;
}

std::vector<core::NamedKind> BanPolicy::kinds() const {
  std::vector<core::NamedKind> all = weights.kinds();
  for (core::NamedKind& kind : cross_site_weights.kinds()) {
    if (std::ranges::find(all, kind) == all.end()) all.push_back(std::move(kind));
  }
  return all;
}

BanPolicy parse_ban_policy(core::Words& words) {
  words.read(1, {"key", "score", "half_life", "duration", "weights", "cross_site_weights", "exempt",
                 "status", "zone", "redis"});
  BanPolicy policy;
  core::check_policy_name("ban", words[0]);
  policy.name = words[0];
  if (auto word = words.named("key")) policy.key = *word;
  policy.variables = core::parse_key_variables("key", policy.key);
  if (policy.variables.empty()) {
    core::fail("no variable in \"key=", policy.key, "\": all clients would be banned at once",
               core::variable_hint("key", policy.key));
  }
  policy.score = static_cast<std::uint32_t>(
      core::parse_number("score", words.required("score"), 1, DecayingScore::kMax));
  policy.half_life =
      core::parse_time("half_life", words.required("half_life"), kMinHalfLife, kMaxHalfLife);
  policy.duration =
      core::parse_time("duration", words.required("duration"), kMinDuration, kMaxDuration);
  read_weights(words, policy);
  if (auto word = words.named("exempt")) {
    for (std::string_view network : core::split(*word, ',')) policy.exempt.add(network);
  }
  if (auto word = words.named("status")) {
    if (*word != "403" && *word != "444") {
      core::fail("invalid value \"", *word,
                 "\" of \"status\", 403 or 444 (the connection is closed) is expected");
    }
    policy.status = *word == "444" ? 444 : 403;
  }
  if (auto word = words.named("zone")) {
    policy.zone_size = core::parse_size("zone", *word, kMinZone, kMaxZone);
  }
  if (auto word = words.named("redis")) policy.redis = *word;
  return policy;
}

BanUse parse_ban_use(core::Words& words) {
  words.read(1, {});
  BanUse use;
  std::string_view name = words[0];
  use.adds = name.starts_with('+');
  if (use.adds) name.remove_prefix(1);
  core::check_policy_name("ban", name);
  use.name = name;
  return use;
}

}  // namespace guard::lockout
