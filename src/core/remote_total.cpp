#include "core/remote_total.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace guard::core {

namespace {

// KEYS: the totals. ARGV: of each its floor, what is added and its life; no floor: it is only asked
// for. What no counter has written is taken for nothing and written over, or it would keep the
// others of a call from being told, of which some had been added already.
constexpr std::string_view kTotals = R"lua(
local call, pcall, tonumber, format = redis.call, redis.pcall, tonumber, string.format
local totals = {}
for i, key in ipairs(KEYS) do
  local at = 3 * i
  local total, floor = tonumber(pcall('GET', key)), tonumber(ARGV[at - 2])
  if floor then
    if not total or total < floor then total = floor end
    total = total + ARGV[at - 1]
    call('SET', key, format('%d', total), 'PX', ARGV[at])
  end
  totals[i] = total or false
end
return totals
)lua";

// A decimal number, of either sign, as a word of a command.
class Decimal {
 public:
  template <class Number>
  explicit Decimal(Number number) noexcept {
    size_ = static_cast<std::size_t>(
        std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr -
        digits_.data());
  }
  std::string_view text() const noexcept { return {digits_.data(), size_}; }

 private:
  std::array<char, 24> digits_;
  std::size_t size_;
};

}  // namespace

RemoteTotal::RemoteTotal(std::string_view name, std::string_view suffix, bool windows)
    : name_(name), suffix_(std::string(suffix) + "="), windows_(windows) {
  script();
}

const CounterScript& RemoteTotal::script() {
  static const CounterScript script(kTotals);
  return script;
}

void RemoteTotal::spell(const Hash128& hash, char* tag) noexcept {
  const auto digits = hex_of(hash);
  *tag++ = '{';
  *std::copy(digits.begin(), digits.end(), tag) = '}';
}

void RemoteTotal::put_key(redis::Output& out, std::string_view tag,
                          std::uint64_t number) const noexcept {
  Decimal window(number);
  std::string_view tail = windows_ ? window.text() : std::string_view{};
  Decimal size(name_.size() + tag.size() + suffix_.size() + tail.size());
  for (std::string_view part :
       {std::string_view("$"), size.text(), std::string_view("\r\n"), std::string_view(name_), tag,
        std::string_view(suffix_), tail, std::string_view("\r\n")}) {
    out.put(part);
  }
}

void RemoteTotal::put_offer(redis::Output& out, const TotalOffer& offer) noexcept {
  out.bulk(Decimal(offer.floor).text());
  out.bulk(Decimal(offer.more).text());
  out.bulk(offer.life);
}

void RemoteTotal::put_question(redis::Output& out) noexcept {
  out.put("$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n");
}

std::optional<std::int64_t> read_total(const redis::Reply& reply) noexcept {
  if (reply.is_integer()) return reply.integer();
  if (!reply.is_text()) return std::nullopt;
  std::string_view digits = reply.text();
  std::int64_t total = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), total);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return total;
}

std::optional<std::uint64_t> read_time(const redis::Reply& reply) noexcept {
  std::int64_t seconds = reply[0].integer();
  std::int64_t microseconds = reply[1].integer();
  constexpr std::int64_t kMost = std::int64_t{1} << 33;  // in two centuries
  if (seconds <= 0 || seconds > kMost || microseconds < 0 || microseconds > 999'999) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(seconds * 1'000'000 + microseconds);
}

}  // namespace guard::core
