// The attempts and locks of one policy in its shared memory: sets of eight entries under one lock a
// set (core/counter_lock.h). An entry is a key, its lock, and what is known of its attempts:
// lockout_places.h, or lockout_sketch.h where more distinct values count than are kept one by one.
//
// An entry takes entry_size() bytes. Which entry a full set gives up: core/counter_zone.h; locked
// keys come last.
//
// Times are milliseconds of a clock that all processes share and that never steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/counter_cas.h"
#include "core/counter_lock.h"
#include "core/counter_zone.h"
#include "core/siphash.h"
#include "lockout/lockout_places.h"
#include "lockout/lockout_sketch.h"

namespace guard::lockout {

// The clock of locks, out of one that all processes share: never 0, which stands for no time.
constexpr std::uint64_t lock_time(std::uint64_t microseconds) {
  return microseconds / 1000 + 1;
}

// What an attempt is counted under.
struct LockKey {
  core::Hash128 hash;
  std::uint64_t network = 0;  // core::network_of
  std::uint64_t account = 0;  // hash of the account in the key, by which an operator finds it
  std::uint64_t value = 0;    // hash of the distinct value
};

// What became of a failure.
struct Failure {
  bool locks = false;         // it is the one that locked the key
  std::uint64_t length = 0;   // of that lock
  std::uint64_t repeats = 0;  // how many locks there have been in a row, this one included
};

struct Lock {
  core::Hash128 hash;
  std::uint64_t account = 0;
  std::uint64_t left = 0;  // milliseconds
  std::uint64_t repeats = 0;
};

class LockTable {
 public:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kShare = 2;
  static constexpr std::uint64_t kReportInterval = 60'000;

  static constexpr std::size_t entry_size(const LockRule& rule) {
    return sizeof(std::uint64_t) * kWords +
           (rule.sketched() ? LockSketch::kSize : LockPlaces::size(rule));
  }

  // Takes over what the memory holds if it was laid out for the same limit. Throws ConfigError if
  // there is no room for a single set.
  LockTable(std::span<std::byte> memory, const LockRule& rule);

  core::Attached attached() const { return zone_.attached(); }
  const LockRule& rule() const { return rule_; }
  std::uint64_t pressure(std::uint64_t now_us) const noexcept { return zone_.pressure(now_us); }
  std::uint64_t evictions() const noexcept { return core::load(zone_.stats().live_evictions); }

  // What reserve would answer. Reserves nothing.
  Decision peek(const LockKey& key, std::uint64_t now) noexcept;
  Decision reserve(const LockKey& key, std::uint64_t now) noexcept;
  // place: what reserve has answered; 0: the failure was not reserved for.
  Failure fail(const LockKey& key, std::uint64_t place, std::uint64_t now) noexcept;
  void give_back(const LockKey& key, std::uint64_t place) noexcept;
  // Nobody will ever know: the attempt counts till the window ends, but is no failure.
  void leave(const LockKey& key, std::uint64_t place) noexcept;
  // Forgets failures and lock; true if there was a lock.
  bool clear(const LockKey& key, std::uint64_t now) noexcept;
  // For this long nobody gets in, whatever was counted here.
  void lock(const LockKey& key, std::uint64_t left, std::uint64_t repeats,
            std::uint64_t now) noexcept;

  bool is_locked(const LockKey& key, std::uint64_t now) const noexcept;
  // Whether nobody has been told lately that this key is refused.
  bool first_report(const LockKey& key, std::uint64_t now) noexcept;

  // Adds the keys of `count` sets from the one numbered `first` on that are not forgotten yet, and
  // those of them that are locked.
  std::uint64_t sets() const noexcept { return zone_.sets(); }
  void tally(std::uint64_t first, std::uint64_t count, std::uint64_t now, std::uint64_t& live,
             std::uint64_t& locked) const noexcept;

