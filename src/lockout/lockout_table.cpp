#include "lockout/lockout_table.h"

#include <algorithm>
#include <array>

namespace guard::lockout {

namespace {

using core::load;
using core::store;

}  // namespace

LockTable::LockTable(std::span<std::byte> memory, const LockRule& rule)
    : zone_(core::CounterZone::attach(memory, core::CounterKind::lockout, set_size(rule),
                                      {rule.limit, rule.sketched() ? 2U
                                                   : rule.distinct ? 1U
                                                                   : 0U})),
      rule_(rule) {}

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
  constexpr std::uint64_t kMaxCount = (kLocked >> kCountShift) - 1;
  core::Standing standing;
  standing.network = core::network_of(entry.tag);
  if (entry.tag == 0) return standing;
  if (entry.until > now) {
    standing.used = kLocked | (entry.until - now);
  } else {
    const InUse use = attempts_of(entry, [&](auto attempts) { return attempts.use(now); });
    if (use.count != 0) standing.used = std::min(use.count, kMaxCount) << kCountShift | use.newest;
    if (use.count == 0 && entry.forget > now) standing.used = 1;
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
      Entry& entry = *entry_at(zone_.set_at(i), way);
      if (load(entry.tag) == 0) continue;
      if (load(entry.until) > now) ++locked;
      const bool lives_on = load(entry.until) > now || load(entry.forget) > now ||
                            attempts_of(entry, [&](auto attempts) { return attempts.in_use(now); });
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
  attempts_of(*entry, [](auto attempts) { attempts.clear(); });
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

Decision LockTable::decide(Entry* entry, const LockKey& key, std::uint64_t now) const noexcept {
  Decision decision;
  if (entry == nullptr) return decision;
  if (entry->until > now) {
    decision.verdict = Verdict::locked;
    decision.retry = entry->until - now;
    return decision;
  }
  return attempts_of(*entry, [&](auto attempts) { return attempts.decide(key.value, now); });
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
  decision.place =
      attempts_of(*entry, [&](auto attempts) { return attempts.reserve(key.value, now); });
  return decision;
}

Failure LockTable::fail(const LockKey& key, std::uint64_t place, std::uint64_t now) noexcept {
  core::CounterLock lock(lock_of(zone_.set_of(key.hash.low)));
  if (!lock.held()) return {};
  Entry* entry = find_or_insert(key, now);
  const bool reached =
      attempts_of(*entry, [&](auto attempts) { return attempts.fail(key.value, place, now); });
  if (entry->until > now || !reached) return {};
  Failure failure;
  failure.locks = true;
  failure.repeats = entry->forget > now ? entry->repeats + 1 : 1;
  failure.length = rule_.length(failure.repeats);
  // The lock comes first: whoever dies here must not leave a key without.
  store(entry->until, now + failure.length);
  store(entry->repeats, failure.repeats);
  store(entry->forget, rule_.backoff > 1 ? entry->until + rule_.longest : 0);
  store(entry->told, 0);
  attempts_of(*entry, [](auto attempts) { attempts.forget_failures(); });
  return failure;
}

void LockTable::give_back(const LockKey& key, std::uint64_t place) noexcept {
  core::CounterLock lock(lock_of(zone_.set_of(key.hash.low)));
  if (!lock.held()) return;
  Entry* entry = find(key);
  if (entry == nullptr) return;
  attempts_of(*entry, [&](auto attempts) { attempts.give_back(key.value, place); });
}

void LockTable::leave(const LockKey& key, std::uint64_t place) noexcept {
  core::CounterLock lock(lock_of(zone_.set_of(key.hash.low)));
  if (!lock.held()) return;
  Entry* entry = find(key);
  if (entry == nullptr) return;
  attempts_of(*entry, [&](auto attempts) { attempts.leave(key.value, place); });
}

void LockTable::lift(Entry& entry) const noexcept {
  attempts_of(entry, [](auto attempts) { attempts.forget_outcomes(); });
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
