#include "core/remote_total.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace guard::core {

namespace {

constexpr std::string_view kMember = "t";

constexpr std::string_view kScript =
    "redis.call('ZADD', KEYS[1], 'GT', ARGV[1], 't') redis.call('PEXPIRE', KEYS[1], ARGV[2]) "
    "return redis.call('ZINCRBY', KEYS[1], ARGV[3], 't')";

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
    : name_(name), suffix_(std::string(suffix) + "~"), windows_(windows) {}

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

void RemoteTotal::put_add(redis::Output& out, std::string_view tag, std::uint64_t number,
                          const TotalOffer& offer) const noexcept {
  out.begin(5);
  out.bulk("ZADD");
  put_key(out, tag, number);
  out.bulk("GT");
  out.bulk(Decimal(offer.floor).text());
  out.bulk(kMember);
  out.begin(3);
  out.bulk("PEXPIRE");
  put_key(out, tag, number);
  out.bulk(offer.life);
  out.begin(4);
  out.bulk("ZINCRBY");
  put_key(out, tag, number);
  out.bulk(Decimal(offer.more).text());
  out.bulk(kMember);
}

void RemoteTotal::put_add_at_once(redis::Output& out, std::string_view tag, std::uint64_t number,
                                  const TotalOffer& offer) const noexcept {
  out.begin(7);
  out.bulk("EVAL");
  out.bulk(kScript);
  out.bulk(std::uint64_t{1});
  put_key(out, tag, number);
  out.bulk(Decimal(offer.floor).text());
  out.bulk(offer.life);
  out.bulk(Decimal(offer.more).text());
}

void RemoteTotal::put_get(redis::Output& out, std::string_view tag,
                          std::uint64_t number) const noexcept {
  out.begin(3);
  out.bulk("ZSCORE");
  put_key(out, tag, number);
  out.bulk(kMember);
}

std::optional<std::int64_t> read_total(const redis::Reply& reply) noexcept {
  if (!reply.ok() || !reply.is_text()) return std::nullopt;
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
