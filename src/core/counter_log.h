// The table of the exact logs (core/sliding_log.h): sets of eight entries, each a tag and its
// timestamps, under one lock a set. An entry is 8 + 8 * count bytes.
//
// When a set's lock cannot be had (its owner is stopped, see counter_lock.h), the request is let
// through uncounted and stats().unavailable grows: what only counts fails open.
#pragma once

#include <cstdint>
#include <span>

#include "core/counter_zone.h"
#include "core/sliding_log.h"

namespace guard::core {

class CounterLog {
 public:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kShare = 2;

  struct Decision : SlidingLog::Decision {
    bool available = true;
  };

  static constexpr std::size_t entry_size(std::size_t count) { return 8 + 8 * count; }
  // The whole set: a line for the lock, then the entries, in whole cache lines.
  static constexpr std::size_t set_size(std::size_t count) {
    return (kLine + kWays * entry_size(count) + kLine - 1) / kLine * kLine;
  }

  // zone's sets must have set_size(log.count()).
  CounterLog(CounterZone zone, SlidingLog log) : zone_(zone), log_(log) {}

  const CounterZone& zone() const { return zone_; }

  // now: microseconds, > 0
  Decision peek(std::uint64_t hash, std::uint64_t now, std::uint64_t cost) noexcept;
  // The log becomes that of these stamps, at most log.count() of them.
  void adopt(const CounterKey& key, std::uint64_t now,
             std::span<const std::uint64_t> stamps) noexcept;
  Decision take(const CounterKey& key, std::uint64_t now, std::uint64_t cost) noexcept;
  void give_back(std::uint64_t hash, std::uint64_t taken, std::uint64_t cost) noexcept;

  std::uint64_t& lock_of(std::uint64_t hash) const noexcept {
    return *reinterpret_cast<std::uint64_t*>(zone_.set_of(hash));
  }
  std::size_t count_entries(std::uint64_t hash) const noexcept;
  // Of `count` sets from the one numbered `first` on, the keys whose log is not empty.
  std::uint64_t count_used(std::uint64_t first, std::uint64_t count,
                           std::uint64_t now) const noexcept;

 private:
  static constexpr std::size_t kLine = 64;

  struct Entry {
    std::uint64_t* tag = nullptr;
    std::span<std::uint64_t> stamps;
  };

  Entry entry_at(std::uint64_t hash, std::size_t way) const noexcept;
  Entry find(std::uint64_t hash) const noexcept;
  Entry insert(const CounterKey& key, std::uint64_t now) noexcept;

  CounterZone zone_;
  SlidingLog log_;
};

}  // namespace guard::core
