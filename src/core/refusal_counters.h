// How often each code was refused, or would have been.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/metric.h"

namespace guard::core {

class RefusalCounters {
 public:
  // Configuration time: a policy, "rate" and "api", with the code of its refusals, "rate.api".
  // Those codes that are always the same are known. Answers the counter of what it lets pass.
  const Counter& declare(MetricRegistry& registry, std::string_view feature, std::string_view name,
                         std::string_view code);
  // All that are declared, and those that are always the same.
  std::vector<std::string_view> codes() const;
  // Once all are declared.
  void add_to(MetricRegistry& registry);

  // action: denied or observed.
  void count(std::string_view code, Action action) const noexcept;

 private:
  struct Row {
    std::string code;
    std::array<const Counter*, 2> counters;  // enforced, observed
  };

  struct Policy {
    const RefusalCounters* all;
    const Counter* allowed;
    std::string labels;
    std::string code;
  };

  static bool write_policy(void* context, std::size_t index, MetricText& out);
  const Row& row_of(std::string_view code) const noexcept;

  std::deque<Policy> policies_;
  std::vector<std::string> codes_;
  std::vector<Row> rows_;  // by code
  Row other_{};            // of a code that nobody has declared
};

}  // namespace guard::core
