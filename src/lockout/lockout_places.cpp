#include "lockout/lockout_places.h"

#include <algorithm>

#include "core/counter_cas.h"

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

bool LockPlaces::lives(std::uint64_t place, std::uint64_t now) const noexcept {
  return place != 0 && time_of(place) + rule_.window > now;
}

bool LockPlaces::in_use(std::uint64_t now) const noexcept {
  return std::ranges::any_of(places_,
                             [&](std::uint64_t& place) { return lives(load(place), now); });
}

InUse LockPlaces::use(std::uint64_t now) const noexcept {
  InUse use;
  for (std::uint64_t place : places_) {
    if (!lives(place, now)) continue;
    ++use.count;
    use.newest = std::max(use.newest, time_of(place));
  }
  return use;
}

std::uint64_t* LockPlaces::place_of(std::uint64_t value, std::uint64_t place) const noexcept {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i] == 0 || pending_of(places_[i]) == 0) continue;
    bool same = rule_.distinct ? values_[i] == value : time_of(places_[i]) == place;
    if (same) return &places_[i];
  }
  return nullptr;
}

std::uint64_t* LockPlaces::place_of_value(std::uint64_t value, std::uint64_t now) const noexcept {
  for (std::size_t i = 0; i < places_.size() && rule_.distinct; ++i) {
    if (lives(places_[i], now) && values_[i] == value) return &places_[i];
  }
  return nullptr;
}

std::uint64_t* LockPlaces::free_place(std::uint64_t now) const noexcept {
  for (std::uint64_t& place : places_) {
    if (!lives(place, now)) return &place;
  }
  return nullptr;
}

void LockPlaces::take(std::uint64_t& place, std::uint64_t value, std::uint64_t content) noexcept {
  if (rule_.distinct) {
    // Without a value first, so that no place ever has that of another.
    store(place, 0);
    store(values_[static_cast<std::size_t>(&place - places_.data())], value);
  }
  store(place, content);
}

Decision LockPlaces::decide(std::uint64_t value, std::uint64_t now) const noexcept {
  Decision decision;
  std::uint64_t count = 0;
  std::uint64_t oldest = now;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    std::uint64_t place = places_[i];
    if (!lives(place, now)) continue;
    if (rule_.distinct && values_[i] == value && pending_of(place) < kMaxPending) return {};
    ++count;
    oldest = std::min(oldest, time_of(place));
    decision.under_way = decision.under_way || (place & kMarks) == 0;
  }
  if (count < places_.size()) return {};
  decision.verdict = Verdict::full;
  decision.retry = oldest + rule_.window - now;
  return decision;
}

std::uint64_t LockPlaces::reserve(std::uint64_t value, std::uint64_t now) noexcept {
  if (std::uint64_t* own = place_of_value(value, now)) {
    // What failed keeps its time: to try again is no newer failure.
    store(*own, *own + kPending);
  } else {
    take(*free_place(now), value, at(now, kPending));
  }
  return now;
}

bool LockPlaces::fail(std::uint64_t value, std::uint64_t place, std::uint64_t now) noexcept {
  if (std::uint64_t* own = place != 0 ? place_of(value, place) : nullptr) {
    std::uint64_t time = rule_.distinct ? now : time_of(*own);
    store(*own, at(time, one_less(*own)) | kFailed);
  } else {
    own = place_of_value(value, now);
    if (own == nullptr) own = free_place(now);
    if (own == nullptr) {
      // All are taken; one of those that are under way counts from now on.
      own = &*std::find_if(places_.begin(), places_.end() - 1,
                           [](std::uint64_t other) { return (other & kFailed) == 0; });
    }
    bool same = lives(*own, now);
    if (same) {
      store(*own, *own | kFailed);
    } else {
      take(*own, value, at(now, kFailed));
    }
  }
  std::uint64_t failures = 0;
  for (std::uint64_t other : places_) failures += lives(other, now) && (other & kFailed) != 0;
  return failures >= rule_.limit;
}

void LockPlaces::give_back(std::uint64_t value, std::uint64_t place) noexcept {
  std::uint64_t* own = place_of(value, place);
  if (own != nullptr) store(*own, freed(one_less(*own)));
}

void LockPlaces::leave(std::uint64_t value, std::uint64_t place) noexcept {
  std::uint64_t* own = place_of(value, place);
  if (own != nullptr) store(*own, one_less(*own) | kLeft);
}

void LockPlaces::forget_failures() noexcept {
  for (std::uint64_t& place : places_) store(place, freed(place & ~kFailed));
}

void LockPlaces::forget_outcomes() noexcept {
  for (std::uint64_t& place : places_) store(place, freed(place & ~kMarks));
}

void LockPlaces::clear() noexcept {
  for (std::uint64_t& place : places_) store(place, 0);
}

}  // namespace guard::lockout
