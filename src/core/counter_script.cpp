#include "core/counter_script.h"

#include <openssl/evp.h>

#include <algorithm>

#include "core/gcra.h"
#include "core/hex.h"
#include "core/sliding_log.h"
#include "core/words.h"

namespace guard::core {

namespace {

// Numbers go through string.format: Lua's own spelling has 14 digits, and that of Redis's call()
// differs between versions. Redis counts a life from its own clock's last whole millisecond, or
// from the one in which the script began: hence two milliseconds more. SET with NX counts a key
// that is not there in one command; one that is there takes GET and SET, and the attempt is lost:
// which to try is guessed from the key before.
constexpr std::string_view kGcra = R"lua(
local call, tonumber, ceil, format = redis.call, tonumber, math.ceil, string.format
local scale, seconds = tonumber(ARGV[1]), tonumber(ARGV[2])
local interval, capacity = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = (time[1] % seconds * 1000000 + time[2]) * scale
local round = seconds * 1000000 * scale
local millisecond = scale * 1000
local keys, costs = KEYS, #ARGV > 4 and ARGV
local more = interval
local first, first_life, first_more
local known = false
for i = 1, #keys do
  local key = keys[i]
  if costs then more = costs[4 + i] * interval end
  if not known and more ~= first_more then
    first, first_life = format('%d', (now + more) % round), format('%d', ceil(more / millisecond) + 2)
    first_more = more
  end
  if known or more == 0 or more > capacity or not call('SET', key, first, 'PX', first_life, 'NX') then
    known = tonumber(call('GET', key))
    local level = 0
    if known then
      level = (known - now) % round
      if level * 2 > round then level = 0 end
    end
    if more == 0 then
      keys[i] = level
    elseif level + more <= capacity then
      level = level + more
      call('SET', key, format('%d', (now + level) % round), 'PX', format('%d', ceil(level / millisecond) + 2))
      keys[i] = level
    else
      keys[i] = -level - 1
    end
  else
    keys[i] = more
  end
end
return keys
)lua";

// ARGV: for each group its number of entries, then for each entry kind, three or four numbers of
// the quota, what is particular to the key, part and cost: kEntryWords in all.
constexpr std::string_view kGroup = R"lua(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local function put(key, state, milliseconds)
  redis.call('SET', key, state, 'PX', text(math.ceil(milliseconds) + 2))
end

local gcra = {}
function gcra.read(e)
  local scale, seconds = e.a, e.b
  e.now = (time[1] % seconds * 1000000 + time[2]) * scale
  e.round = seconds * 1000000 * scale
  e.more = e.cost * e.c
  e.level = 0
  local arrival = tonumber(redis.call('GET', e.key))
  if arrival then
    e.level = (arrival - e.now) % e.round
    if e.level * 2 > e.round then e.level = 0 end
  end
  e.passes = e.more == 0 or e.level + e.more <= e.d
end
function gcra.write(e)
  if e.level > 0 then
    put(e.key, text((e.now + e.level) % e.round), e.level / (e.a * 1000))
  else
    redis.call('DEL', e.key)
  end
end
function gcra.take(e)
  e.level = e.level + e.more
  gcra.write(e)
end
function gcra.refund(e)
  e.level = math.max(e.level - e.more, 0)
  gcra.write(e)
end
function gcra.tell(e)
  return e.passes and e.level or -e.level - 1
end

local function place(at, period, phase)
  local position = math.floor(at / 1000) + phase
  local elapsed = position % period
  return (position - elapsed) / period % 8192, elapsed
end
local function window(sliding)
  local kind = {}
  function kind.read(e)
    local period, count = e.a, e.b
    local state = tonumber(redis.call('GET', e.key)) or 0
    local elapsed
    e.index, elapsed = place(now, period, e.c)
    e.left = period - elapsed
    e.current = state % 1048576
    state = (state - e.current) / 1048576
    e.previous = state % 1048576
    local behind = (e.index - (state - e.previous) / 1048576) % 8192
    if behind == 1 then
      e.previous, e.current = e.current, 0
    elseif behind == 8191 then
      e.index, elapsed, e.left = (e.index + 1) % 8192, 0, e.left + period
    elseif behind ~= 0 then
      e.previous, e.current = 0, 0
    end
    local counted = e.current * period
    if sliding then counted = counted + e.previous * (period - elapsed) end
    e.passes = e.cost == 0 or counted + e.cost * period <= count * period
  end
  function kind.write(e)
    local left = e.left
    if sliding and e.current > 0 then left = left + e.a end
    if e.current > 0 or (sliding and e.previous > 0) then
      put(e.key, text((e.index * 1048576 + e.previous) * 1048576 + e.current), left)
    else
      redis.call('DEL', e.key)
    end
  end
  function kind.take(e)
    e.current = e.current + e.cost
    kind.write(e)
  end
  function kind.refund(e)
    local behind = (e.index - place(e.d, e.a, e.c)) % 8192
    local cost = e.cost
    if behind == 1 then
      local less = math.min(e.previous, cost)
      e.previous, cost = e.previous - less, cost - less
    elseif behind ~= 0 then
      return
    end
    e.current = math.max(e.current - cost, 0)
    kind.write(e)
  end
  function kind.tell(e)
    local counts = e.previous * 1048576 + e.current
    return e.passes and counts or -counts - 1
  end
  return kind
end

local log = {}
function log.read(e)
  e.stamps = {}
  for stamp in string.gmatch(redis.call('GET', e.key) or '', '%d+') do
    if stamp + e.a > now then e.stamps[#e.stamps + 1] = stamp end
  end
  e.passes = #e.stamps + e.cost <= e.b
end
function log.write(e)
  local newest = 0
  for _, stamp in ipairs(e.stamps) do newest = math.max(newest, stamp) end
  if newest > 0 then
    put(e.key, table.concat(e.stamps, ' '), (newest + e.a - now) / 1000)
  else
    redis.call('DEL', e.key)
  end
end
function log.take(e)
  local stamp = text(now)
  for _ = 1, e.cost do e.stamps[#e.stamps + 1] = stamp end
  log.write(e)
end
function log.refund(e)
  local kept, left, taken = {}, e.cost, text(e.d)
  for _, stamp in ipairs(e.stamps) do
    if left > 0 and stamp == taken then
      left = left - 1
    else
      kept[#kept + 1] = stamp
    end
  end
  e.stamps = kept
  log.write(e)
end
function log.tell(e)
  local answer = {e.passes and 1 or 0}
  for i, stamp in ipairs(e.stamps) do answer[i + 1] = now - stamp end
  return answer
end

local kinds = {g = gcra, s = window(true), f = window(false), l = log}
local answers = {now}
local at, key = 1, 1
while ARGV[at] do
  local entries, refused = {}, {}
  local last = at + ARGV[at] * 7
  at = at + 1
  while at <= last do
    local e = {kind = kinds[ARGV[at]], a = tonumber(ARGV[at + 1]), b = tonumber(ARGV[at + 2]),
      c = tonumber(ARGV[at + 3]), d = tonumber(ARGV[at + 4]), part = ARGV[at + 5],
      cost = tonumber(ARGV[at + 6]), key = KEYS[key]}
    e.kind.read(e)
    if not e.passes then refused[e.part] = true end
    entries[#entries + 1] = e
    at = at + 7
    key = key + 1
  end
  for _, e in ipairs(entries) do
    if e.cost > 0 then
      if e.part == 'r' then
        e.kind.refund(e)
      elseif not refused['0'] and not refused[e.part] then
        e.kind.take(e)
      end
    end
    answers[#answers + 1] = e.kind.tell(e)
  end
end
return answers
)lua";

constexpr std::uint64_t kCountBits = 20;
constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;
constexpr std::uint64_t kExact = std::uint64_t{1} << 53;

std::string bulk(std::string_view word) {
  return "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
}

std::string bulk(std::uint64_t number) {
  return bulk(std::to_string(number));
}

std::string sha1_of(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1) {
    fail("OpenSSL has no SHA-1, by which Redis names scripts");
  }
  std::string hex(std::size_t{2} * size, '\0');
  write_hex({digest, size}, hex.data());
  return hex;
}

std::uint64_t round_seconds(const Gcra& gcra) {
  return RemoteCounter::kRound / (1'000'000 * gcra.scale());
}

// The number that a script wrote for a verdict and counts up to `most`.
std::optional<std::uint64_t> counts_of(const redis::Reply& reply, std::uint64_t most,
                                       bool& admitted) noexcept {
  if (!reply.is_integer()) return std::nullopt;
  std::int64_t number = reply.integer();
  admitted = number >= 0;
  auto counts = static_cast<std::uint64_t>(admitted ? number : -(number + 1));
  if (counts >= most) return std::nullopt;
  return counts;
}

std::optional<RemoteAnswer> read_log(const redis::Reply& reply) noexcept {
  RemoteAnswer answer;
  if (reply.size() == 0 || reply.size() > SlidingLog::kMaxCount + 1) return std::nullopt;
  for (std::size_t i = 0; i < reply.size(); ++i) {
    if (!reply[i].is_integer()) return std::nullopt;
  }
  answer.admitted = reply[0].integer() == 1;
  answer.size = reply.size() - 1;
  answer.log = reply;
  return answer;
}

}  // namespace

CounterScript::CounterScript(std::string_view text)
    : text_(text), by_name_(bulk("EVALSHA") + bulk(sha1_of(text))) {}

const CounterScript& CounterScript::gcra() {
  static const CounterScript script(kGcra);
  return script;
}

const CounterScript& CounterScript::group() {
  static const CounterScript script(kGroup);
  return script;
}

void CounterScript::begin(redis::Output& out, bool in_full, std::size_t keys,
                          std::size_t arguments) const noexcept {
  out.begin(3 + keys + arguments);
  if (in_full) {
    out.bulk("EVAL");
    out.bulk(text_);
  } else {
    out.put(by_name_);
  }
  out.bulk(static_cast<std::uint64_t>(keys));
}

RemoteCounter::RemoteCounter(CounterKind kind, const CounterParameters& quota, std::uint64_t burst,
                             std::string_view name, std::string_view suffix)
    : kind_(kind), beyond_(quota.count + 1) {
  std::size_t size = name.size() + std::tuple_size_v<CounterTag> + suffix.size();
  key_head_ = "$" + std::to_string(size) + "\r\n" + std::string(name);
  key_tail_ = std::string(suffix) + "\r\n";
  switch (kind) {
    case CounterKind::gcra: {
      Gcra gcra(quota.count, quota.period, burst);
      std::uint64_t seconds = round_seconds(gcra);
      std::uint64_t capacity = gcra.interval() * burst;
      if (capacity > seconds * 1'000'000 * gcra.scale() / 2) {
        fail("\"burst=", std::to_string(burst), "\" takes more than ",
             std::to_string(seconds / 2 / 86400), " days to come back, which Redis cannot count");
      }
      beyond_ = burst + 1;
      quota_ = bulk(gcra.scale()) + bulk(seconds) + bulk(gcra.interval()) + bulk(capacity);
      entry_ = bulk("g") + quota_;
      break;
    }
    case CounterKind::sliding_window:
    case CounterKind::fixed_window:
      entry_ = bulk(kind == CounterKind::sliding_window ? "s" : "f") + bulk(quota.period / 1000) +
               bulk(quota.count);
      break;
    case CounterKind::sliding_log:
      entry_ = bulk("l") + bulk(quota.period) + bulk(quota.count);
      break;
    case CounterKind::lockout:  // has scripts of its own
      break;
  }
}

void RemoteCounter::put_key(redis::Output& out, const CounterTag& tag) const noexcept {
  out.put(key_head_);
  out.put({tag.data(), tag.size()});
  out.put(key_tail_);
}

void RemoteCounter::put_quota(redis::Output& out) const noexcept {
  out.put(quota_);
}

void RemoteCounter::put_cost(redis::Output& out, std::uint64_t cost) const noexcept {
  out.bulk(bounded(cost));
}

void RemoteCounter::put_entry(redis::Output& out, const Entry& entry) const noexcept {
  out.put(entry_);
  if (kind_ != CounterKind::gcra) {
    out.bulk(entry.phase);
    out.bulk(entry.refund);
  }
  char part = entry.refund != 0 ? 'r' : static_cast<char>('0' + entry.part);
  out.bulk(std::string_view(&part, 1));
  out.bulk(bounded(entry.cost));
}

std::optional<RemoteAnswer> read_gcra_answer(const redis::Reply& reply, std::size_t i) noexcept {
  RemoteAnswer answer;
  auto level = counts_of(reply[i], kExact, answer.admitted);
  if (!level) return std::nullopt;
  answer.level = *level;
  return answer;
}

std::optional<RemoteAnswer> read_group_answer(CounterKind kind, const redis::Reply& reply,
                                              std::size_t i) noexcept {
  std::optional<RemoteAnswer> answer;
  std::int64_t now = reply[0].integer();
  if (now <= 0) return std::nullopt;
  switch (kind) {
    case CounterKind::gcra:
      answer = read_gcra_answer(reply, i + 1);
      break;
    case CounterKind::sliding_window:
    case CounterKind::fixed_window: {
      RemoteAnswer window;
      auto counts = counts_of(reply[i + 1], kExact, window.admitted);
      if (!counts || *counts >> (2 * kCountBits) != 0) return std::nullopt;
      window.previous = *counts >> kCountBits;
      window.current = *counts & kCountMask;
      answer = window;
      break;
    }
    case CounterKind::sliding_log:
      answer = read_log(reply[i + 1]);
      break;
    case CounterKind::lockout:
      break;
  }
  if (answer) answer->now = static_cast<std::uint64_t>(now);
  return answer;
}

}  // namespace guard::core
