// Says a thing about a key once per window: a set-associative table of {24-bit tag, 40-bit time}
// words in shared memory, eight to a set.
//
// A full set forgets the key of which it was said longest ago, but none within its window or
// kPatience, whichever is shorter: till then nothing is said of a new key. So however many keys
// come, of each it is said at most once per window if that is not longer than kPatience, and else
// at most once per kPatience.
#pragma once

#include <cstdint>
#include <span>

#include "core/counter_cas.h"

namespace guard::core {

class CounterOnce {
 public:
  static constexpr std::size_t kWays = 8;
  static constexpr std::uint64_t kPatience = 60'000;  // milliseconds

  // words: a whole number of sets, at least one; zero at first
  explicit CounterOnce(std::span<std::uint64_t> words) : words_(words) {}

  // Whether nobody has asked for this key within the window before. Times in microseconds.
  bool first(std::uint64_t hash, std::uint64_t now, std::uint64_t window) noexcept {
    std::uint64_t tag = hash << kTimeBits;
    std::uint64_t now_ms = now / 1000 + 1;
    std::uint64_t window_ms = window / 1000;
    for (int tries = 0; tries < kMaxTries; ++tries) {
      Word word = choose(hash, tag);
      bool same = (word.seen & ~kTimeMask) == tag;
      std::uint64_t kept = same || window_ms < kPatience ? window_ms : kPatience;
      if (word.seen != 0 && now_ms < (word.seen & kTimeMask) + kept) return false;
      if (compare_and_swap(*word.at, word.seen, tag | (now_ms & kTimeMask))) return true;
    }
    return false;
  }

 private:
  static constexpr int kMaxTries = 8;  // each lost to somebody else
  static constexpr int kTimeBits = 40;
  static constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;

  struct Word {
    std::uint64_t* at = nullptr;
    std::uint64_t seen = 0;
  };

  // The word of the key if it has one, else the oldest of its set. Words only grow newer, so two
  // who ask for one key at one time choose the same.
  Word choose(std::uint64_t hash, std::uint64_t tag) const noexcept {
    auto wide = static_cast<unsigned __int128>(hash) * (words_.size() / kWays);
    std::uint64_t* set = words_.data() + static_cast<std::size_t>(wide >> 64) * kWays;
    Word oldest{set, load(*set)};
    for (std::uint64_t* at = set; at != set + kWays; ++at) {
      Word word{at, load(*at)};
      if (word.seen != 0 && (word.seen & ~kTimeMask) == tag) return word;
      if ((word.seen & kTimeMask) < (oldest.seen & kTimeMask)) oldest = word;
    }
    return oldest;
  }

  std::span<std::uint64_t> words_;
};

}  // namespace guard::core
