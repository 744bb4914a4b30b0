// guard_lockout_policy: plain values, parsed from words.
#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/normalize.h"
#include "core/policy_words.h"
#include "core/words.h"

namespace guard::lockout {

inline constexpr std::uint64_t kMaxLimit = 1000;
inline constexpr std::uint64_t kMaxDistinctLimit = 100'000;
inline constexpr std::uint64_t kMaxBackoff = 10;
inline constexpr std::size_t kMaxUses = 8;  // policies of one location

enum class Empty : std::uint8_t { refuse, address, skip };
// What holds while Redis does not answer: shared memory, nothing, or refusals.
enum class OnError : std::uint8_t { local, open, closed };

struct Policy {
  std::string name;
  std::string key;
  std::vector<std::string> variables;  // of the key, without the '$', in lower case
  std::string distinct;                // as it is written; empty: every failure counts
  std::vector<std::string> distinct_variables;
  std::vector<core::NamedKind> failures;   // on=
  std::vector<core::NamedKind> successes;  // reset_on=
  bool account = false;                    // the flag: the key holds the account
  std::uint64_t limit = 5;
  std::chrono::milliseconds window{0};
  std::chrono::milliseconds duration{0};
  std::uint64_t backoff = 1;
  std::chrono::milliseconds longest{0};  // of a lock
  Empty empty = Empty::refuse;
  core::Normalization normalization = core::Normalization::account;
  std::uint64_t zone_size = 10 << 20;  // bytes
  std::string redis;                   // name of the guard_redis; empty: shared memory alone
  OnError on_error = OnError::local;

  bool fails_on(const core::Event& event) const;
  bool resets_on(const core::Event& event) const;

  std::string title() const { return "lockout policy \"" + name + "\""; }
  std::string zone_name() const { return "guard_lockout:" + name; }
  std::string code() const { return "lockout." + name; }
  // What the hash of a key begins with.
  std::string key_owner() const { return "lockout " + name; }
  // A fingerprint of what the layout of an inherited zone depends on. Not of the times: locks
  // survive a reload that changes them.
  std::uint64_t layout() const;
};

// One guard_lockout of a location.
struct Use {
  std::string name;
  bool adds = false;  // +NAME
};

// Both throw ConfigError.
Policy parse_policy(core::Words& words);
Use parse_use(core::Words& words);

// Once all directives are read. from_body: whether a variable's value comes from the request's
// body. Throws ConfigError if a success could clear what is not its own: reset_on= without the
// account in the key.
void check_reset(const Policy& policy, const std::function<bool(std::string_view)>& from_body);
// What is doubtful about the key, or nothing.
std::string key_warning(const Policy& policy);
// That nothing makes what is counted, or what clears it, or nothing.
std::string never_warning(const Policy& policy,
                          const std::function<bool(const core::NamedKind&)>& can_happen);

}  // namespace guard::lockout
