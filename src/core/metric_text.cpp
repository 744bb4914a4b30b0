#include "core/metric_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/utf8.h"

namespace guard::core {

namespace {

constexpr std::array<std::string_view, 3> kTypeNames = {"counter", "gauge", "histogram"};
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

}  // namespace

void append_label_value(std::string& out, std::string_view value) {
  while (!value.empty()) {
    const Utf8Unit unit = decode_utf8(value);
    const char first = value.front();
    if (!unit.valid) {
      out.append(kReplacement);
    } else if (first == '\\' || first == '"') {
      out.push_back('\\');
      out.push_back(first);
    } else if (first == '\n') {
      out.append("\\n");
    } else {
      out.append(value.substr(0, unit.length));
    }
    value.remove_prefix(unit.length);
  }
}

void append_decimal(std::string& out, std::uint64_t number, unsigned decimals) {
  std::array<char, 24> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  const auto count = static_cast<std::size_t>(end - digits.data());
  const std::string_view all(digits.data(), count);
  if (decimals == 0) {
    out.append(all);
    return;
  }
  std::string fraction;
  if (count > decimals) {
    out.append(all.substr(0, count - decimals));
    fraction = all.substr(count - decimals);
  } else {
    out.push_back('0');
    fraction.assign(decimals - count, '0').append(all);
  }
  const std::size_t last = fraction.find_last_not_of('0');
  if (last == std::string::npos) return;
  out.push_back('.');
  out.append(fraction, 0, last + 1);
}

void MetricText::name(std::string_view suffix) {
  out_.append(family_->name).append(suffix);
}

void MetricText::value(std::uint64_t number, unsigned decimals) {
  append_decimal(out_, number, decimals);
}

void MetricText::begin(const MetricFamily& family) {
  family_ = &family;
  const bool open = format_ == MetricFormat::openmetrics;
  // OpenMetrics names the family, Prometheus the samples.
  const std::string_view suffix =
      !open && family.type == MetricType::counter ? std::string_view("_total") : std::string_view();
  out_.append("# HELP ");
  name(suffix);
  out_.append(" ").append(family.help).append("\n# TYPE ");
  name(suffix);
  out_.append(" ").append(kTypeNames[static_cast<std::size_t>(family.type)]).append("\n");
  if (!open || family.unit.empty()) return;
  out_.append("# UNIT ");
  name({});
  out_.append(" ").append(family.unit).append("\n");
}

void MetricText::sample(std::string_view labels, std::uint64_t number, unsigned decimals) {
  name(family_->type == MetricType::counter ? "_total" : "");
  if (!labels.empty()) out_.append("{").append(labels).append("}");
  out_.push_back(' ');
  value(number, decimals);
  out_.push_back('\n');
}

void MetricText::sample(std::string_view labels, double number) {
  name(family_->type == MetricType::counter ? "_total" : "");
  if (!labels.empty()) out_.append("{").append(labels).append("}");
  out_.push_back(' ');
  if (std::isnan(number)) {
    out_.append("NaN");
  } else if (std::isinf(number)) {
    out_.append(number > 0 ? "+Inf" : "-Inf");
  } else {
    std::array<char, 64> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out_.append(digits.data(), end);
  }
  out_.push_back('\n');
}

void MetricText::bucket(std::string_view labels, std::optional<std::uint64_t> bound,
                        unsigned decimals, std::uint64_t cumulated, const Exemplar* exemplar) {
  name("_bucket{");
  out_.append(labels);
  if (!labels.empty()) out_.push_back(',');
  out_.append("le=\"");
  if (bound) {
    const std::size_t before = out_.size();
    value(*bound, decimals);
    // OpenMetrics wants its floats to look like floats.
    const bool whole = out_.find('.', before) == std::string::npos;
    if (whole && format_ == MetricFormat::openmetrics) out_.append(".0");
  } else {
    out_.append("+Inf");
  }
  out_.append("\"} ");
  value(cumulated, 0);
  if (exemplar != nullptr && format_ == MetricFormat::openmetrics) {
    out_.append(" # {").append(exemplar->labels).append("} ");
    value(exemplar->value, decimals);
    out_.push_back(' ');
    value(exemplar->timestamp_ms, 3);
  }
  out_.push_back('\n');
}

void MetricText::sum_and_count(std::string_view labels, std::uint64_t sum, unsigned decimals,
                               std::uint64_t count) {
  for (const bool is_sum : {true, false}) {
    name(is_sum ? "_sum" : "_count");
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_.push_back(' ');
    value(is_sum ? sum : count, is_sum ? decimals : 0);
    out_.push_back('\n');
  }
}

void MetricText::end() {
  if (format_ == MetricFormat::openmetrics) out_.append("# EOF\n");
}

}  // namespace guard::core
