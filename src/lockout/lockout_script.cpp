#include "lockout/lockout_script.h"

#include <tuple>

namespace guard::lockout {

namespace {

// KEYS: attempts, failures, pending, lock, and the slices of a policy that has sketches. ARGV:
// step, name, reserved, account, then the rule.
constexpr std::string_view kText = R"lua(
local step, name, reserved, account = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4]
local limit, window, duration = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local backoff, longest, distinct = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10] == '1'
local attempts, failures, pending, lock = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local sketched = #KEYS > 4
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local held = redis.call('HMGET', lock, 'until', 'repeats', 'forget')
local left = (tonumber(held[1]) or 0) - now
local repeats = tonumber(held[2]) or 0
local over = text(now - window)
if distinct then
  local gone = redis.call('ZRANGEBYSCORE', attempts, '-inf', over)
  for i = 1, #gone, 1000 do
    redis.call('HDEL', pending, unpack(gone, i, math.min(i + 999, #gone)))
  end
end
redis.call('ZREMRANGEBYSCORE', attempts, '-inf', over)
if not sketched then redis.call('ZREMRANGEBYSCORE', failures, '-inf', over) end
local function keep(key) redis.call('PEXPIRE', key, text(window + 2)) end

if step == 'lift' then
  redis.call('DEL', unpack(KEYS))
  return {3, 0, 0}
end

if step == 'reserve' then
  if left > 0 then return {2, left, repeats} end
  local there = distinct and redis.call('ZSCORE', attempts, name)
  if not there then
    local count = redis.call('ZCARD', attempts)
    local failed = sketched and redis.call('PFCOUNT', unpack(KEYS, 5)) or 0
    if count + failed >= limit then
      local oldest = redis.call('ZRANGE', attempts, 0, 0, 'WITHSCORES')
      local newest = redis.call('ZREVRANGE', attempts, 0, 0, 'WITHSCORES')
      local open = sketched and count or count - redis.call('ZCARD', failures)
      local soon = open > 0 and newest[2] + 60000 > now
      local wait = (oldest[2] or now) + window - now
      if sketched then
        for i = 5, #KEYS do
          local life = redis.call('PTTL', KEYS[i])
          if life > 0 then wait = math.min(wait, life) end
        end
        if not soon then
          -- Is the value counted already? It is tried where others have their failures.
          redis.call('DEL', failures)
          redis.call('PFADD', failures, name)
          local with = redis.call('PFCOUNT', failures, unpack(KEYS, 5))
          redis.call('DEL', failures)
          if with == failed then return {0, 0, 0} end
        end
      end
      return {1, wait, soon and 1 or 0}
    end
    redis.call('ZADD', attempts, text(now), name)
    keep(attempts)
  end
  if distinct then
    redis.call('HINCRBY', pending, name, 1)
    keep(pending)
  end
  return {0, 0, 0}
end

local waiting = 0
if distinct and reserved and (step == 'fail' or step == 'give_back') then
  waiting = redis.call('HINCRBY', pending, name, -1)
  if waiting <= 0 then redis.call('HDEL', pending, name) end
end

if step == 'give_back' then
  if waiting <= 0 and not redis.call('ZSCORE', failures, name) then
    redis.call('ZREM', attempts, name)
  end
  return {3, 0, 0}
end

local function forget_failures()
  if sketched then
    redis.call('DEL', unpack(KEYS, 5))
    return
  end
  for _, failed in ipairs(redis.call('ZRANGE', failures, 0, -1)) do
    local open = distinct and tonumber(redis.call('HGET', pending, failed)) or 0
    if open <= 0 then redis.call('ZREM', attempts, failed) end
  end
  redis.call('DEL', failures)
end

if step == 'clear' then
  forget_failures()
  redis.call('DEL', lock)
  return {5, left > 0 and 1 or 0, 0}
end

local failed
if sketched then
  -- What has failed needs no place among the attempts.
  redis.call('ZREM', attempts, name)
  redis.call('HDEL', pending, name)
  local part = math.ceil(window / 4)
  local number = math.floor(now / part)
  local slice = KEYS[5 + number % (#KEYS - 4)]
  redis.call('PFADD', slice, name)
  redis.call('PEXPIRE', slice, text((number + 1) * part + window - now))
  failed = redis.call('PFCOUNT', unpack(KEYS, 5))
else
  local taken = not distinct and redis.call('ZSCORE', attempts, name) or text(now)
  redis.call('ZADD', attempts, taken, name)
  redis.call('ZADD', failures, taken, name)
  keep(attempts)
  keep(failures)
  failed = redis.call('ZCARD', failures)
end
if left > 0 or failed < limit then return {3, 0, 0} end
repeats = (tonumber(held[3]) or 0) > now and repeats + 1 or 1
local length = duration
for _ = 2, repeats do
  if length >= longest then break end
  length = math.min(length * backoff, longest)
end
local forget = backoff > 1 and now + length + longest or 0
redis.call('HSET', lock, 'until', text(now + length), 'repeats', text(repeats), 'forget',
  text(forget), 'account', account)
redis.call('PEXPIRE', lock, text(math.max(now + length, forget) - now + 2))
forget_failures()
return {4, length, repeats}
)lua";

constexpr std::array<std::string_view, 5> kSteps = {"reserve", "fail", "give_back", "clear",
                                                    "lift"};
constexpr std::array<std::string_view, 10> kSuffixes = {
    ".attempts", ".failures", ".pending", ".lock",  // of all policies
    ".slice0",   ".slice1",   ".slice2",  ".slice3", ".slice4", ".slice5"};
constexpr std::size_t kPlainKeys = 4;
constexpr std::size_t kOwnWords = 4;
constexpr std::size_t kRuleWords = 6;

std::string bulk(std::uint64_t number) {
  std::string word = std::to_string(number);
  return "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
}

std::string_view view(const auto& digits) {
  return {digits.data(), digits.size()};
}

}  // namespace

RemoteLocks::RemoteLocks(std::string_view name, const LockRule& rule) : distinct_(rule.distinct) {
  for (std::string_view suffix :
       suffixes().first(rule.sketched() ? kSuffixes.size() : kPlainKeys)) {
    std::size_t size = name.size() + std::tuple_size_v<core::CounterTag> + suffix.size();
    keys_.push_back(
        {"$" + std::to_string(size) + "\r\n" + std::string(name), std::string(suffix) + "\r\n"});
  }
  rule_ = bulk(rule.limit) + bulk(rule.window) + bulk(rule.duration) + bulk(rule.backoff) +
          bulk(rule.longest) + bulk(rule.distinct ? 1 : 0);
}

std::span<const std::string_view> RemoteLocks::suffixes() {
  return kSuffixes;
}

const core::CounterScript& RemoteLocks::script() {
  static const core::CounterScript script(kText);
  return script;
}

void RemoteLocks::write(redis::Output& out, Step step, const RemoteAttempt& attempt,
                        bool in_full) const noexcept {
  script().begin(out, in_full, keys_.size(), kOwnWords + kRuleWords);
  write_words(out, step, attempt);
}

void RemoteLocks::write_words(redis::Output& out, Step step,
                              const RemoteAttempt& attempt) const noexcept {
  for (const Key& key : keys_) {
    out.put(key.head);
    out.put(view(attempt.tag));
    out.put(key.tail);
  }
  out.bulk(kSteps[static_cast<std::size_t>(step)]);
  out.bulk(view(attempt.name));
  out.bulk(attempt.reserved ? std::uint64_t{1} : std::uint64_t{0});
  out.bulk(view(attempt.account_digits));
  out.put(rule_);
}

std::optional<RemoteVerdict> RemoteLocks::read(const redis::Reply& reply) noexcept {
  enum : std::int64_t { admitted, full, locked, done, locks, cleared };
  if (!reply.ok() || reply.size() != 3) return std::nullopt;
  for (std::size_t i = 0; i < 3; ++i) {
    if (!reply[i].is_integer() || reply[i].integer() < 0) return std::nullopt;
  }
  auto first = static_cast<std::uint64_t>(reply[1].integer());
  auto second = static_cast<std::uint64_t>(reply[2].integer());
  RemoteVerdict verdict;
  switch (reply[0].integer()) {
    case admitted:
    case done:
      return verdict;
    case full:
      verdict.decision.verdict = Verdict::full;
      verdict.decision.retry = first;
      verdict.decision.under_way = second != 0;
      return verdict;
    case locked:
      verdict.decision.verdict = Verdict::locked;
      verdict.decision.retry = first;
      verdict.failure.repeats = second;
      return verdict;
    case locks:
      verdict.failure = {true, first, second};
      return verdict;
    case cleared:
      verdict.unlocked = first != 0;
      return verdict;
    default:
      return std::nullopt;
  }
}

}  // namespace guard::lockout
