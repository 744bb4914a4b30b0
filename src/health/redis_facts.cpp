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

Result judge_redis(const CheckPolicy& policy, bool ok, std::string_view text,
                   std::uint64_t microseconds) noexcept {
  Result result;
  // It answers, though not about itself: not to this user, or to nobody (rename-command).
  const bool denied =
      !ok && (text.starts_with("NOPERM") || text.starts_with("ERR unknown command"));
  if ((!ok && !denied) || field(text, "loading:") == "1") {
    result.status = Status::fail;
    result.say(ok ? "Redis is loading its data" : text);
    return result;
  }
  result.status = Status::pass;
  result.value = static_cast<std::int64_t>(microseconds);
  const std::uint64_t most = number(field(text, "maxmemory:"));
  const std::uint64_t used = number(field(text, "used_memory:"));
  std::string_view warning;
  if (policy.warn != 0 && microseconds >= policy.warn) warning = "the answer took long";
  if (field(text, "role:") == "slave") warning = "Redis is a replica";
  if (most != 0 && used >= most - most / kFullShare) {
    warning = "Redis's memory is nearly full";
  }
  if (warning.empty()) return result;
  result.status = Status::warn;
  result.say(warning);
  return result;
}

}  // namespace guard::health
