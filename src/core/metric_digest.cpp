#include "core/metric_digest.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/json_escape.h"

namespace guard::core {

namespace {

// Calls each(name, value) for each label; the value as it is written, with its escapes.
template <class Each>
void each_label(std::string_view labels, Each&& each) {
  while (!labels.empty()) {
    const std::size_t equals = labels.find("=\"");
    if (equals == std::string_view::npos) return;
    std::size_t end = equals + 2;
    while (end < labels.size() && labels[end] != '"') end += labels[end] == '\\' ? 2 : 1;
    if (end >= labels.size()) return;
    each(labels.substr(0, equals), labels.substr(equals + 2, end - equals - 2));
    labels.remove_prefix(std::min(end + 2, labels.size()));
  }
}

std::string unescaped(std::string_view value) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 == value.size()) {
      text.push_back(value[i]);
      continue;
    }
    ++i;
    text.push_back(value[i] == 'n' ? '\n' : value[i]);
  }
  return text;
}

bool is_dropped(std::string_view name) {
  return name == "server" || name == "route" || name == "method";
}

// That a check fails, or that it drains, guard_health tells load balancers by its status: no
// request has failed. Its locations are told by their paths, as conf.d/monitoring has it.
bool is_told_by_health(std::string_view labels) {
  return labels.find("route=\"= /health") != std::string_view::npos &&
         labels.find("status=\"5xx\"") != std::string_view::npos;
}

void append_real(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out.append("null");
    return;
  }
  std::array<char, 64> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

}  // namespace

void append_labels_json(std::string& out, std::string_view labels) {
  out.push_back('{');
  bool first = true;
  each_label(labels, [&](std::string_view name, std::string_view value) {
    if (!first) out.push_back(',');
    first = false;
    append_json_string(out, name);
    out.push_back(':');
    append_json_string(out, unescaped(value));
  });
  out.push_back('}');
}

std::string without_routes(std::string_view labels) {
  std::string left;
  each_label(labels, [&](std::string_view name, std::string_view value) {
    if (is_dropped(name)) return;
    if (!left.empty()) left.push_back(',');
    left.append(name).append("=\"").append(value).append("\"");
  });
  return left;
}

MetricDigest::Series& MetricDigest::series_of(std::string_view labels) {
  if (adds_up_) {
    wanted_ = without_routes(labels);
    for (Series& series : series_) {
      if (series.labels == wanted_) return series;
    }
    series_.emplace_back().labels = wanted_;
  } else {
    series_.emplace_back().labels.assign(labels);
  }
  return series_.back();
}

void MetricDigest::sample(std::string_view labels, std::uint64_t number, unsigned decimals) {
  if (family().type == MetricType::counter && (number == 0 || is_told_by_health(labels))) return;
  Series& series = series_of(labels);
  series.number += number;
  series.decimals = decimals;
}

void MetricDigest::sample(std::string_view labels, double number) {
  Series& series = series_of(labels);
  series.real += number;
  series.is_real = true;
}

void MetricDigest::bucket(std::string_view labels, std::optional<std::uint64_t> bound,
                          unsigned decimals, std::uint64_t cumulated,
                          const Exemplar* /*exemplar*/) {
  // The buckets of a histogram come one after the other.
  if (next_bound_ == 0) {
    current_ = static_cast<std::size_t>(&series_of(labels) - series_.data());
  }
  Series& series = series_[current_];
  series.decimals = decimals;
  const std::size_t index = next_bound_++;
  if (index == series.counts.size()) {
    series.counts.push_back(0);
    if (bound) series.bounds.push_back(*bound);
  }
  if (index < series.counts.size()) series.counts[index] += cumulated;
  if (!bound) next_bound_ = 0;
}

void MetricDigest::sum_and_count(std::string_view labels, std::uint64_t sum, unsigned decimals,
                                 std::uint64_t /*count*/) {
  Series& series = series_of(labels);
  series.number += sum;
  series.decimals = decimals;
  next_bound_ = 0;
}

void MetricDigest::write_series(const Series& series, bool histogram, std::string& out) const {
  out.push_back('[');
  append_labels_json(out, series.labels);
  out.push_back(',');
  if (!histogram) {
    if (series.is_real) {
      append_real(out, series.real);
    } else {
      append_decimal(out, series.number, series.decimals);
    }
    out.push_back(']');
    return;
  }
  out.append("{\"bounds\":[");
  for (std::size_t i = 0; i < series.bounds.size(); ++i) {
    if (i != 0) out.push_back(',');
    append_decimal(out, series.bounds[i], series.decimals);
  }
  out.append("],\"counts\":[");
  for (std::size_t i = 0; i < series.counts.size(); ++i) {
    if (i != 0) out.push_back(',');
    append_decimal(out, series.counts[i], 0);
  }
  out.append("],\"sum\":");
  append_decimal(out, series.number, series.decimals);
  out.append("}]");
}

void MetricDigest::write_family(const MetricRegistry::Family& family, std::string& out) {
  series_.clear();
  next_bound_ = 0;
  const MetricType type = family.about->type;
  adds_up_ = type != MetricType::gauge;
  begin(*family.about);
  text_.clear();
  for (const MetricRegistry::Source& source : family.sources) {
    for (std::size_t i = 0; source.write(source.context, i, *this);) ++i;
  }
  append_json_string(out, family.about->name);
  out.append(":[");
  for (std::size_t i = 0; i < series_.size(); ++i) {
    if (i != 0) out.push_back(',');
    write_series(series_[i], type == MetricType::histogram, out);
  }
  out.push_back(']');
}

std::string MetricDigest::write(const MetricRegistry& registry) {
  std::string out = "{";
  for (const MetricRegistry::Family& family : registry.families()) {
    if (out.size() > 1) out.push_back(',');
    write_family(family, out);
  }
  out.push_back('}');
  return out;
}

}  // namespace guard::core
