// Numbers that look drawn: of each i another one, always the same.
#pragma once

#include <cstdint>

namespace guard::unit {

// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014; each number once.
constexpr std::uint64_t hash_of(std::uint64_t i) {
  i = (i + 1) * 0x9e3779b97f4a7c15;
  i = (i ^ i >> 30) * 0xbf58476d1ce4e5b9;
  i = (i ^ i >> 27) * 0x94d049bb133111eb;
  return i ^ i >> 31;
}

}  // namespace guard::unit
