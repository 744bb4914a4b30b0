#include "lockout/ban_exchange.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <new>
#include <utility>

#include "core/clock.h"
#include "core/hex.h"

namespace guard::lockout {

namespace {

// How long it is worth telling that a ban was lifted: nobody looks less often.
constexpr std::uint64_t kLiftedLife = 300'000;  // milliseconds
// Every so many looks all is read again: what was told while a Redis lost its memory, or its role.
constexpr std::uint64_t kAgain = 240;
constexpr std::size_t kWords = 2;  // before what is told
constexpr std::size_t kDigits = 16;

std::string_view view(const auto& digits) noexcept {
  return {digits.data(), digits.size()};
}

}  // namespace

// One ban on its way; owns itself.
class BanExchange::Telling : public core::ScriptCall {
 public:
  Telling(BanExchange& exchange, std::uint64_t hash, std::uint32_t score, bool lifted,
          std::uint64_t left) noexcept
      : ScriptCall(exchange.store_, write, answered),
        exchange_(exchange),
        score_(score),
        lifted_(lifted),
        left_(left) {
    core::write_hex(hash, digits_.data());
  }

 private:
  static void write(core::ScriptCall& call, redis::Output& out, bool in_full) noexcept {
    auto& self = static_cast<Telling&>(call);
    constexpr std::size_t kMore = 3;
    self.exchange_.write(out, in_full, "-", kMore);
    out.bulk(view(self.digits_));
    self.lifted_ ? out.bulk("L") : out.bulk(std::uint64_t{self.score_});
    out.bulk(self.left_);
  }

  static void answered(core::ScriptCall& call, const redis::Reply& /*reply*/) noexcept {
    delete &static_cast<Telling&>(call);
  }

  BanExchange& exchange_;
  std::array<char, kDigits> digits_;
  std::uint32_t score_;
  bool lifted_;
  std::uint64_t left_;
};

BanExchange::Pull::Pull(BanExchange& of) noexcept
    : ScriptCall(
          of.store_,
          [](core::ScriptCall& call, redis::Output& out, bool in_full) noexcept {
            const BanExchange& own = static_cast<Pull&>(call).exchange;
            std::array<char, 24> digits;
            char* end = std::to_chars(digits.data(), digits.data() + digits.size(), own.heard_).ptr;
            own.write(out, in_full, {digits.data(), static_cast<std::size_t>(end - digits.data())},
                      0);
          },
          [](core::ScriptCall& call, const redis::Reply& reply) noexcept {
            static_cast<Pull&>(call).exchange.hear(reply);
          }),
      exchange(of) {}

BanExchange::BanExchange(BanRegister& owner, core::RemoteStore& store)
    : owner_(owner),
      store_(store),
      // Of one slot.
      list_(store.prefix + "ban:{" + owner.policy.name + "}.list"),
      counter_(store.prefix + "ban:{" + owner.policy.name + "}.count"),
      life_(owner.policy.duration_ms() + 2 * kLiftedLife),
      pull_(*this) {
  ban_news_script();
}

void BanExchange::write(redis::Output& out, bool in_full, std::string_view since,
                        std::size_t more) const noexcept {
  constexpr std::size_t kKeys = 2;
  ban_news_script().begin(out, in_full, kKeys, kWords + more);
  out.bulk(list_);
  out.bulk(counter_);
  out.bulk(since);
  out.bulk(life_);
}

void BanExchange::run(bool fresh) noexcept {
  if (fresh || ++runs_ % kAgain == 0) again_ = true;
  // What it will be told is what was asked for before.
  if (pull_.waiting()) return;
  if (std::exchange(again_, false)) heard_ = 0;
  ask();
}

void BanExchange::ask() noexcept {
  if (store_.queue.available()) pull_.send(list_);
}

void BanExchange::hear(const redis::Reply& reply) noexcept {
  if (!reply.ok() || !reply[0].is_integer() || !reply[2].is_array()) return;
  auto redis_now = static_cast<std::uint64_t>(std::max<std::int64_t>(reply[0].integer(), 0));
  auto last = static_cast<std::uint64_t>(std::max<std::int64_t>(reply[1].integer(), 0));
  // It counts anew: what it has told is not what we know.
  if (last < heard_) {
    heard_ = 0;
    return;
  }
  const redis::Reply list = reply[2];
  const std::size_t count = std::min(list.size(), kMostNews);
  std::array<BanNews, kMostNews> news;
  std::size_t understood = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto read = read_ban_news(list[i].text())) news[understood++] = *read;
  }
  const std::uint64_t before = heard_;
  const std::uint64_t now = core::microseconds();
  std::array<Lift, kMostNews> lifts;
  std::size_t lifted = 0;
  for (std::size_t i = 0; i < understood; ++i) {
    const BanNews& one = news[i];
    heard_ = std::max(heard_, one.number);
    if (one.lifted) {
      const std::uint64_t age =
          redis_now + kLiftedLife - std::min(one.end, redis_now + kLiftedLife);
      lifts[lifted++] = {one.hash & core::kKeyBits, age};
    } else if (!is_lifted_later({news.data(), understood}, i)) {
      // Not for a moment otherwise: other workers refuse by the same table.
      adopt(one, redis_now, now);
    }
  }
  std::ranges::sort(std::span(lifts).first(lifted));
  lift(std::span(lifts).first(lifted), now);
  // Where there is no more of it, what was not understood is not asked for again.
  if (count < kMostNews) {
    heard_ = std::max(heard_, last);
  } else if (heard_ > before) {
    ask();
  }
}

void BanExchange::adopt(const BanNews& news, std::uint64_t redis_now, std::uint64_t now) noexcept {
  if (news.end <= redis_now) return;
  // Nobody's clock decides for longer than the policy does.
  std::uint64_t left = std::min(news.end - redis_now, owner_.policy.duration_ms());
  // From where it came is not known here; so that no network has a share of it, from anywhere.
  const core::CounterKey key{news.hash, news.hash >> 16, 0};
  owner_.table->set_ban(key, {BanState::banned, now / 1000 + left, news.score}, now);
}

// One walk for all, since their sets are not known. A lift is read again every so often: it is not
// that of a ban which began behind it.
void BanExchange::lift(std::span<const Lift> lifts, std::uint64_t now) noexcept {
  if (lifts.empty()) return;
  const std::uint64_t duration = owner_.policy.duration_ms();
  owner_.table->each_ban(now, [&](std::uint64_t tag, const Ban& ban) {
    if (ban.state != BanState::banned) return BanTable::Visit::keep;
    // The youngest of this tag.
    const auto found = std::ranges::lower_bound(lifts, Lift{tag, 0});
    if (found == lifts.end() || found->tag != tag) return BanTable::Visit::keep;
    const std::uint64_t left = ban.end - now / 1000;
    const bool later = left <= duration && duration - left < found->age;
    return later ? BanTable::Visit::keep : BanTable::Visit::lift;
  });
}

void BanExchange::tell(std::uint64_t hash, const Ban& ban, std::uint64_t now) noexcept {
  if (!store_.queue.available()) return;
  const std::uint64_t left = ban.end - std::min(ban.end, now / 1000);
  auto* telling = new (std::nothrow) Telling(*this, hash, ban.score, false, left);
  if (telling != nullptr) telling->send(list_);
}

bool BanExchange::tell_lifted(std::uint64_t tag) noexcept {
  if (!store_.queue.available()) return false;
  auto* telling = new (std::nothrow) Telling(*this, tag, 0, true, kLiftedLife);
  if (telling == nullptr) return false;
  telling->send(list_);
  return true;
}

}  // namespace guard::lockout
