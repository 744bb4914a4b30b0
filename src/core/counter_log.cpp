#include "core/counter_log.h"

#include <algorithm>
#include <array>

#include "core/counter_lock.h"

namespace guard::core {

CounterLog::Entry CounterLog::entry_at(std::uint64_t hash, std::size_t way) const noexcept {
  std::byte* at = zone_.set_of(hash) + kLine + way * entry_size(log_.count());
  auto* words = reinterpret_cast<std::uint64_t*>(at);
  return {words, {words + 1, log_.count()}};
}

CounterLog::Entry CounterLog::find(std::uint64_t hash) const noexcept {
  for (std::size_t way = 0; way < kWays; ++way) {
    Entry entry = entry_at(hash, way);
    if (same_key(load(*entry.tag), key_of_hash(hash))) return entry;
  }
  return {};
}

CounterLog::Entry CounterLog::insert(const CounterKey& key, std::uint64_t now) noexcept {
  std::array<Standing, kWays> standings;
  for (std::size_t way = 0; way < kWays; ++way) {
    Entry entry = entry_at(key.hash, way);
    Standing& standing = standings[way];
    std::uint64_t lives = 0;
    std::uint64_t newest = 0;
    for (std::uint64_t stamp : entry.stamps) {
      if (!log_.lives(stamp, now)) continue;
      ++lives;
      newest = std::max(newest, stamp);
    }
    standing.network = network_of(*entry.tag);
    standing.live = *entry.tag != 0 && lives != 0;
    standing.used = lives << 56 | (newest & ((std::uint64_t{1} << 56) - 1));
  }

  std::uint64_t tag = tag_of(key);
  std::size_t victim = choose_victim(standings, network_of(tag), kShare);
  if (standings[victim].live) add(zone_.stats().live_evictions, 1);
  Entry entry = entry_at(key.hash, victim);
  // No tag before no stamp of the old key is left: a log must not change hands half-way.
  store(*entry.tag, 0);
  for (std::uint64_t& stamp : entry.stamps) store(stamp, 0);
  store(*entry.tag, tag);
  return entry;
}

// Without the locks of the sets: what changes meanwhile is counted as it was or as it will be.
std::uint64_t CounterLog::count_used(std::uint64_t first, std::uint64_t count,
                                     std::uint64_t now) const noexcept {
  std::uint64_t found = 0;
  const std::uint64_t end = std::min(first + count, zone_.sets());
  for (std::uint64_t set = first; set < end; ++set) {
    for (std::size_t way = 0; way < kWays; ++way) {
      const std::byte* at = zone_.set_at(set) + kLine + way * entry_size(log_.count());
      const auto* words = reinterpret_cast<const std::uint64_t*>(at);
      if (load(words[0]) == 0) continue;
      bool used = false;
      for (std::size_t i = 1; i <= log_.count() && !used; ++i) {
        used = log_.lives(load(words[i]), now);
      }
      if (used) ++found;
    }
  }
  return found;
}

CounterLog::Decision CounterLog::peek(std::uint64_t hash, std::uint64_t now,
                                      std::uint64_t cost) noexcept {
  CounterLock lock(lock_of(hash));
  Decision decision;
  if (!lock.held()) {
    decision.available = false;
    return decision;
  }
  Entry entry = find(hash);
  std::array<std::uint64_t, SlidingLog::kMaxCount> nothing{};
  std::span<const std::uint64_t> stamps = nothing;
  if (entry.tag != nullptr) stamps = entry.stamps;
  static_cast<SlidingLog::Decision&>(decision) = log_.peek(stamps, now, cost);
  return decision;
}

CounterLog::Decision CounterLog::take(const CounterKey& key, std::uint64_t now,
                                      std::uint64_t cost) noexcept {
  if (cost == 0 || cost > log_.count()) return peek(key.hash, now, cost);
  CounterLock lock(lock_of(key.hash));
  Decision decision;
  if (!lock.held()) {
    add(zone_.stats().unavailable, 1);
    decision.available = false;
    return decision;
  }
  Entry entry = find(key.hash);
  if (entry.tag == nullptr) entry = insert(key, now);
  static_cast<SlidingLog::Decision&>(decision) = log_.take(entry.stamps, now, cost);
  return decision;
}

void CounterLog::adopt(const CounterKey& key, std::uint64_t now,
                       std::span<const std::uint64_t> stamps) noexcept {
  CounterLock lock(lock_of(key.hash));
  if (!lock.held()) return;
  Entry entry = find(key.hash);
  if (entry.tag == nullptr && stamps.empty()) return;
  if (entry.tag == nullptr) entry = insert(key, now);
  for (std::size_t i = 0; i < entry.stamps.size(); ++i) {
    store(entry.stamps[i], i < stamps.size() ? stamps[i] : 0);
  }
}

void CounterLog::give_back(std::uint64_t hash, std::uint64_t taken, std::uint64_t cost) noexcept {
  CounterLock lock(lock_of(hash));
  if (!lock.held()) return;
  Entry entry = find(hash);
  if (entry.tag != nullptr) log_.give_back(entry.stamps, taken, cost);
}

std::size_t CounterLog::count_entries(std::uint64_t hash) const noexcept {
  std::size_t count = 0;
  for (std::size_t way = 0; way < kWays; ++way) {
    count += same_key(load(*entry_at(hash, way).tag), key_of_hash(hash));
  }
  return count;
}

}  // namespace guard::core
