// A quick hash of short texts for tables in memory. Its seed is drawn, so that nobody can choose
// texts that meet in one place; it keeps no secret.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

namespace guard::inspect {

class KeyedHash {
 public:
  KeyedHash() {
    std::random_device device;
    seed_ = (std::uint64_t{device()} << 32 | device()) | 1;
  }

  // salt: of what kind the text is.
  std::uint64_t operator()(std::uint64_t salt, std::string_view text) const noexcept {
    constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
    std::uint64_t hash = seed_ ^ salt * kFactor;
    const auto mix = [&](std::uint64_t word) {
      hash = (hash ^ word) * kFactor;
      hash ^= hash >> 29;
    };
    std::size_t left = text.size();
    const char* at = text.data();
    for (; left >= 8; left -= 8, at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, 8);
      mix(word);
    }
    if (left > 0) {
      std::uint64_t last = 0;
      std::memcpy(&last, at, left);
      mix(last);
    }
    mix(text.size() * seed_);
    return hash ^ hash >> 32;
  }

 private:
  std::uint64_t seed_;
};

}  // namespace guard::inspect
