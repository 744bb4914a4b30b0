#include "lockout/lockout_policy.h"

#include <algorithm>
#include <array>

#include "lockout/lockout_table.h"

namespace guard::lockout {

namespace {

using core::fail;
using std::chrono::milliseconds;

constexpr std::array<std::string_view, 3> kEmpties = {"refuse", "address", "skip"};
constexpr std::array<std::string_view, 3> kOnErrors = {"local", "open", "closed"};
constexpr std::array<std::string_view, 2> kNormalizations = {"account", "none"};

constexpr milliseconds kMinTime{1000};
constexpr milliseconds kMaxWindow{std::chrono::hours(24 * 30)};
constexpr milliseconds kMaxLock{std::chrono::hours(24 * 365)};
constexpr milliseconds kDay{std::chrono::hours(24)};

constexpr std::size_t kLeastKeys = 64;  // that a zone has room for
constexpr std::uint64_t kMinZone = 64 << 10;
constexpr std::uint64_t kMaxZone = std::uint64_t{16} << 30;

bool has(const std::vector<core::NamedKind>& kinds, const core::NamedKind& kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

bool is_one_of(const std::vector<core::NamedKind>& kinds, const core::Event& event) {
  return std::any_of(kinds.begin(), kinds.end(),
                     [&](const core::NamedKind& kind) { return kind.is(event); });
}

std::vector<core::NamedKind> read_kinds(std::string_view word, std::string_view text) {
  std::vector<core::NamedKind> kinds;
  for (std::string_view name : core::split(text, ',')) {
    core::NamedKind kind = core::parse_event_kind(name);
    if (has(kinds, kind)) fail("event kind \"", name, "\" stands twice in \"", word, "=\"");
    kinds.push_back(std::move(kind));
  }
  return kinds;
}

void read_events(const core::Words& words, Policy& policy) {
  policy.failures = read_kinds("on", words.required("on"));
  for (const core::NamedKind& kind : policy.failures) {
    if (kind.kind == core::EventKind::account_locked ||
        kind.kind == core::EventKind::account_unlocked) {
      fail("\"on=", kind.name(), "\": a lock cannot follow from a lock");
    }
  }
  if (auto word = words.named("reset_on")) policy.successes = read_kinds("reset_on", *word);
  for (const core::NamedKind& kind : policy.successes) {
    if (!has(policy.failures, kind)) continue;
    fail("event kind \"", kind.name(), "\" is both in \"on=\" and in \"reset_on=\"");
  }
  policy.account = words.flag("account");
  if (policy.account && policy.successes.empty()) {
    fail("\"account\" has no meaning without \"reset_on=\"");
  }
}

void read_key(const core::Words& words, Policy& policy) {
  policy.key = words.required("key");
  policy.variables = core::parse_key_variables("key", policy.key);
  if (policy.variables.empty()) {
    fail("\"key=", policy.key, "\" has no variable: whoever fails would lock everybody",
         core::variable_hint("key", policy.key));
  }
  if (auto word = words.named("distinct")) {
    policy.distinct = *word;
    policy.distinct_variables = core::parse_key_variables("distinct", *word);
    if (policy.distinct_variables.empty()) {
      fail("\"distinct=", *word, "\" has no variable, so there is one value of it",
           core::variable_hint("distinct", *word));
    }
  }
  if (auto word = words.named("normalize")) {
    policy.normalization = core::parse_choice("normalize", *word, kNormalizations) == 0
                               ? core::Normalization::account
                               : core::Normalization::none;
  }
  if (auto word = words.named("empty")) {
    policy.empty = static_cast<Empty>(core::parse_choice("empty", *word, kEmpties));
  }
}

void read_lock(const core::Words& words, Policy& policy) {
  policy.limit = core::parse_number("limit", words.required("limit"), 1,
                                    policy.distinct.empty() ? kMaxLimit : kMaxDistinctLimit);
  policy.window = core::parse_time("window", words.required("window"), kMinTime, kMaxWindow);
  policy.duration = core::parse_time("duration", words.required("duration"), kMinTime, kMaxLock);
  policy.longest = policy.duration;
  if (auto word = words.named("backoff")) {
    policy.backoff = core::parse_number("backoff", *word, 1, kMaxBackoff);
    if (policy.backoff > 1) policy.longest = std::max(kDay, policy.duration);
  }
  if (auto word = words.named("max")) {
    if (policy.backoff == 1) fail("\"max=\" has no meaning without \"backoff=\" of 2 or more");
    policy.longest = core::parse_time("max", *word, kMinTime, kMaxLock);
    if (policy.longest < policy.duration) {
      fail("\"max=", *word, "\" is less than \"duration=", words.required("duration"), "\"");
    }
  }
}

}  // namespace

bool Policy::fails_on(const core::Event& event) const {
  return is_one_of(failures, event);
}

bool Policy::resets_on(const core::Event& event) const {
  return is_one_of(successes, event);
}

std::uint64_t Policy::layout() const {
  return (limit << 1 | (distinct.empty() ? 0U : 1U)) * 0x9e3779b97f4a7c15;
}

Policy parse_policy(core::Words& words) {
  words.read(1,
             {"key", "on", "limit", "window", "duration", "backoff", "max", "distinct", "reset_on",
              "empty", "normalize", "zone", "redis", "on_error"},
             {"account"});
  Policy policy;
  core::check_policy_name("lockout", words[0]);
  policy.name = words[0];
  read_key(words, policy);
  read_events(words, policy);
  read_lock(words, policy);
  if (auto word = words.named("zone")) {
    policy.zone_size = core::parse_size("zone", *word, kMinZone, kMaxZone);
    LockRule rule;
    rule.limit = policy.limit;
    rule.distinct = !policy.distinct.empty();
    std::uint64_t least = LockTable::entry_size(rule) * kLeastKeys / 1024;
    if (policy.zone_size / 1024 < least) {
      fail("\"zone=", *word, "\" holds too few keys with \"limit=", words.required("limit"),
           "\": use at least ", std::to_string(least), "k");
    }
  }
  if (auto word = words.named("redis")) policy.redis = *word;
  if (auto word = words.named("on_error")) {
    if (policy.redis.empty()) fail("\"on_error=\" has no meaning without \"redis=\"");
    policy.on_error = static_cast<OnError>(core::parse_choice("on_error", *word, kOnErrors));
  }
  return policy;
}

Use parse_use(core::Words& words) {
  words.read(1, {});
  Use use;
  std::string_view name = words[0];
  use.adds = name.starts_with('+');
  if (use.adds) name.remove_prefix(1);
  core::check_policy_name("lockout", name);
  use.name = name;
  return use;
}

void check_reset(const Policy& policy, const std::function<bool(std::string_view)>& from_body) {
  if (policy.successes.empty() || policy.account) return;
  if (std::any_of(policy.variables.begin(), policy.variables.end(), from_body)) return;
  fail(policy.title(), " has \"reset_on=\", but no variable of \"key=", policy.key,
       "\" comes from the body: a client who knows one account could clear what he ",
       "has failed with others; write \"account\" if the key does hold the account");
}

std::string key_warning(const Policy& policy) {
  bool account =
      std::any_of(policy.variables.begin(), policy.variables.end(),
                  [](std::string_view name) { return !core::is_address_variable(name); });
  bool address =
      std::any_of(policy.variables.begin(), policy.variables.end(), core::is_address_variable);
  if (!account || address || !policy.distinct.empty() || policy.limit >= 20) return {};
  return policy.title() + " lets anybody lock the account of another with " +
         std::to_string(policy.limit) +
         " failures: add \"$guard_client_net\" to its key, and use " +
         "a second policy with the account alone and a higher limit, of 20 or more";
}

std::string never_warning(const Policy& policy,
                          const std::function<bool(const core::NamedKind&)>& can_happen) {
  const bool fails = std::ranges::any_of(policy.failures, can_happen);
  const bool clears = policy.successes.empty() || std::ranges::any_of(policy.successes, can_happen);
  if (fails && clears) return {};
  const core::NamedKind& kind = fails ? policy.successes.front() : policy.failures.front();
  return policy.title() +
         (fails ? " is never cleared by \"reset_on=\"" : " never counts anything") +
         ": no \"guard_event\" makes \"" + std::string(kind.name()) +
         "\" of the application's answers";
}

}  // namespace guard::lockout
