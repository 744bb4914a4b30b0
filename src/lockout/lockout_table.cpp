#include "lockout/lockout_table.h"

#include <algorithm>
#include <array>

namespace guard::lockout {

namespace {

using core::load;
using core::store;

// A place: when it was taken, how many attempts of it are under way, and what became of others.
constexpr std::uint64_t kFailed = 1;
constexpr std::uint64_t kLeft = 2;
constexpr int kPendingShift = 2;
constexpr std::uint64_t kPending = std::uint64_t{1} << kPendingShift;
constexpr std::uint64_t kMaxPending = 0x3fff;
constexpr int kTimeShift = 16;
constexpr std::uint64_t kMarks = kFailed | kLeft;

constexpr std::uint64_t time_of(std::uint64_t place) {
  return place >> kTimeShift;
}

constexpr std::uint64_t pending_of(std::uint64_t place) {
  return place >> kPendingShift & kMaxPending;
}

constexpr std::uint64_t at(std::uint64_t time, std::uint64_t place) {
  return time << kTimeShift | (place & ((std::uint64_t{1} << kTimeShift) - 1));
}

constexpr std::uint64_t one_less(std::uint64_t place) {
  return pending_of(place) == 0 ? place : place - kPending;
}

// Nothing is left of a place that has neither attempts nor marks.
constexpr std::uint64_t freed(std::uint64_t place) {
  return pending_of(place) == 0 && (place & kMarks) == 0 ? 0 : place;
}

}  // namespace

std::uint64_t LockRule::length(std::uint64_t n) const noexcept {
  std::uint64_t length = duration;
  for (std::uint64_t i = 1; i < n && length < longest && backoff > 1; ++i) {
    length = std::min(length * backoff, longest);
  }
  return length;
}

LockTable::LockTable(std::span<std::byte> memory, const LockRule& rule)
    : zone_(core::CounterZone::attach(memory, core::CounterKind::lockout, set_size(rule),
                                      {rule.limit, rule.distinct ? 1U : 0U})),
      rule_(rule) {}

bool LockTable::lives(std::uint64_t place, std::uint64_t now) const noexcept {
  return place != 0 && time_of(place) + rule_.window > now;
}

LockTable::Entry* LockTable::find(const LockKey& key) const noexcept {
  std::byte* set = zone_.set_of(key.hash.low);
  for (std::size_t way = 0; way < kWays; ++way) {
    Entry* entry = entry_at(set, way);
    if (entry->tag != 0 && entry->low == key.hash.low && entry->high == key.hash.high) {
      return entry;
    }
  }
  return nullptr;
}

core::Standing LockTable::standing_of(Entry& entry, std::uint64_t now) const noexcept {
  constexpr std::uint64_t kLocked = std::uint64_t{1} << 62;
  constexpr int kCountShift = 48;
  core::Standing standing;
  standing.network = core::network_of(entry.tag);
  if (entry.tag == 0) return standing;
  if (entry.until > now) {
    standing.used = kLocked | (entry.until - now);
  } else {
    std::uint64_t count = 0;
    std::uint64_t newest = 0;
    for (std::uint64_t place : places_of(entry)) {
      if (!lives(place, now)) continue;
      ++count;
      newest = std::max(newest, time_of(place));
    }
    if (count != 0) standing.used = count << kCountShift | newest;
    if (count == 0 && entry.forget > now) standing.used = 1;
  }
  standing.live = standing.used != 0;
  return standing;
}

// Without the locks of the sets: what changes meanwhile is counted as it was or as it will be.
void LockTable::tally(std::uint64_t first, std::uint64_t count, std::uint64_t now,
                      std::uint64_t& live, std::uint64_t& locked) const noexcept {
  const std::uint64_t end = std::min(first + count, zone_.sets());
  for (std::uint64_t i = first; i < end; ++i) {
    for (std::size_t way = 0; way < kWays; ++way) {
      const Entry& entry = *entry_at(zone_.set_at(i), way);
      if (load(entry.tag) == 0) continue;
      if (load(entry.until) > now) ++locked;
      bool lives_on = load(entry.until) > now || load(entry.forget) > now;
      for (std::size_t k = 0; k < rule_.limit && !lives_on; ++k) {
        lives_on = lives(load(*(entry.places + k)), now);
      }
      if (lives_on) ++live;
    }
  }
}

LockTable::Entry* LockTable::insert(const LockKey& key, std::uint64_t now) noexcept {
  std::byte* set = zone_.set_of(key.hash.low);
  std::array<core::Standing, kWays> standings;
  for (std::size_t way = 0; way < kWays; ++way)
    standings[way] = standing_of(*entry_at(set, way), now);
  core::CounterKey counted{key.hash.low, key.network};
  std::uint64_t tag = core::tag_of(counted);
  std::size_t victim = core::choose_victim(standings, core::network_of(tag), kShare);
  if (standings[victim].live) core::add(zone_.stats().live_evictions, 1);
  Entry* entry = entry_at(set, victim);
  // No tag before nothing of the old key is left.
  store(entry->tag, 0);
  for (std::uint64_t* word : {&entry->until, &entry->repeats, &entry->forget, &entry->told}) {
    store(*word, 0);
  }
  for (std::uint64_t& place : places_of(*entry)) store(place, 0);
  store(entry->low, key.hash.low);
  store(entry->high, key.hash.high);
  store(entry->account, key.account);
  store(entry->tag, tag);
  return entry;
}

LockTable::Entry* LockTable::find_or_insert(const LockKey& key, std::uint64_t now) noexcept {
  Entry* entry = find(key);
  return entry != nullptr ? entry : insert(key, now);
}

std::uint64_t* LockTable::place_of(Entry& entry, const LockKey& key,
                                   std::uint64_t place) const noexcept {
  std::span<std::uint64_t> places = places_of(entry);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i] == 0 || pending_of(places[i]) == 0) continue;
    bool same = rule_.distinct ? values_of(entry)[i] == key.value : time_of(places[i]) == place;
    if (same) return &places[i];
  }
  return nullptr;
}

