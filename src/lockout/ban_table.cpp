#include "lockout/ban_table.h"

#include <algorithm>
#include <cmath>

namespace guard::lockout {

namespace {

// No counter, and so not among those that Redis knows as well.
constexpr auto kKind = static_cast<core::CounterKind>(16);

}  // namespace

BanTable::BanTable(std::span<std::byte> memory, const Rules& rules)
    : table_(core::CounterZone::attach(memory, kKind, core::CounterTable::kSetSize,
                                       {0, rules.half_life})),
      rules_(rules),
      score_(rules.half_life) {}

std::uint64_t BanTable::pack(const Ban& ban) noexcept {
  std::uint64_t score = std::min<std::uint64_t>(ban.score, kScoreMask);
  return kBan | (ban.state == BanState::spared ? kSpared : 0) |
         (ban.state == BanState::observed ? kObserved : 0) | score << kEndBits |
         std::min(ban.end, kEndMask);
}

Ban BanTable::unpack(std::uint64_t state, std::uint64_t now) noexcept {
  if ((state & kBan) == 0 || is_over(state, now)) return {};
  BanState kind = BanState::banned;
  if ((state & kObserved) != 0) kind = BanState::observed;
  if ((state & kSpared) != 0) kind = BanState::spared;
  return {kind, state & kEndMask, static_cast<std::uint32_t>(state >> kEndBits & kScoreMask)};
}

Ban BanTable::ban_of(std::uint64_t hash, std::uint64_t now) const noexcept {
  return unpack(table_.peek(hash), now);
}

double BanTable::score_of(std::uint64_t hash, std::uint64_t now) const noexcept {
  return score_.at(score_part(table_.peek(hash)), now);
}

std::uint64_t BanTable::worth(std::uint64_t state, std::uint64_t now) const noexcept {
  if ((state & kBan) == 0) return score_.rank(state, now);
  if (is_over(state, now)) return 0;
  return core::CounterTable::kKept | (state & kEndMask);
}

Ban BanTable::add(const core::CounterKey& key, double weight, std::uint64_t now,
                  BanState outcome) noexcept {
  Ban made;
  auto used = [&](std::uint64_t, std::uint64_t state) noexcept { return worth(state, now); };
  auto decide = [&](std::uint64_t state) noexcept {
    made = {};
    if (unpack(state, now).state != BanState::none) return state;
    const std::uint64_t changed = score_.add(score_part(state), now, weight);
    // Whole numbers are compared: how small parts of a score were rounded decides nothing.
    auto whole = static_cast<std::uint32_t>(std::llround(score_.at(changed, now)));
    if (whole < rules_.score) return changed;
    made = {outcome, now / 1000 + rules_.duration, whole};
    return pack(made);
  };
  if (table_.update(key, used, decide) != core::CounterTable::Update::changed) return {};
  return made;
}

bool BanTable::set_ban(const core::CounterKey& key, const Ban& ban, std::uint64_t now) noexcept {
  auto used = [&](std::uint64_t, std::uint64_t state) noexcept { return worth(state, now); };
  auto decide = [&](std::uint64_t state) noexcept {
    Ban there = unpack(state, now);
    return there.state == ban.state && there.end >= ban.end ? state : pack(ban);
  };
  return table_.update(key, used, decide) == core::CounterTable::Update::changed;
}

void BanTable::tally(std::uint64_t first, std::uint64_t count, std::uint64_t now,
                     std::uint64_t& live, std::uint64_t& banned) const noexcept {
  const std::uint64_t end = std::min(first + count, zone().sets());
  for (std::uint64_t set = first; set < end; ++set) {
    const auto* entries = reinterpret_cast<const core::Pair*>(zone().set_at(set));
    for (std::size_t way = 0; way < core::CounterTable::kWays; ++way) {
      const core::Pair entry = core::load(entries + way);
      if (entry.tag == 0 || worth(entry.value, now) == 0) continue;
      ++live;
      if (unpack(entry.value, now).state == BanState::banned) ++banned;
    }
  }
}

}  // namespace guard::lockout
