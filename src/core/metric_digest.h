// All metrics as one JSON object, for a page that shows them: {"FAMILY":[[{LABELS},VALUE],...]}, of
// a histogram [{LABELS},{"bounds":[...],"counts":[...],"sum":S}] with counts that cumulate, the
// last of them that of +Inf.
//
// Counters and histograms are added up over servers, routes and methods, so that it stays short
// however many routes there are, and counters that are 0 are left out; so are the 5xx of locations
// of guard_health.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/metric.h"

namespace guard::core {

class MetricDigest : private MetricText {
 public:
  MetricDigest() : MetricText(MetricFormat::prometheus, text_) {}

  // May throw std::bad_alloc.
  std::string write(const MetricRegistry& registry);

 private:
  struct Series {
    std::string labels;  // as metric_labels() makes them
    std::uint64_t number = 0;
    double real = 0;
    bool is_real = false;
    unsigned decimals = 0;
    std::vector<std::uint64_t> bounds;
    std::vector<std::uint64_t> counts;
  };

  void sample(std::string_view labels, std::uint64_t number, unsigned decimals) override;
  void sample(std::string_view labels, double number) override;
  void bucket(std::string_view labels, std::optional<std::uint64_t> bound, unsigned decimals,
              std::uint64_t cumulated, const Exemplar* exemplar) override;
  void sum_and_count(std::string_view labels, std::uint64_t sum, unsigned decimals,
                     std::uint64_t count) override;

  Series& series_of(std::string_view labels);
  void write_family(const MetricRegistry::Family& family, std::string& out);
  void write_series(const Series& series, bool histogram, std::string& out) const;

  std::string text_;  // stays empty
  std::vector<Series> series_;
  std::string wanted_;
  std::size_t next_bound_ = 0;  // of a histogram whose buckets come
  std::size_t current_ = 0;     // that histogram
  bool adds_up_ = false;
};

// name="value",... as a JSON object.
void append_labels_json(std::string& out, std::string_view labels);
// The labels that are left when those of servers, routes and methods are dropped.
std::string without_routes(std::string_view labels);

}  // namespace guard::core
