// HyperLogLog: how many different keys there were, from memory that does not grow with them
// (Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog: the analysis of a near-optimal cardinality
// estimation algorithm", 2007). A sketch is 2^bits registers; a key, by its 64-bit hash, chooses
// one and raises it. Sketches of several times or places become one by the larger of each register.
//
// The estimate is that of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
// (2017, arXiv:1702.01284), section 4: without bias tables, from none to 2^60 keys. Its standard
// error is 1.04 / sqrt(registers): 95 of 100 estimates are within two of it. Where there are fewer
// keys than registers it is smaller; as long as none share a register there is next to none.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace guard::core {

// counts: how many registers have rank 0, 1, ... up to the highest there is.
double estimate_keys(std::span<const std::uint32_t> counts) noexcept;

template <unsigned bits>
struct HyperLogLog {
  static constexpr std::size_t kRegisters = std::size_t{1} << bits;
  static constexpr std::uint8_t kMaxRank = 64 - bits + 1;

  using Registers = std::array<std::uint8_t, kRegisters>;  // 0 to kMaxRank
  using Counts = std::array<std::uint32_t, kMaxRank + 1>;  // of registers, by their rank

  struct Place {
    std::size_t index;
    std::uint8_t rank;
  };

  // hash: of a key, by a function that spreads all its bits.
  static constexpr Place place_of(std::uint64_t hash) noexcept {
    // The end stop makes the rank of what is all zeros the highest.
    const std::uint64_t rest = hash >> bits | std::uint64_t{1} << (64 - bits);
    return {hash & (kRegisters - 1), static_cast<std::uint8_t>(std::countr_zero(rest) + 1)};
  }

  static std::uint64_t estimate(const Registers& registers) noexcept {
    Counts counts{};
    for (const std::uint8_t rank : registers) ++counts[rank < kMaxRank ? rank : kMaxRank];
    return static_cast<std::uint64_t>(std::llround(estimate_keys(counts)));
  }
};

}  // namespace guard::core
