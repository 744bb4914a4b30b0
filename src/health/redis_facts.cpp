#include "health/redis_facts.h"

#include <charconv>

namespace guard::health {

namespace {

// maxmemory_policy apart, a Redis that is that full refuses to write soon.
constexpr std::uint64_t kFullShare = 20;  // all but a twentieth

// The rest of the line "name:...".
std::string_view field(std::string_view text, std::string_view name) noexcept {
  for (std::size_t at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    const std::string_view rest = text.substr(at + name.size());
    return rest.substr(0, rest.find_first_of("\r\n"));
  }
  return {};
}

std::uint64_t number(std::string_view text) noexcept {
  std::uint64_t found = 0;
  std::from_chars(text.data(), text.data() + text.size(), found);
  return found;
}

}  // namespace

Result judge_redis(const CheckPolicy& policy, std::string_view problem, std::string_view facts,
                   std::uint64_t microseconds) noexcept {
  Result result;
  if (problem.empty() && field(facts, "loading:") == "1") problem = "Redis is loading its data";
  if (!problem.empty()) {
    result.status = Status::fail;
    result.say(problem);
    return result;
  }
  result.status = Status::pass;
  result.value = static_cast<std::int64_t>(microseconds);
  if (facts.empty()) result.say("Redis tells this user neither its role nor its memory");
  const std::uint64_t most = number(field(facts, "maxmemory:"));
  const std::uint64_t used = number(field(facts, "used_memory:"));
  std::string_view warning;
  if (policy.warn != 0 && microseconds >= policy.warn) warning = "the answer took long";
  if (field(facts, "role:") == "slave") warning = "Redis is a replica";
  if (most != 0 && used >= most - most / kFullShare) {
    warning = "Redis's memory is nearly full";
  }
  if (warning.empty()) return result;
  result.status = Status::warn;
  result.output_size = 0;
  result.say(warning);
  return result;
}

}  // namespace guard::health
