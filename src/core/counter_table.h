// The table of the small states: a fixed set-associative table of {tag, state} entries, each
// changed by one 16-byte compare-and-swap. No locks, so no process that dies or is stopped hinders
// another. 16 bytes an entry: at 40 bytes of zone per key it is four tenths full, and then fewer
// than one key in a thousand meets a full set (counter_test.cpp).
//
// What a state means is its algorithm's business; 0 is that of a key that was never seen, and bit
// 63 is the table's own. A full set asks a function of the algorithm how much of a quota is used.
//
// Never two entries for one key that both count, by this protocol. A new entry is put in place
// `fresh`, which means that nothing has been counted in it. It is counted in for the first time (by
// its creator or by whoever finds it) only after all other places of the set have been read again
// since it was seen there, and no other entry of the key was in them; whoever does see another
// removes a fresh one and starts again. So of two entries that were both fresh at one time, the
// charger of the later one has seen the earlier. Who ends up with another entry than the one he put
// in place removes that one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "core/counter_cas.h"
#include "core/counter_zone.h"

namespace guard::core {

class CounterTable {
 public:
  static constexpr std::size_t kWays = 16;
  static constexpr std::size_t kShare = 4;
  static constexpr std::size_t kSetSize = kWays * sizeof(Pair);
  // Lost races after which update() gives up. A race is lost only when another one wins it.
  static constexpr int kMaxTries = 1000;
  static constexpr int kWaits = 16;
  static constexpr std::uint64_t kKept = std::uint64_t{1} << 63;

  enum class Update : std::uint8_t { changed, unchanged, unavailable };

  explicit CounterTable(CounterZone zone) : zone_(zone) {}
  CounterTable(const CounterTable& other) : zone_(other.zone_) {}
  CounterTable& operator=(const CounterTable&) = delete;

  const CounterZone& zone() const { return zone_; }

  // The state of a key, 0 if there is none.
  std::uint64_t peek(std::uint64_t hash) const noexcept;

  // Offers the state of a key (0 if there is none) to decide, which answers the new state, or the
  // one it was offered to change nothing. decide is called again when somebody else changed the
  // state meanwhile. used(tag, state) says how much of the quota of some key is used: the entry
  // that answers least is given up first, at once if that is 0. It is asked only for a key that is
  // new. An answer with kKept in it: that one stays while there is any without, whatever networks
  // hold.
  template <class Used, class Decide>
  Update update(const CounterKey& key, Used&& used, Decide&& decide) noexcept;

  // Of `count` sets from the one numbered `first` on, the keys of which used() does not answer 0.
  template <class Used>
  std::uint64_t count_used(std::uint64_t first, std::uint64_t count, Used&& used) const noexcept;

  // How many entries there are for a key: 0 or 1 while nobody writes.
  std::size_t count_entries(std::uint64_t hash) const noexcept;

 private:
  static constexpr std::uint64_t kFresh = std::uint64_t{1} << 63;

  struct Place {
    Pair* entry = nullptr;
    Pair seen;
  };

  Pair* set_of(std::uint64_t hash) const noexcept {
    return reinterpret_cast<Pair*>(zone_.set_of(hash));
  }

  // The entry of a key that has been counted in, else a fresh one, else none.
  Place find(std::uint64_t hash) const noexcept;
  // Whether place, which was found fresh, is the key's only entry. If not, one of them is removed.
  bool settle(std::uint64_t hash, const Place& place) const noexcept;
  // Puts a fresh entry, that is going to have this state, in place; none if a race was lost.
  template <class Used>
  Place insert(const CounterKey& key, Used& used, std::uint64_t state) noexcept;
  Place replace(Pair* entry, const Pair& seen, bool live, std::uint64_t tag,
                std::uint64_t state) noexcept;

  // Does nothing if the entry has changed since, and so is not fresh any more.
  static void remove(const Place& fresh) noexcept {
    if (fresh.entry != nullptr) compare_and_swap(fresh.entry, fresh.seen, {});
  }

  CounterZone zone_;
  std::atomic<std::uint64_t> nonce_{0};
};

template <class Used>
CounterTable::Place CounterTable::insert(const CounterKey& key, Used& used,
                                         std::uint64_t state) noexcept {
  Pair* set = set_of(key.hash);
  std::size_t home = key_of_hash(key.hash) % kWays;
  std::array<Pair, kWays> seen;
  std::array<Standing, kWays> standings;
  for (std::size_t i = 0; i < kWays; ++i) {
    seen[i] = load(set + (home + i) % kWays);
    Standing& standing = standings[i];
    standing.network = network_of(seen[i].tag);
    if (seen[i].tag != 0) standing.used = used(seen[i].tag, seen[i].value & ~kFresh);
    standing.live = standing.used != 0;
    standing.kept = (standing.used & kKept) != 0;
  }
  std::uint64_t tag = tag_of(key);
  std::size_t victim = choose_victim(standings, network_of(tag), kShare);
  Pair* entry = set + (home + victim) % kWays;
  return replace(entry, seen[victim], standings[victim].live, tag, state);
}

template <class Used>
std::uint64_t CounterTable::count_used(std::uint64_t first, std::uint64_t count,
                                       Used&& used) const noexcept {
  std::uint64_t found = 0;
  const std::uint64_t end = first + count < zone_.sets() ? first + count : zone_.sets();
  for (std::uint64_t set = first; set < end; ++set) {
    const auto* entries = reinterpret_cast<const Pair*>(zone_.set_at(set));
    for (std::size_t way = 0; way < kWays; ++way) {
      const Pair entry = load(entries + way);
      if (entry.tag != 0 && used(entry.tag, entry.value & ~kFresh) != 0) ++found;
    }
  }
  return found;
}

template <class Used, class Decide>
CounterTable::Update CounterTable::update(const CounterKey& key, Used&& used,
                                          Decide&& decide) noexcept {
  Place mine;  // the entry that this call has put in place, fresh
  for (int tries = 0; tries < kMaxTries; ++tries) {
    // Two cores in step can go on as they are, one always winning and the other losing, until the
    // tries are used up. Waits of different lengths break the step.
    for (int wait = tries % kWaits; wait > 0; --wait) relax();
    Place place = find(key.hash);
    bool counted = place.entry != nullptr && (place.seen.value & kFresh) == 0;
    if (counted) remove(mine);
    std::uint64_t old_state = counted ? place.seen.value : 0;
    std::uint64_t new_state = decide(old_state);
    if (new_state == old_state) return Update::unchanged;
    if (!counted) {
      if (place.entry == nullptr) mine = place = insert(key, used, new_state);
      if (place.entry == nullptr || !settle(key.hash, place)) continue;
    }
    if (compare_and_swap(place.entry, place.seen, {place.seen.tag, new_state})) {
      return Update::changed;
    }
  }
  remove(mine);
  add(zone_.stats().unavailable, 1);
  return Update::unavailable;
}

}  // namespace guard::core
