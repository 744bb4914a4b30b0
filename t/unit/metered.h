// Policies with memory of their own, the questions that a request asks them, and the request's
// memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "fake_queue.h"
#include "unit.h"

#include "rate/ledger.h"
#include "rate/space.h"

namespace guard::unit {

inline constexpr std::uint64_t kNow = 1'000'000'000;
inline constexpr std::size_t kZone = 256 * 1024;

struct Metered {
  std::vector<std::byte> memory = std::vector<std::byte>(kZone);
  rate::MeteredPolicy policy;

  Metered(std::string_view name, std::string_view rate) {
    std::string word = "rate=" + std::string(rate);
    core::Words words({"guard_rate_policy", name, word});
    policy.define(rate::parse_policy(words));
    policy.attach(memory);
  }
  rate::Limiter& limiter(std::size_t window) { return *policy.meters[window].limiter; }
  std::uint64_t remaining(std::size_t window = 0) {
    return limiter(window).peek(1, kNow, 0).remaining;
  }
  void drain(std::uint64_t cost, std::size_t window = 0) {
    limiter(window).take({1, 1}, kNow, cost);
  }
};

// The questions to all windows of one policy.
struct Questions {
  std::vector<rate::Asked> asked;

  explicit Questions(Metered& metered, bool dry_run = false, bool inner = false) {
    for (rate::Meter& meter : metered.policy.meters) {
      rate::Asked& made = asked.emplace_back();
      made.meter = &meter;
      made.key.hash = 1;
      made.now = kNow;
      made.dry_run = dry_run;
      made.inner = inner;
    }
  }
};

// Memory of a request, which may come to an end.
struct Memory {
  std::deque<std::vector<std::byte>> pieces;
  std::size_t left = SIZE_MAX;  // how many more there are

  rate::Space space() {
    auto take = [](void* self, std::size_t size, bool) noexcept -> void* {
      auto& mine = *static_cast<Memory*>(self);
      if (mine.left == 0) return nullptr;
      --mine.left;
      return mine.pieces.emplace_back(size).data();
    };
    return {take, this};
  }
};

}  // namespace guard::unit
