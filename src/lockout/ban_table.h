// The scores and bans of a policy in its shared memory.
//
// An entry of core/counter_table.h is 62 bits of a score (lockout/ban_score.h), or a ban: until
// when it lasts, and by what score. A full set gives up the lowest score; never a ban that is in
// force, unless there is nothing else in the set, and then the one that ends first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/counter_table.h"
#include "lockout/ban_score.h"

namespace guard::lockout {

// spared: somebody who is never banned has the score of one who would be. Nobody is refused by it;
// it is there so that it is said once. observed: nor by this one.
enum class BanState : std::uint8_t { none, banned, spared, observed };

struct Ban {
  BanState state = BanState::none;
  std::uint64_t end = 0;    // milliseconds, of the clock of `now`
  std::uint32_t score = 0;  // by which it came
};

class BanTable {
 public:
  struct Rules {
    std::uint64_t half_life = 0;  // microseconds
    std::uint64_t duration = 0;   // milliseconds
    std::uint32_t score = 0;
  };

  // Memory that holds anything else than this table is cleared. Throws ConfigError if there is too
  // little of it.
  BanTable(std::span<std::byte> memory, const Rules& rules);

  const core::CounterZone& zone() const { return table_.zone(); }

  // All times `now` in microseconds of a clock that all processes share and that never steps.
  Ban ban_of(std::uint64_t hash, std::uint64_t now) const noexcept;
  double score_of(std::uint64_t hash, std::uint64_t now) const noexcept;

  // Adds to the score of a key. Answers the ban that this has brought about: its state is `outcome`
  // then, to one caller for each ban, and else none.
  Ban add(const core::CounterKey& key, double weight, std::uint64_t now, BanState outcome) noexcept;
  // A ban comes from elsewhere. False: there is one that does not end sooner.
  bool set_ban(const core::CounterKey& key, const Ban& ban, std::uint64_t now) noexcept;

  // See CounterZone::pressure.
  std::uint64_t pressure(std::uint64_t now) const noexcept { return zone().pressure(now); }

  // Adds the keys of `count` sets from the one numbered `first` on whose score or ban still means
  // something, and the bans that refuse.
  void tally(std::uint64_t first, std::uint64_t count, std::uint64_t now, std::uint64_t& live,
             std::uint64_t& banned) const noexcept;

  enum class Visit : std::uint8_t { keep, lift };
  // Calls each(tag, ban) for the bans in force, observed ones included; it answers whether the ban
  // is to be lifted. tag: 48 bits of the key's hash, see key_of_hash().
  template <class Each>
  void each_ban(std::uint64_t now, Each&& each) noexcept;

 private:
  static constexpr std::uint64_t kBan = std::uint64_t{1} << 62;
  static constexpr std::uint64_t kSpared = std::uint64_t{1} << 61;
  static constexpr std::uint64_t kObserved = std::uint64_t{1} << 60;
  static constexpr int kEndBits = 40;  // of milliseconds: 34 years of uptime
  static constexpr std::uint64_t kEndMask = (std::uint64_t{1} << kEndBits) - 1;
  static constexpr std::uint64_t kScoreMask = (std::uint64_t{1} << 20) - 1;

  static std::uint64_t pack(const Ban& ban) noexcept;
  static Ban unpack(std::uint64_t state, std::uint64_t now) noexcept;
  static bool is_over(std::uint64_t state, std::uint64_t now) noexcept {
    return (state & kBan) != 0 && (state & kEndMask) <= now / 1000;
  }
  // A ban in force is not one of them.
  static std::uint64_t score_part(std::uint64_t state) noexcept {
    return (state & kBan) != 0 ? 0 : state;
  }

  std::uint64_t worth(std::uint64_t state, std::uint64_t now) const noexcept;

  core::CounterTable table_;
  Rules rules_;
  DecayingScore score_;
};

template <class Each>
void BanTable::each_ban(std::uint64_t now, Each&& each) noexcept {
  const core::CounterZone& zone = this->zone();
  for (std::uint64_t set = 0; set < zone.sets(); ++set) {
    auto* entries = reinterpret_cast<core::Pair*>(zone.set_at(set));
    for (std::size_t way = 0; way < core::CounterTable::kWays; ++way) {
      core::Pair entry = core::load(entries + way);
      if (entry.tag == 0) continue;
      Ban ban = unpack(entry.value, now);
      if (ban.state != BanState::banned && ban.state != BanState::observed) continue;
      if (each(entry.tag & core::kKeyBits, ban) != Visit::lift) continue;
      // If it has changed meanwhile, it was over, and somebody has begun to count anew.
      core::compare_and_swap(entries + way, entry, {entry.tag, kBan});
    }
  }
}

}  // namespace guard::lockout
