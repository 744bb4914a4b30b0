// What an entry of LockTable knows of the attempts of its key: a place for each of `limit`. A place
// is taken before the attempt reaches the application (reserve), becomes a failure (fail) or is
// free again (give_back), and is free in any case when the window is over. So within any window at
// most `limit` attempts of a key fail or are with the application.
//
// Of a policy that counts distinct values a place belongs to a value, and all attempts with that
// value share it.
//
// A view of the entry's memory, which is valid after every single store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lockout/lockout_rule.h"

namespace guard::lockout {

struct InUse {
  std::uint64_t count = 0;
  std::uint64_t newest = 0;  // when it was taken
};

class LockPlaces {
 public:
  static constexpr std::size_t size(const LockRule& rule) {
    return sizeof(std::uint64_t) * rule.limit * (rule.distinct ? 2 : 1);
  }

  LockPlaces(void* memory, const LockRule& rule) noexcept
      : rule_(rule),
        places_(static_cast<std::uint64_t*>(memory), rule.limit),
        values_(places_.data() + rule.limit, rule.distinct ? rule.limit : 0) {}

  // Needs no lock.
  bool in_use(std::uint64_t now) const noexcept;
  InUse use(std::uint64_t now) const noexcept;

  // Whether there is room for one more attempt.
  Decision decide(std::uint64_t value, std::uint64_t now) const noexcept;
  // There is. Answers what the others call the place.
  std::uint64_t reserve(std::uint64_t value, std::uint64_t now) noexcept;
  // place 0: it was not reserved for. True if as many as `limit` have failed.
  bool fail(std::uint64_t value, std::uint64_t place, std::uint64_t now) noexcept;
  void give_back(std::uint64_t value, std::uint64_t place) noexcept;
  void leave(std::uint64_t value, std::uint64_t place) noexcept;

  // What is under way stays so.
  void forget_failures() noexcept;
  // And what was left.
  void forget_outcomes() noexcept;
  void clear() noexcept;

 private:
  bool lives(std::uint64_t place, std::uint64_t now) const noexcept;
  // The place of an attempt; null: it is gone.
  std::uint64_t* place_of(std::uint64_t value, std::uint64_t place) const noexcept;
  std::uint64_t* place_of_value(std::uint64_t value, std::uint64_t now) const noexcept;
  std::uint64_t* free_place(std::uint64_t now) const noexcept;
  void take(std::uint64_t& place, std::uint64_t value, std::uint64_t content) noexcept;

  const LockRule& rule_;
  std::span<std::uint64_t> places_;
  std::span<std::uint64_t> values_;
};

}  // namespace guard::lockout
