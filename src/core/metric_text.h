// Metrics as text: Prometheus's exposition format 0.0.4 and OpenMetrics 1.0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace guard::core {

enum class MetricType : std::uint8_t { counter, gauge, histogram };

struct MetricFamily {
  // Of a counter without "_total". Ends in the unit, if there is one.
  std::string_view name;
  MetricType type;
  std::string_view unit;  // a base unit: "seconds", "bytes", "ratio"; or none
  std::string_view help;  // one sentence without a full stop
};

enum class MetricFormat : std::uint8_t { prometheus, openmetrics };

// One request that a bucket has counted.
struct Exemplar {
  std::string_view labels;         // as metric_labels() makes them
  std::uint64_t value = 0;         // with the decimals of its histogram
  std::uint64_t timestamp_ms = 0;  // since 1970
};

class MetricText {
 public:
  MetricText(MetricFormat format, std::string& out) noexcept : format_(format), out_(out) {}
  MetricText(const MetricText&) = delete;
  MetricText& operator=(const MetricText&) = delete;
  virtual ~MetricText() = default;

  MetricFormat format() const { return format_; }
  std::size_t size() const { return out_.size(); }

  // What comes before the samples of a family; they follow until the next one.
  void begin(const MetricFamily& family);
  // A counter or gauge. labels: as metric_labels() makes them, or empty. number with three
  // decimals: thousandths.
  void sample(std::string_view labels, std::uint64_t number) { sample(labels, number, 0); }
  virtual void sample(std::string_view labels, std::uint64_t number, unsigned decimals);
  virtual void sample(std::string_view labels, double number);
  // Of a histogram, the bounds in rising order, and last with nothing for bound: +Inf.
  virtual void bucket(std::string_view labels, std::optional<std::uint64_t> bound,
                      unsigned decimals, std::uint64_t cumulated, const Exemplar* exemplar);
  virtual void sum_and_count(std::string_view labels, std::uint64_t sum, unsigned decimals,
                             std::uint64_t count);
  // After the last family.
  void end();

 protected:
  const MetricFamily& family() const { return *family_; }

 private:
  void name(std::string_view suffix);
  void value(std::uint64_t number, unsigned decimals);

  MetricFormat format_;
  std::string& out_;
  const MetricFamily* family_ = nullptr;
};

// A label's value, escaped.
void append_label_value(std::string& out, std::string_view value);
// 1500 with three decimals: "1.5".
void append_decimal(std::string& out, std::uint64_t number, unsigned decimals);

}  // namespace guard::core
