// What has been counted here and not been told to Redis yet: a set-associative table of
// {key, window, delta} in shared memory, each changed by one 16-byte compare-and-swap. Any process
// adds, one takes. No locks, so no process that dies or is stopped hinders another; one that dies
// between changing an entry and marking its set leaves a delta that goes with the next one of that
// set.
//
// Here a key is known by 64 bits of its hash, as everywhere in shared memory. Redis knows it by
// 128, and the other 64 stand beside the entry, which makes 32 bytes of it. They are put there
// after the key, so they say to which key they belong: who finds those of another one waits until
// whoever has put the key in place, or comes for it next, has completed it. And they say how often
// they have been changed: who was stopped before he completed an entry that has had other keys
// since does no harm to it.
//
// An entry whose delta was taken makes room for another key. A full set gives up deltas that are
// worth nothing any more; where there are none, what comes is not kept, and stats().dropped grows.
//
// In front of the table is what all who share it must know besides: who takes (core/lease.h), the
// clock of that Redis, and what each process is just counting (core/in_flight.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/counter_cas.h"
#include "core/counter_zone.h"
#include "core/in_flight.h"
#include "core/siphash.h"

namespace guard::core {

struct DeltaStats {
  std::uint64_t dropped = 0;   // changes that found no room, see above
  std::uint64_t reported = 0;  // of them, as of the last report
};

struct alignas(64) DeltaHeader {
  std::uint64_t magic;
  std::uint64_t bytes;  // of the whole memory
  std::uint64_t sets;
  // By how much Redis's clock is ahead of our own, in microseconds; wraps. Good if clock_known.
  std::uint64_t ahead;
  std::uint64_t clock_known;
  std::uint64_t away;       // whether that Redis is, as whoever takes has found
  std::uint64_t processes;  // slots of InFlight that were ever used
  alignas(64) std::uint64_t lease;
  alignas(64) DeltaStats stats;
};

struct Change {
  Hash128 hash;
  std::uint64_t window = 0;
  std::int64_t delta = 0;

  friend bool operator==(const Change&, const Change&) = default;
};

class DeltaTable {
 public:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kSetSize = 2 * kWays * sizeof(Pair);
  static constexpr std::uint64_t kMaxWindow = (std::uint64_t{1} << 24) - 1;
  static constexpr std::int64_t kMaxDelta = (std::int64_t{1} << 39) - 1;
  static constexpr int kMaxTries = 1000;

  // Memory that holds anything else than this table is cleared. Throws ConfigError if the memory
  // has no room for a single set.
  static DeltaTable attach(std::span<std::byte> memory);

  Attached attached() const { return attached_; }
  DeltaHeader& header() const { return *header_; }
  DeltaStats& stats() const { return header_->stats; }
  std::size_t capacity() const { return header_->sets * kWays; }
  // See InFlight.
  void enter(pid_t process) noexcept { in_flight_.enter(process); }

  // window: at most kMaxWindow, 0 for what has none; amount: not beyond kMaxDelta. worthless(hash,
  // window) says whether what is kept of some key may be given up, of whose hash it gets the lower
  // half; asked only if there is no other room. False: there was none at all.
  template <class Worthless>
  bool add(const Hash128& hash, std::uint64_t window, std::int64_t amount,
           Worthless&& worthless) noexcept;
  // What add() has summed up since the last take(), which leaves nothing. hash: its lower half.
  // look(): called, the last time, at a moment when no more than that had been summed up, also
  // where two processes have met a key at the same time and it has two entries.
  template <class Look>
  std::int64_t take(std::uint64_t hash, std::uint64_t window, Look&& look) noexcept;
  std::int64_t take(std::uint64_t hash, std::uint64_t window) noexcept {
    return take(hash, window, []() noexcept {});
  }
  std::int64_t pending(std::uint64_t hash, std::uint64_t window) const noexcept;
  // Around both what add() notes of a key and what is done to its state: first the one, then the
  // other, if the amount is positive; the other way round if it is negative.
  void begin(std::uint64_t hash, std::uint64_t window, std::int64_t amount) noexcept;
  void end() noexcept { in_flight_.end(); }
  // Of pending(), at least what is in the state: less what others have begun and not ended.
  std::int64_t settled(std::uint64_t hash, std::uint64_t window) const noexcept;
  bool any() const noexcept;
  // As if every key had changed: a process that died in a sweep has taken marks with it.
  void mark_all() noexcept;

  // Finds all keys that have changed. A key that changes meanwhile may or may not be among them,
  // but then is found by the next sweep; whoever ends one early must call stop().
  class Sweep {
   public:
    Sweep() = default;
    explicit Sweep(const DeltaTable& table) : table_(&table) {}
    // Nothing of it is taken yet. A change may come twice, when two processes have met its key
    // first at the same time.
    std::optional<Change> next() noexcept;
    void stop() noexcept;

