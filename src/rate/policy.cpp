#include "rate/policy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/json_number.h"

namespace guard::rate {

namespace {

using core::fail;

struct Period {
  std::string_view name;
  std::uint64_t microseconds;
};

constexpr std::array<Period, 4> kPeriods = {{{"second", 1'000'000},
                                             {"minute", 60'000'000},
                                             {"hour", 3'600'000'000},
                                             {"day", 86'400'000'000}}};

constexpr std::array<std::string_view, 4> kAlgorithms = {"gcra", "sliding_window", "sliding_log",
                                                         "fixed_window"};
constexpr std::array<std::string_view, 3> kPhases = {"auto", "front", "inner"};
constexpr std::array<std::string_view, 3> kEmpties = {"skip", "address", "refuse"};
constexpr std::array<std::string_view, 3> kOnErrors = {"local", "open", "closed"};
constexpr std::array<std::string_view, 2> kNormalizations = {"none", "account"};

constexpr std::chrono::milliseconds kMinSync{10};
constexpr std::chrono::milliseconds kMaxSync{10'000};
constexpr std::uint64_t kExactBelow = 100;  // quotas from which on interval sync is no surprise

constexpr std::uint64_t kMinZone = 64 << 10;
constexpr std::uint64_t kMaxZone = std::uint64_t{16} << 30;

Window read_rate(std::string_view rate) {
  std::size_t slash = rate.find('/');
  for (const Period& period : kPeriods) {
    if (slash == std::string_view::npos || rate.substr(slash + 1) != period.name) continue;
    Window window;
    window.quota.count =
        core::parse_number("rate", rate.substr(0, slash), 1, core::Gcra::kMaxCount);
    window.quota.period = period.microseconds;
    window.period = period.name;
    return window;
  }
  fail("invalid value \"", rate,
       "\" of \"rate\", a number per second, minute, hour or day is expected, as in \"5/minute\"");
}

void read_rates(std::string_view rates, Policy& policy) {
  for (std::string_view rate : core::split(rates, ',')) {
    Window window = read_rate(rate);
    for (const Window& other : policy.windows) {
      if (other.period != window.period) continue;
      fail("two rates per ", window.period, " in \"rate=", rates, "\"");
    }
    policy.windows.push_back(std::move(window));
  }
}

void read_normalization(const core::Words& words, Policy& policy) {
  auto word = words.named("normalize");
  if (!word) return;
  policy.normalization =
      static_cast<core::Normalization>(core::parse_choice("normalize", *word, kNormalizations));
  bool text = std::any_of(policy.variables.begin(), policy.variables.end(),
                          [](std::string_view name) { return core::may_name_account(name); });
  if (policy.normalization == core::Normalization::account && !text) {
    fail("\"normalize=account\" has no meaning with \"key=", policy.key, "\"",
         policy.shares_key() ? core::variable_hint("key", policy.key) : std::string());
  }
}

void read_burst(const core::Words& words, Policy& policy) {
  for (Window& window : policy.windows) window.quota.burst = window.quota.count;
  auto burst = words.named("burst");
  if (!burst) return;
  Quota& quota = policy.windows.front().quota;
  if (quota.algorithm != Algorithm::gcra) {
    fail("\"burst=\" has no meaning with \"algorithm=",
         kAlgorithms[static_cast<std::size_t>(quota.algorithm)], "\"");
  }
  if (policy.windows.size() > 1) {
    fail("\"burst=\" has no meaning with several rates, \"rate=", words.required("rate"), "\"");
  }
  quota.burst = core::parse_number("burst", *burst, 1, core::Gcra::kMaxBurst);
}

void read_algorithm(const core::Words& words, Policy& policy) {
  std::string_view name = words.named("algorithm").value_or(kAlgorithms[0]);
  auto algorithm = static_cast<Algorithm>(core::parse_choice("algorithm", name, kAlgorithms));
  for (Window& window : policy.windows) {
    window.quota.algorithm = algorithm;
    if (algorithm != Algorithm::sliding_log || window.quota.count <= core::SlidingLog::kMaxCount) {
      continue;
    }
    fail("\"algorithm=sliding_log\" counts up to ", std::to_string(core::SlidingLog::kMaxCount),
         " requests, \"rate=", words.required("rate"), "\" needs another algorithm");
  }
  read_burst(words, policy);
}

void read_sync(std::string_view word, Policy& policy) {
  if (word == "strict") return;
  if (word.empty() || word.front() < '0' || word.front() > '9') {
    fail("invalid value \"", word,
         "\" of \"sync\", \"strict\" or a time from 10ms to 10s is expected");
  }
  policy.sync = core::parse_time("sync", word, kMinSync, kMaxSync);
  for (const Window& window : policy.windows) {
    if (window.quota.algorithm == Algorithm::sliding_log) {
      fail("\"sync=", word, "\" has no meaning with \"algorithm=sliding_log\", which remembers ",
           "each request: use \"sync=strict\", or another algorithm");
    }
    if (std::chrono::microseconds(window.quota.period) < policy.sync) {
      fail("\"sync=", word, "\" is longer than the ", window.period,
           " of the rate: use at most 1s");
    }
  }
}

void read_sharing(const core::Words& words, Policy& policy) {
  if (auto word = words.named("redis")) policy.redis = *word;
  for (std::string_view name : {"sync", "on_error"}) {
    if (words.named(name) && policy.redis.empty()) {
      fail("\"", name, "=\" has no meaning without \"redis=\"");
    }
  }
  if (auto word = words.named("sync")) read_sync(*word, policy);
  if (auto word = words.named("on_error")) {
    policy.on_error = static_cast<OnError>(core::parse_choice("on_error", *word, kOnErrors));
  }
}

// A cost that is not just digits.
std::uint64_t read_number(std::string_view text) noexcept {
  constexpr std::int64_t kFarExponent = 1'000'000;  // farther than any number is long
  constexpr std::int64_t kMaxDigits = 7;            // before the point
  core::JsonNumber number;
  if (!core::parse_json_number(text, number) || number.negative) return 1;

  std::int64_t exponent = 0;
  for (char c : number.exponent) exponent = std::min(exponent * 10 + (c - '0'), kFarExponent);
  if (number.exponent_negative) exponent = -exponent;
  // Below 10^exponent, and not below a tenth of that.
  if (number.integer != "0") {
    exponent += static_cast<std::int64_t>(number.integer.size());
  } else {
    const std::size_t zeros = number.fraction.find_first_not_of('0');
    if (zeros == std::string_view::npos) return 0;
    exponent -= static_cast<std::int64_t>(zeros);
  }
  if (exponent <= 0) return 1;
  if (exponent > kMaxDigits) return core::Gcra::kMaxBurst;
  double value = 1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::min(static_cast<std::uint64_t>(std::ceil(value)), core::Gcra::kMaxBurst);
}

}  // namespace

std::string Policy::name_of(const Window& window) const {
  return windows.size() == 1 ? name : name + "." + window.period;
}

std::string Policy::detail(const Window& window) const {
  const Quota& quota = window.quota;
  std::string text = "Rate policy \"" + name + "\" allows " + std::to_string(quota.count) +
                     (quota.count == 1 ? " request per " : " requests per ") + window.period;
  if (quota.burst != quota.count) text += ", " + std::to_string(quota.burst) + " at once";
  return text;
}

std::uint64_t Policy::max_cost() const {
  std::uint64_t least = core::Gcra::kMaxBurst;
  for (const Window& window : windows) least = std::min(least, window.quota.burst);
  return least;
}

std::string Policy::constant_warning() const {
  if (!shares_key()) return {};
  const std::string variable = core::as_variable(key);
  return title() + " counts all requests as one, since its key \"" + key +
         "\" has no variable: write " + (variable.empty() ? "" : "\"key=" + variable + "\", or ") +
         "\"key=" + std::string(kOneForAll) + "\" if that is meant";
}

std::string Policy::sync_warning() const {
  if (!counts_by_interval() || max_cost() >= kExactBelow) return {};
  return title() + " lets through " + std::to_string(max_cost()) + " at once: for quotas under " +
         std::to_string(kExactBelow) +
         ", \"sync=strict\" is exact, and each nginx may let through as many before it hears of " +
         "the others";
}

std::uint64_t Policy::layout() const {
  std::uint64_t print = windows.size();
  for (const Window& window : windows) {
    const Quota& quota = window.quota;
    for (std::uint64_t part :
         {static_cast<std::uint64_t>(quota.algorithm), quota.count, quota.period}) {
      print = (std::rotl(print, 29) ^ part) * 0x9e3779b97f4a7c15;
    }
  }
  // Another clock counts; and there is more in the memory.
  if (redis.empty()) return print;
  return counts_by_interval() ? ~print ^ 1 : ~print;
}

std::string Policy::key_owner() const {
  if (redis.empty()) return name;
  Policy sorted = *this;
  std::ranges::sort(sorted.windows, {}, [](const Window& window) { return window.quota.period; });
  return name + " " + std::to_string(sorted.layout());
}

Policy parse_policy(core::Words& words) {
  words.read(1, {"rate", "key", "burst", "algorithm", "phase", "empty", "normalize", "zone",
                 "status", "redis", "sync", "on_error"});
  Policy policy;
  core::check_policy_name("rate", words[0]);
  policy.name = words[0];
  read_rates(words.required("rate"), policy);
  read_algorithm(words, policy);
  if (auto word = words.named("key")) policy.key = *word;
  policy.variables = core::parse_key_variables("key", policy.key);
  read_normalization(words, policy);
  if (auto word = words.named("phase")) {
    policy.phase = static_cast<Phase>(core::parse_choice("phase", *word, kPhases));
  }
  if (auto word = words.named("empty")) {
    policy.empty = static_cast<Empty>(core::parse_choice("empty", *word, kEmpties));
  }
  if (auto word = words.named("zone")) {
    policy.zone_size = core::parse_size("zone", *word, kMinZone, kMaxZone);
  }
  if (auto word = words.named("status")) {
    policy.status = static_cast<std::uint16_t>(core::parse_number("status", *word, 400, 599));
  }
  read_sharing(words, policy);
  return policy;
}

Use parse_use(core::Words& words) {
  words.read(1, {"cost"}, {"dry_run"});
  Use use;
  std::string_view name = words[0];
  use.adds = name.starts_with('+');
  if (use.adds) name.remove_prefix(1);
  core::check_policy_name("rate", name);
  use.name = name;
  if (auto word = words.named("cost")) {
    if (word->find('$') != std::string_view::npos) {
      use.cost_text = *word;
    } else {
      use.cost = core::parse_number("cost", *word, 0, core::Gcra::kMaxBurst);
    }
  }
  use.dry_run = words.flag("dry_run");
  return use;
}

std::uint64_t read_cost(std::string_view text) noexcept {
  if (text.empty()) return 1;
  std::uint64_t cost = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return read_number(text);
    cost = std::min(cost * 10 + static_cast<std::uint64_t>(c - '0'), core::Gcra::kMaxBurst);
  }
  return cost;
}

}  // namespace guard::rate
