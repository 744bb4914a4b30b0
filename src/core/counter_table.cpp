#include "core/counter_table.h"

namespace guard::core {

namespace {

// The low bits of a fresh entry's state, which is worth a little more or less by them until it is
// counted in. They make sure that an entry which was removed and put back is not taken for the one
// it was.
constexpr std::uint64_t kNonceBits = 0x3ff;

}  // namespace

CounterTable::Place CounterTable::find(std::uint64_t hash) const noexcept {
  Pair* set = set_of(hash);
  std::uint64_t key = key_of_hash(hash);
  std::size_t home = key % kWays;
  Place fresh;
  for (std::size_t i = 0; i < kWays; ++i) {
    Pair* entry = set + (home + i) % kWays;
    if (!same_key(load(entry->tag), key)) continue;
    Place place{entry, load(entry)};
    if (!same_key(place.seen.tag, key)) continue;
    if ((place.seen.value & kFresh) == 0) return place;
    fresh = place;
  }
  return fresh;
}

bool CounterTable::settle(std::uint64_t hash, const Place& place) const noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Pair* set = set_of(hash);
  std::uint64_t key = key_of_hash(hash);
  for (Pair* entry = set; entry != set + kWays; ++entry) {
    if (entry == place.entry || !same_key(load(entry->tag), key)) continue;
    Pair seen = load(entry);
    if (!same_key(seen.tag, key)) continue;
    bool other_is_later = (seen.value & kFresh) != 0 && entry > place.entry;
    remove(other_is_later ? Place{entry, seen} : place);
    return false;
  }
  return true;
}

CounterTable::Place CounterTable::replace(Pair* entry, const Pair& seen, bool live,
                                          std::uint64_t tag, std::uint64_t state) noexcept {
  std::uint64_t nonce = nonce_.fetch_add(1, std::memory_order_relaxed);
  Pair fresh{tag, kFresh | (state & ~kNonceBits) | (nonce & kNonceBits)};
  if (!compare_and_swap(entry, seen, fresh)) return {};
  if (live) add(zone_.stats().live_evictions, 1);
  return {entry, fresh};
}

std::uint64_t CounterTable::peek(std::uint64_t hash) const noexcept {
  Place place = find(hash);
  bool counted = place.entry != nullptr && (place.seen.value & kFresh) == 0;
  return counted ? place.seen.value : 0;
}

std::size_t CounterTable::count_entries(std::uint64_t hash) const noexcept {
  const Pair* set = set_of(hash);
  std::size_t count = 0;
  for (std::size_t way = 0; way < kWays; ++way) {
    count += same_key(load(set[way].tag), key_of_hash(hash));
  }
  return count;
}

}  // namespace guard::core
