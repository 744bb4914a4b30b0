#include "lockout/ban_news.h"

#include <algorithm>
#include <charconv>

#include "core/counter_zone.h"

namespace guard::lockout {

namespace {

// Whoever is last in the list is first to go: bans of one policy end in the order in which they
// began, or nearly. What would grow beyond a hundred thousand loses its oldest.
constexpr std::string_view kText = R"lua(
local list, counter = KEYS[1], KEYS[2]
local since, life = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
for i = 3, #ARGV, 3 do
  local number = redis.call('INCR', counter)
  redis.call('ZADD', list, number,
    ARGV[i] .. ':' .. ARGV[i + 1] .. ':' .. text(now + ARGV[i + 2]) .. ':' .. text(number))
end
if #ARGV > 2 then
  while true do
    local first = redis.call('ZRANGE', list, 0, 0)[1]
    local over = first and tonumber(string.match(first, ':(%d+):%d+$'))
    if not first or (over and over > now) then break end
    redis.call('ZREM', list, first)
  end
  redis.call('ZREMRANGEBYRANK', list, 0, -100001)
  redis.call('PEXPIRE', list, life)
  redis.call('PEXPIRE', counter, life)
end
local last = tonumber(redis.call('GET', counter)) or 0
local news = {}
if since ~= '-' then
  news = redis.call('ZRANGEBYSCORE', list, '(' .. since, '+inf', 'LIMIT', 0, 500)
end
return {now, last, news}
)lua";

template <class Number>
bool take(std::string_view& text, Number& number, int base) noexcept {
  const char* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()));
  return true;
}

bool take_colon(std::string_view& text) noexcept {
  if (!text.starts_with(':')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<BanNews> read_ban_news(std::string_view text) noexcept {
  constexpr std::uint64_t kLatest = std::uint64_t{1} << 53;  // what Lua can count
  BanNews news;
  if (!take(text, news.hash, 16) || !take_colon(text)) return std::nullopt;
  if (text.starts_with('L')) {
    news.lifted = true;
    text.remove_prefix(1);
  } else if (!take(text, news.score, 10)) {
    return std::nullopt;
  }
  if (!take_colon(text) || !take(text, news.end, 10)) return std::nullopt;
  if (!take_colon(text) || !take(text, news.number, 10) || !text.empty()) return std::nullopt;
  if (news.end > kLatest || news.number > kLatest) return std::nullopt;
  return news;
}

bool is_lifted_later(std::span<const BanNews> news, std::size_t index) noexcept {
  const std::uint64_t tag = news[index].hash & core::kKeyBits;
  return std::ranges::any_of(news.subspan(index + 1), [tag](const BanNews& later) {
    return later.lifted && (later.hash & core::kKeyBits) == tag;
  });
}

const core::CounterScript& ban_news_script() {
  static const core::CounterScript script(kText);
  return script;
}

}  // namespace guard::lockout