   private:
    const DeltaTable* table_ = nullptr;
    std::size_t word_ = 0;     // of marks, the next one
    std::uint64_t marks_ = 0;  // still to do, of the one before
    std::size_t set_ = 0;
    std::size_t way_ = kWays;
  };
  Sweep sweep() const { return Sweep(*this); }

 private:
  static constexpr int kDeltaBits = 40;
  static constexpr std::size_t kMarks = 64;  // of a word

  struct Place {
    Pair* entry = nullptr;
    Pair seen;
    bool same = false;
  };

  static std::uint64_t key_of(std::uint64_t hash) { return hash == 0 ? 1 : hash; }
  static std::uint64_t pack(std::uint64_t window, std::int64_t delta) {
    return window << kDeltaBits |
           (static_cast<std::uint64_t>(delta) & ((std::uint64_t{1} << kDeltaBits) - 1));
  }
  static std::uint64_t window_of(const Pair& entry) { return entry.value >> kDeltaBits; }
  static std::int64_t delta_of(const Pair& entry) {
    return static_cast<std::int64_t>(entry.value << (64 - kDeltaBits)) >> (64 - kDeltaBits);
  }
  static bool is_of(const Pair& entry, std::uint64_t key, std::uint64_t window) {
    return entry.tag == key && window_of(entry) == window;
  }

  std::size_t set_of(std::uint64_t hash) const {
    auto wide = static_cast<unsigned __int128>(hash) * header_->sets;
    return static_cast<std::size_t>(wide >> 64);
  }
  // A set is its entries, and the other halves of their hashes behind them: {48 bits of the lower
  // half, with a version above them; upper half}.
  Pair* entries(std::size_t set) const { return sets_ + set * 2 * kWays; }
  static Pair* rest_of(Pair* entry) { return entry + kWays; }
  static void complete(Pair* entry, std::uint64_t key, std::uint64_t high, bool anew) noexcept;
  void mark(std::size_t set) const noexcept;

  template <class Worthless>
  Place place_for(std::size_t set, std::uint64_t key, std::uint64_t window,
                  Worthless& worthless) const noexcept;

  DeltaHeader* header_ = nullptr;
  InFlight in_flight_;
  std::span<std::uint64_t> marks_;  // a bit for each set in which something has changed
  Pair* sets_ = nullptr;
  Attached attached_ = Attached::created;
};

template <class Worthless>
DeltaTable::Place DeltaTable::place_for(std::size_t set, std::uint64_t key, std::uint64_t window,
                                        Worthless& worthless) const noexcept {
  std::array<Pair, kWays> seen;
  Pair* first = entries(set);
  std::size_t room = kWays;
  for (std::size_t i = 0; i < kWays; ++i) {
    seen[i] = load(first + i);
    if (is_of(seen[i], key, window)) return {first + i, seen[i], true};
    if (room == kWays && delta_of(seen[i]) == 0) room = i;
  }
  for (std::size_t i = 0; room == kWays && i < kWays; ++i) {
    if (worthless(seen[i].tag, window_of(seen[i]))) room = i;
  }
  if (room == kWays) return {};
  return {first + room, seen[room], false};
}

template <class Worthless>
bool DeltaTable::add(const Hash128& hash, std::uint64_t window, std::int64_t amount,
                     Worthless&& worthless) noexcept {
  std::uint64_t key = key_of(hash.low);
  std::size_t set = set_of(key);
  for (int tries = 0; tries < kMaxTries; ++tries) {
    for (int wait = tries % 16; wait > 0; --wait) relax();
    Place place = place_for(set, key, window, worthless);
    if (place.entry == nullptr) break;
    std::int64_t delta = amount + (place.same ? delta_of(place.seen) : 0);
    if (delta > kMaxDelta) delta = kMaxDelta;
    if (delta < -kMaxDelta) delta = -kMaxDelta;
    if (!compare_and_swap(place.entry, place.seen, {key, pack(window, delta)})) continue;
    complete(place.entry, key, hash.high, !place.same);
    mark(set);
    return true;
  }
  core::add(stats().dropped, 1);
  return false;
}

template <class Look>
std::int64_t DeltaTable::take(std::uint64_t hash, std::uint64_t window, Look&& look) noexcept {
  std::uint64_t key = key_of(hash);
  Pair* first = entries(set_of(key));
  std::int64_t taken = 0;
  bool looked = false;  // while nothing had been taken
  for (Pair* entry = first; entry != first + kWays; ++entry) {
    for (int tries = 0; tries < kMaxTries; ++tries) {
      Pair seen = load(entry);
      if (!is_of(seen, key, window) || delta_of(seen) == 0) break;
      if (!looked) look();
      if (!compare_and_swap(entry, seen, {key, pack(window, 0)})) continue;
      looked = true;
      taken += delta_of(seen);
      break;
    }
  }
  return taken;
}

}  // namespace guard::core