std::uint64_t* LockTable::free_place(Entry& entry, std::uint64_t now) const noexcept {
  for (std::uint64_t& place : places_of(entry)) {
    if (!lives(place, now)) return &place;
  }
  return nullptr;
}

Decision LockTable::decide(Entry* entry, const LockKey& key, std::uint64_t now) const noexcept {
  Decision decision;
  if (entry == nullptr) return decision;
  if (entry->until > now) {
    decision.verdict = Verdict::locked;
    decision.retry = entry->until - now;
    return decision;
  }
  std::span<std::uint64_t> places = places_of(*entry);
  std::uint64_t count = 0;
  std::uint64_t oldest = now;
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::uint64_t place = places[i];
    if (!lives(place, now)) continue;
    if (rule_.distinct && values_of(*entry)[i] == key.value && pending_of(place) < kMaxPending) {
      return {};
    }
    ++count;
    oldest = std::min(oldest, time_of(place));
    decision.under_way = decision.under_way || (place & kMarks) == 0;
  }
  if (count < places.size()) return {};
  decision.verdict = Verdict::full;
  decision.retry = oldest + rule_.window - now;
  return decision;
}

void LockTable::tell(Entry* entry, std::uint64_t now, Decision& decision) const noexcept {
  if (decision.verdict == Verdict::admitted || entry == nullptr) return;
  std::uint64_t told = entry->told;
  decision.first_report = told == 0 || told + kReportInterval <= now;
  if (decision.first_report) store(entry->told, now);
}

Decision LockTable::peek(const LockKey& key, std::uint64_t now) noexcept {
  core::CounterLock lock(lock_of(zone_.set_of(key.hash.low)));
  if (!lock.held()) return {Verdict::unavailable};
  Entry* entry = find(key);
  Decision decision = decide(entry, key, now);
  tell(entry, now, decision);
  return decision;
}

Decision LockTable::reserve(const LockKey& key, std::uint64_t now) noexcept {
  core::CounterLock lock(lock_of(zone_.set_of(key.hash.low)));
  if (!lock.held()) {
    core::add(zone_.stats().unavailable, 1);
    return {Verdict::unavailable};
  }
  Entry* entry = find_or_insert(key, now);
  Decision decision = decide(entry, key, now);
  tell(entry, now, decision);
  if (decision.verdict != Verdict::admitted) return decision;
  decision.place = now;
  std::span<std::uint64_t> places = places_of(*entry);
  if (rule_.distinct) {
    std::span<std::uint64_t> values = values_of(*entry);
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (!lives(places[i], now) || values[i] != key.value) continue;
      // What failed keeps its time: to try again is no newer failure.
      store(places[i], places[i] + kPending);
      return decision;
    }
  }
  std::uint64_t* place = free_place(*entry, now);
  if (rule_.distinct) {
    // Without a value first, so that no place ever has that of another.
    store(*place, 0);
    store(values_of(*entry)[static_cast<std::size_t>(place - places.data())], key.value);
  }
  store(*place, at(now, kPending));
  return decision;
}