  // All that is locked. each(const Lock&) answers whether to go on.
  template <class Each>
  void list(std::uint64_t now, Each&& each) const noexcept;
  // Lifts the locks for which wanted(const Lock&) is true, and calls lifted(const Lock&) for each.
  template <class Wanted, class Lifted>
  void unlock(std::uint64_t now, Wanted&& wanted, Lifted&& lifted) noexcept;

 private:
  static constexpr std::size_t kLine = 64;  // for the lock
  static constexpr std::size_t kWords = 8;

  // Words of an entry, before those of its attempts. Valid after every single store: a dying
  // process may stop between any two.
  struct Entry {
    std::uint64_t tag = 0;
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint64_t account = 0;
    std::uint64_t until = 0;    // locked; 0: never was
    std::uint64_t repeats = 0;  // locks in a row
    std::uint64_t forget = 0;   // when they are forgotten
    std::uint64_t told = 0;     // when a refusal was reported
  };
  static_assert(sizeof(Entry) == kWords * sizeof(std::uint64_t));

  static std::size_t set_size(const LockRule& rule) {
    std::size_t size = kLine + kWays * entry_size(rule);
    return (size + kLine - 1) / kLine * kLine;
  }

  Entry* entry_at(std::byte* set, std::size_t way) const noexcept {
    return reinterpret_cast<Entry*>(set + kLine + way * entry_size(rule_));
  }
  static std::uint64_t& lock_of(std::byte* set) noexcept {
    return *reinterpret_cast<std::uint64_t*>(set);
  }
  // What use makes of the attempts of an entry, LockPlaces or LockSketch.
  template <class Use>
  auto attempts_of(Entry& entry, Use&& use) const noexcept {
    void* memory = &entry + 1;
    return rule_.sketched() ? use(LockSketch(memory, rule_)) : use(LockPlaces(memory, rule_));
  }

  Entry* find(const LockKey& key) const noexcept;
  Entry* insert(const LockKey& key, std::uint64_t now) noexcept;
  Entry* find_or_insert(const LockKey& key, std::uint64_t now) noexcept;
  core::Standing standing_of(Entry& entry, std::uint64_t now) const noexcept;
  Decision decide(Entry* entry, const LockKey& key, std::uint64_t now) const noexcept;
  void tell(Entry* entry, std::uint64_t now, Decision& decision) const noexcept;
  Lock describe(const Entry& entry, std::uint64_t now) const noexcept;
  void lift(Entry& entry) const noexcept;
  // Calls each(entry, lock) for what is locked, with its set held, till it answers false.
  template <class Each>
  void each_locked(std::uint64_t now, Each&& each) const noexcept;

  core::CounterZone zone_;
  LockRule rule_;
};

template <class Each>
void LockTable::each_locked(std::uint64_t now, Each&& each) const noexcept {
  for (std::uint64_t i = 0; i < zone_.sets(); ++i) {
    std::byte* set = zone_.set_at(i);
    bool any = false;
    for (std::size_t way = 0; way < kWays; ++way)
      any |= core::load(entry_at(set, way)->until) > now;
    if (!any) continue;
    core::CounterLock lock(lock_of(set));
    if (!lock.held()) continue;
    for (std::size_t way = 0; way < kWays; ++way) {
      Entry& entry = *entry_at(set, way);
      if (entry.tag == 0 || entry.until <= now) continue;
      if (!each(entry, describe(entry, now))) return;
    }
  }
}

template <class Each>
void LockTable::list(std::uint64_t now, Each&& each) const noexcept {
  each_locked(now, [&](Entry&, const Lock& lock) { return each(lock); });
}

template <class Wanted, class Lifted>
void LockTable::unlock(std::uint64_t now, Wanted&& wanted, Lifted&& lifted) noexcept {
  each_locked(now, [&](Entry& entry, const Lock& lock) {
    if (!wanted(lock)) return true;
    lift(entry);
    lifted(lock);
    return true;
  });
}

}  // namespace guard::lockout
