// Says a thing about a key once per window: a direct-mapped table of {24-bit tag, 40-bit time}
// words in shared memory. Two keys that share a word make each other be said again: what is lost is
// only brevity.
#pragma once

#include <cstdint>
#include <span>

#include "core/counter_cas.h"

namespace guard::core {

class CounterOnce {
 public:
  // words: at least one, zero at first
  explicit CounterOnce(std::span<std::uint64_t> words) : words_(words) {}

  // Whether nobody has asked for this key within the window before. Times in microseconds.
  bool first(std::uint64_t hash, std::uint64_t now, std::uint64_t window) noexcept {
    auto wide = static_cast<unsigned __int128>(hash) * words_.size();
    std::uint64_t& word = words_[static_cast<std::size_t>(wide >> 64)];
    std::uint64_t tag = hash << kTimeBits;
    std::uint64_t now_ms = now / 1000 + 1;
    std::uint64_t seen = load(word);
    bool same = (seen & ~kTimeMask) == tag && seen != 0;
    if (same && now_ms < (seen & kTimeMask) + window / 1000) return false;
    if (compare_and_swap(word, seen, tag | (now_ms & kTimeMask))) return true;
    return (load(word) & ~kTimeMask) != tag;
  }

 private:
  static constexpr int kTimeBits = 40;
  static constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;

  std::span<std::uint64_t> words_;
};

}  // namespace guard::core
