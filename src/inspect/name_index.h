// Where names stand that a request has made, by their hash: numbers in an open table that grows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace guard::inspect {

class NameIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  // Forgets all; keeps no more than little memory.
  void clear() {
    places_.resize(kLeast);
    places_.shrink_to_fit();
    std::fill(places_.begin(), places_.end(), Place{});
    count_ = 0;
  }

  // The number that was added with the hash and of which equals(number) is true; kNone: there is
  // none.
  template <class Equals>
  std::uint32_t find(std::uint64_t hash, Equals equals) const {
    for (std::size_t i = hash % places_.size();; i = (i + 1) % places_.size()) {
      const Place& place = places_[i];
      if (place.number == kNone) return kNone;
      if (place.hash == hash && equals(place.number)) return place.number;
    }
  }

  // A number that find() has not found.
  void add(std::uint64_t hash, std::uint32_t number) {
    if (2 * (count_ + 1) > places_.size()) grow();
    put({hash, number});
    ++count_;
  }

 private:
  static constexpr std::size_t kLeast = 64;

  struct Place {
    std::uint64_t hash = 0;
    std::uint32_t number = kNone;
  };

  void put(const Place& one) {
    std::size_t i = one.hash % places_.size();
    while (places_[i].number != kNone) i = (i + 1) % places_.size();
    places_[i] = one;
  }

  void grow() {
    std::vector<Place> old(2 * places_.size());
    old.swap(places_);
    for (const Place& one : old) {
      if (one.number != kNone) put(one);
    }
  }

  std::vector<Place> places_ = std::vector<Place>(kLeast);
  std::size_t count_ = 0;
};

}  // namespace guard::inspect
