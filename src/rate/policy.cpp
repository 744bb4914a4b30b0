#include "rate/policy.h"

#include <array>
#include <bit>

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

constexpr std::array<std::string_view, 2> kAlgorithms = {"gcra", "sliding_log"};
constexpr std::array<std::string_view, 3> kPhases = {"auto", "front", "inner"};
constexpr std::array<std::string_view, 3> kEmpties = {"skip", "address", "refuse"};
constexpr std::array<std::string_view, 1> kNormalizations = {"none"};

constexpr std::uint64_t kMinZone = 64 << 10;
constexpr std::uint64_t kMaxZone = std::uint64_t{16} << 30;

constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

// Words that a later version understands are refused by name: a limit that is silently another one
// protects nobody.
void refuse_later_words(const core::Words& words) {
  constexpr std::string_view kParameters[] = {"redis=", "sync=", "on_error="};
  constexpr std::string_view kWords[] = {"algorithm=sliding_window", "algorithm=fixed_window",
                                         "normalize=account"};
  for (std::string_view word : words.all()) {
    std::string_view later;
    for (std::string_view parameter : kParameters) {
      if (word.starts_with(parameter)) later = parameter;
    }
    for (std::string_view known : kWords) {
      if (word == known) later = known;
    }
    if (!later.empty()) fail("\"", later, "\" is not available in this version");
  }
}

void check_name(std::string_view name) {
  if (name.empty() || name == "off" || name.size() > kMaxName ||
      name.find_first_not_of(kNameLetters) != std::string_view::npos) {
    fail("invalid rate policy name \"", name,
         "\", up to 64 letters, digits, \"_\", \".\" and \"-\" are expected, and not \"off\"");
  }
}

void read_rate(std::string_view rate, Policy& policy) {
  if (rate.find(',') != std::string_view::npos) {
    fail("several rates in \"rate=", rate,
         "\" are not available in this version, define one policy for each");
  }
  std::size_t slash = rate.find('/');
  for (const Period& period : kPeriods) {
    if (slash == std::string_view::npos || rate.substr(slash + 1) != period.name) continue;
    policy.quota.count =
        core::parse_number("rate", rate.substr(0, slash), 1, core::Gcra::kMaxCount);
    policy.quota.period = period.microseconds;
    policy.period_name = period.name;
    return;
  }
  fail("invalid value \"", rate,
       "\" of \"rate\", a number per second, minute, hour or day is expected, as in \"5/minute\"");
}

bool is_variable_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Text between the variables is the same in every key of the policy, and every variable is hashed
// with its length: it tells nothing apart.
std::vector<std::string> read_key(std::string_view key) {
  std::vector<std::string> variables;
  for (std::size_t i = 0; i < key.size();) {
    if (key[i++] != '$') continue;
    bool braced = i < key.size() && key[i] == '{';
    if (braced) ++i;
    std::size_t start = i;
    while (i < key.size() && is_variable_letter(key[i])) ++i;
    std::string_view name = key.substr(start, i - start);
    if (name.empty() || (braced && (i == key.size() || key[i] != '}'))) {
      fail("invalid variable name in \"key=", key, "\"");
    }
    variables.emplace_back(name);
  }
  if (variables.size() > kMaxKeyVariables) {
    fail("more than ", std::to_string(kMaxKeyVariables), " variables in \"key=", key, "\"");
  }
  return variables;
}

void read_algorithm(const core::Words& words, Policy& policy) {
  Quota& quota = policy.quota;
  std::string_view name = words.named("algorithm").value_or(kAlgorithms[0]);
  quota.algorithm = static_cast<Algorithm>(core::parse_choice("algorithm", name, kAlgorithms));
  quota.burst = quota.count;
  auto burst = words.named("burst");
  if (quota.algorithm == Algorithm::gcra) {
    if (burst) quota.burst = core::parse_number("burst", *burst, 1, core::Gcra::kMaxBurst);
    return;
  }
  if (burst) fail("\"burst=\" has no meaning with \"algorithm=sliding_log\"");
  if (quota.count > core::SlidingLog::kMaxCount) {
    fail("\"algorithm=sliding_log\" counts up to ", std::to_string(core::SlidingLog::kMaxCount),
         " requests, \"rate=", words.required("rate"), "\" needs \"algorithm=gcra\"");
  }
}

}  // namespace

std::string Policy::detail() const {
  std::string text = "Rate policy \"" + name + "\" allows " + std::to_string(quota.count) +
                     (quota.count == 1 ? " request per " : " requests per ") + period_name;
  if (quota.burst != quota.count) text += ", " + std::to_string(quota.burst) + " at once";
  return text;
}

std::uint64_t Policy::layout() const {
  std::uint64_t print = quota.algorithm == Algorithm::gcra ? 1 : 2;
  for (std::uint64_t part : {quota.count, quota.period}) {
    print = (std::rotl(print, 29) ^ part) * 0x9e3779b97f4a7c15;
  }
  return print;
}

Policy parse_policy(core::Words& words) {
  refuse_later_words(words);
  words.read(
      1, {"rate", "key", "burst", "algorithm", "phase", "empty", "normalize", "zone", "status"});
  Policy policy;
  check_name(words[0]);
  policy.name = words[0];
  if (auto word = words.named("normalize")) {
    core::parse_choice("normalize", *word, kNormalizations);
  }
  read_rate(words.required("rate"), policy);
  read_algorithm(words, policy);
  if (auto word = words.named("key")) policy.key = *word;
  policy.variables = read_key(policy.key);
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
  return policy;
}

Use parse_use(core::Words& words) {
  words.read(1, {"cost"}, {"dry_run"});
  Use use;
  std::string_view name = words[0];
  use.adds = name.starts_with('+');
  if (use.adds) name.remove_prefix(1);
  check_name(name);
  use.name = name;
  if (auto word = words.named("cost")) {
    if (word->find('$') != std::string_view::npos) {
      fail("variables in \"cost=", *word, "\" are not available in this version");
    }
    use.cost = core::parse_number("cost", *word, 0, core::Gcra::kMaxBurst);
  }
  use.dry_run = words.flag("dry_run");
  return use;
}

}  // namespace guard::rate
