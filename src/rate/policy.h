// What guard_rate_policy and guard_rate say, as plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/normalize.h"
#include "core/policy_words.h"
#include "core/words.h"
#include "rate/limiter.h"

namespace guard::rate {

// Where a policy is asked. automatic: before authentication, unless its key needs the body.
enum class Phase : std::uint8_t { automatic, front, inner };

// What becomes of a request for which every variable of the key is empty: it is not counted, it is
// counted by its address, or it is refused (400 key.missing).
enum class Empty : std::uint8_t { skip, address, refuse };

// What becomes of a request when Redis cannot be asked: it is counted in shared memory, it passes
// uncounted, or it is refused (503 rate.unavailable).
enum class OnError : std::uint8_t { local, open, closed };

inline constexpr std::string_view kDefaultKey = "$guard_client_net";
inline constexpr std::string_view kOneForAll = "all";  // key= of one quota for all requests
inline constexpr std::size_t kMaxName = core::kMaxPolicyName;
inline constexpr std::size_t kMaxWindows = 4;

// One of the rates of a policy.
struct Window {
  Quota quota;
  std::string period;  // "minute"
};

struct Policy {
  std::string name;
  std::vector<Window> windows;  // 1 to kMaxWindows, of distinct periods
  std::string key{kDefaultKey};
  std::vector<std::string> variables;  // those of the key, without the '$', in lower case
  Phase phase = Phase::automatic;
  Empty empty = Empty::skip;
  core::Normalization normalization = core::Normalization::none;
  std::uint64_t zone_size = 10 << 20;  // bytes
  std::uint16_t status = 429;
  std::string redis;  // name of the guard_redis; empty: counts in shared memory only
  std::chrono::milliseconds sync{0};  // between exchanges with Redis; 0: each request asks it
  OnError on_error = OnError::local;

  // Counts in shared memory and tells Redis every so often.
  bool counts_by_interval() const { return sync.count() != 0; }

  std::string title() const { return "rate policy \"" + name + "\""; }
  std::string zone_name() const { return "guard_rate:" + name; }
  std::string code() const { return "rate." + name; }
  // How clients know a window: "api", or "api.minute" if the policy has several.
  std::string name_of(const Window& window) const;
  // "allows 100 requests per minute" and how many of them at once
  std::string detail(const Window& window) const;
  // The most that a single request may cost and still pass.
  std::uint64_t max_cost() const;
  // The key is the same for all, and does not say that it is meant to be.
  bool shares_key() const { return variables.empty() && key != kOneForAll; }
  // That it does, or nothing.
  std::string constant_warning() const;
  // What is surprising about sync=, or nothing.
  std::string sync_warning() const;
  // What the hash of a key begins with. Nodes whose quotas differ share no counts; in which order
  // they are written is no difference.
  std::string key_owner() const;
  // A fingerprint of what the counts of an inherited zone depend on.
  std::uint64_t layout() const;
};

// One guard_rate of a location.
struct Use {
  std::string name;
  std::uint64_t cost = 1;  // requests; 0: always passes and takes nothing
  std::string cost_text;   // with variables, instead of cost; may be empty
  bool dry_run = false;    // only records what would have been refused
  bool adds = false;       // +NAME
};

// The cost that a text from the client's side names: a number of digits, or one as JSON writes it,
// rounded up, at most kMaxBurst; 1 if it is empty, negative or none.
std::uint64_t read_cost(std::string_view text) noexcept;

// Both throw ConfigError.
Policy parse_policy(core::Words& words);
Use parse_use(core::Words& words);

}  // namespace guard::rate
