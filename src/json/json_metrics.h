// How long JSON bodies take, and what schemas find wrong with them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/clock.h"
#include "core/metric_histogram.h"
#include "json/schema_draft.h"
#include "json/schema_evaluator.h"

namespace guard::json {

class JsonMetrics {
 public:
  // Configuration time.
  void add_to(core::MetricRegistry& registry) {
    block_ = &registry.block("json duration", static_cast<std::uint32_t>(duration_.words()));
    registry.add(kDuration, write_duration, this);
    for (auto i = static_cast<std::size_t>(Keyword::all_of);
         i <= static_cast<std::size_t>(Keyword::format); ++i) {
      violations_[i] = &registry.counter(
          kViolations, core::metric_labels({{"keyword", name_of(static_cast<Keyword>(i))}}));
    }
  }

  // 0: nobody reads.
  std::uint64_t begin() const noexcept {
    return block_ != nullptr && block_->counts() ? core::microseconds() : 0;
  }
  void end(std::uint64_t begun) const noexcept {
    if (begun != 0) duration_.record(block_->words(), core::microseconds() - begun);
  }

  void count(std::span<const SchemaError> errors) const noexcept {
    for (const SchemaError& error : errors) {
      const core::Counter* counter = violations_[static_cast<std::size_t>(error.keyword)];
      if (counter != nullptr) counter->add();
    }
  }

 private:
  static constexpr core::MetricFamily kDuration = {"guard_json_duration_seconds",
                                                   core::MetricType::histogram, "seconds",
                                                   "Parsing a body and holding it to its schema"};
  static constexpr core::MetricFamily kViolations = {
      "guard_schema_violations", core::MetricType::counter, "",
      "Violations of schemas that were found in bodies, by keyword"};

  static bool write_duration(void* context, std::size_t index, core::MetricText& out) {
    if (index != 0) return false;
    const auto& self = *static_cast<const JsonMetrics*>(context);
    self.duration_.write(out, {}, *self.block_);
    return true;
  }

  // Microseconds.
  core::Histogram duration_{{10, 25, 50, 100, 250, 500, 1000, 2500, 10'000, 100'000}, 6};
  const core::MetricBlock* block_ = nullptr;
  std::array<const core::Counter*, kKeywordCount> violations_{};
};

}  // namespace guard::json