Failure LockTable::fail(const LockKey& key, std::uint64_t place, std::uint64_t now) noexcept {
  core::CounterLock lock(lock_of(zone_.set_of(key.hash.low)));
  if (!lock.held()) return {};
  Entry* entry = find_or_insert(key, now);
  std::span<std::uint64_t> places = places_of(*entry);
  std::uint64_t* own = place != 0 ? place_of(*entry, key, place) : nullptr;
  if (own != nullptr) {
    std::uint64_t time = rule_.distinct ? now : time_of(*own);
    store(*own, at(time, one_less(*own)) | kFailed);
  } else {
    for (std::size_t i = 0; i < places.size() && rule_.distinct; ++i) {
      if (lives(places[i], now) && values_of(*entry)[i] == key.value) own = &places[i];
    }
    if (own == nullptr) own = free_place(*entry, now);
    if (own == nullptr) {
      // All are taken; one of those that are under way counts from now on.
      own = &*std::find_if(places.begin(), places.end() - 1,
                           [](std::uint64_t other) { return (other & kFailed) == 0; });
    }
    bool same = lives(*own, now);
    if (rule_.distinct && !same) {
      store(*own, 0);
      store(values_of(*entry)[static_cast<std::size_t>(own - places.data())], key.value);
    }
    store(*own, same ? *own | kFailed : at(now, kFailed));
  }
  if (entry->until > now) return {};

  std::uint64_t failures = 0;
  for (std::uint64_t other : places) failures += lives(other, now) && (other & kFailed) != 0;
  if (failures < rule_.limit) return {};
  Failure failure;
  failure.locks = true;
  failure.repeats = entry->forget > now ? entry->repeats + 1 : 1;
  failure.length = rule_.length(failure.repeats);
  // The lock comes first: whoever dies here must not leave a key without.
  store(entry->until, now + failure.length);
  store(entry->repeats, failure.repeats);
  store(entry->forget, rule_.backoff > 1 ? entry->until + rule_.longest : 0);
  store(entry->told, 0);
  for (std::uint64_t& other : places) store(other, freed(other & ~kFailed));
  return failure;
}

void LockTable::give_back(const LockKey& key, std::uint64_t place) noexcept {
  core::CounterLock lock(lock_of(zone_.set_of(key.hash.low)));
  if (!lock.held()) return;
  Entry* entry = find(key);
  std::uint64_t* own = entry != nullptr ? place_of(*entry, key, place) : nullptr;
  if (own != nullptr) store(*own, freed(one_less(*own)));
}

void LockTable::leave(const LockKey& key, std::uint64_t place) noexcept {
  core::CounterLock lock(lock_of(zone_.set_of(key.hash.low)));
  if (!lock.held()) return;
  Entry* entry = find(key);
  std::uint64_t* own = entry != nullptr ? place_of(*entry, key, place) : nullptr;
  if (own != nullptr) store(*own, one_less(*own) | kLeft);
}

void LockTable::lift(Entry& entry) const noexcept {
  for (std::uint64_t& place : places_of(entry)) store(place, freed(place & ~kMarks));
  for (std::uint64_t* word : {&entry.repeats, &entry.forget, &entry.told, &entry.until}) {
    store(*word, 0);
  }
}

bool LockTable::clear(const LockKey& key, std::uint64_t now) noexcept {
  core::CounterLock lock(lock_of(zone_.set_of(key.hash.low)));
  if (!lock.held()) return false;
  Entry* entry = find(key);
  if (entry == nullptr) return false;
  bool locked = entry->until > now;
  lift(*entry);
  return locked;
}

void LockTable::lock(const LockKey& key, std::uint64_t left, std::uint64_t repeats,
                     std::uint64_t now) noexcept {
  core::CounterLock held(lock_of(zone_.set_of(key.hash.low)));
  if (!held.held()) return;
  Entry* entry = find_or_insert(key, now);
  if (entry->until <= now) store(entry->told, 0);
  store(entry->until, now + left);
  store(entry->repeats, repeats);
  store(entry->forget, rule_.backoff > 1 ? entry->until + rule_.longest : 0);
}

bool LockTable::is_locked(const LockKey& key, std::uint64_t now) const noexcept {
  core::CounterLock held(lock_of(zone_.set_of(key.hash.low)));
  if (!held.held()) return false;
  const Entry* entry = find(key);
  return entry != nullptr && entry->until > now;
}

bool LockTable::first_report(const LockKey& key, std::uint64_t now) noexcept {
  core::CounterLock held(lock_of(zone_.set_of(key.hash.low)));
  if (!held.held()) return false;
  Decision decision;
  decision.verdict = Verdict::locked;
  tell(find_or_insert(key, now), now, decision);
  return decision.first_report;
}

Lock LockTable::describe(const Entry& entry, std::uint64_t now) const noexcept {
  return {{entry.low, entry.high}, entry.account, entry.until - now, entry.repeats};
}

}  // namespace guard::lockout
