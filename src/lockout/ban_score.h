// A score that decays: the sum of the weights of what happened, each halved with every half-life
// since. As one number that stands still while the score decays, the time at which the score has
// decayed to 1:
//
//   L = t / half_life + log2(score at t)
//
// so that nothing has to be written, or swept, for the score to go down. (Forward decay: Cormode,
// Shkapenyuk, Srivastava and Xu, "Forward Decay: A Practical Time Decay Model for Streaming
// Systems", ICDE 2009, here in the logarithm, so that no landmark has to move.)
//
// L is a fixed-point number of half-lives with 32 bits behind the point, 62 bits in all; the part
// that is time is exact, the logarithm is rounded to 2^-33. So a score is right to 1 part in 10^9
// for each weight that was added. 62 bits last 30 years of uptime at the shortest half-life.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace guard::lockout {

class DecayingScore {
 public:
  static constexpr std::uint64_t kMinHalfLife = 1'000'000;  // microseconds
  static constexpr std::uint64_t kMaxHalfLife = 366 * 86'400'000'000ULL;
  static constexpr std::uint32_t kMax = 1'000'000;  // no score goes beyond
  static constexpr std::uint64_t kStateMask = (std::uint64_t{1} << 62) - 1;

  // half_life: microseconds, within the two bounds
  explicit constexpr DecayingScore(std::uint64_t half_life) : half_life_(half_life) {}

  // All times in microseconds of a clock that never steps. A state of 0 is a score of 0.
  double at(std::uint64_t state, std::uint64_t now) const noexcept {
    if (state == 0) return 0;
    return std::min<double>(std::exp2(distance(state, now) / kOne), kMax);
  }

  // The state after something of this weight (>= 0) has happened.
  std::uint64_t add(std::uint64_t state, std::uint64_t now, double weight) const noexcept {
    return of(at(state, now) + weight, now);
  }

  // The state of a score. One that is too small to matter is 0.
  std::uint64_t of(double score, std::uint64_t now) const noexcept {
    if (!(score > kLeast)) return 0;
    double height = std::log2(std::min<double>(score, kMax)) * kOne;
    return (time_of(now) + kOffset + static_cast<std::uint64_t>(std::llround(height))) & kStateMask;
  }

  // How much would be lost with it, in an order of its own; 0: the score is below a half, which is
  // nothing beside whole weights.
  std::uint64_t rank(std::uint64_t state, std::uint64_t now) const noexcept {
    if (state == 0) return 0;
    double over = distance(state, now) + kOne;
    return over > 0 ? static_cast<std::uint64_t>(over) + 1 : 0;
  }

 private:
  static constexpr int kPoint = 32;
  static constexpr double kOne = 4294967296.0;  // 2^kPoint
  static constexpr double kLeast = 1.0 / 1024;
  static constexpr std::uint64_t kOffset = std::uint64_t{64} << kPoint;  // above any -log2(kLeast)

  std::uint64_t time_of(std::uint64_t now) const noexcept {
    auto wide = (static_cast<unsigned __int128>(now) << kPoint) / half_life_;
    return static_cast<std::uint64_t>(wide);
  }
  double distance(std::uint64_t state, std::uint64_t now) const noexcept {
    return static_cast<double>(static_cast<std::int64_t>(state - kOffset - time_of(now)));
  }

  std::uint64_t half_life_;
};

}  // namespace guard::lockout
