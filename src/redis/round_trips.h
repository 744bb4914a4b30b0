// How long Redis takes, as a worker sees it: from a write to the first reply to it, turns of the
// worker's event loop included. A connection times one at a time.
#pragma once

#include <cstdint>
#include <string>

#include "core/clock.h"
#include "core/metric_histogram.h"

namespace guard::redis {

class RoundTrips {
 public:
  // Configuration time; this stays where it is.
  void add_to(core::MetricRegistry& registry, std::string labels) {
    labels_ = std::move(labels);
    block_ = &registry.block("redis round trips " + labels_,
                             static_cast<std::uint32_t>(histogram_.words()));
    registry.add(kFamily, write, this);
  }

  // 0: nobody reads.
  std::uint64_t begin() const noexcept {
    return block_ != nullptr && block_->counts() ? core::microseconds() : 0;
  }
  void end(std::uint64_t begun) const noexcept {
    histogram_.record(block_->words(), core::microseconds() - begun);
  }

 private:
  static constexpr core::MetricFamily kFamily = {
      "guard_redis_round_trip_seconds", core::MetricType::histogram, "seconds",
      "From a write to the first reply to it, of each connection one at a time"};

  static bool write(void* context, std::size_t index, core::MetricText& out) {
    if (index != 0) return false;
    const auto& self = *static_cast<const RoundTrips*>(context);
    self.histogram_.write(out, self.labels_, *self.block_);
    return true;
  }

  // Microseconds.
  core::Histogram histogram_{
      {50, 100, 250, 500, 1000, 2500, 5000, 10'000, 25'000, 50'000, 100'000, 500'000}, 6};
  const core::MetricBlock* block_ = nullptr;
  std::string labels_;
};

}  // namespace guard::redis
