// A histogram in words of a MetricBlock: one for each bucket, one for what is above all bounds, one
// for the sum. Words are not cumulated; the text is.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/metric.h"

namespace guard::core {

class Histogram {
 public:
  // bounds: rising, with so many decimals: 5 with three of them is 0.005. first: its first word.
  Histogram(std::vector<std::uint64_t> bounds, unsigned decimals, std::size_t first = 0)
      : bounds_(std::move(bounds)), decimals_(decimals), first_(first) {}

  std::size_t buckets() const noexcept { return bounds_.size() + 1; }
  std::size_t words() const noexcept { return buckets() + 1; }
  std::size_t end() const noexcept { return first_ + words(); }

  std::size_t bucket_of(std::uint64_t value) const noexcept {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
    return bucket;
  }

  // words: those of the block, in this process's lane. Answers the bucket.
  std::size_t record(std::uint64_t* words, std::uint64_t value) const noexcept {
    const std::size_t bucket = bucket_of(value);
    __atomic_fetch_add(words + first_ + bucket, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(words + first_ + buckets(), value, __ATOMIC_RELAXED);
    return bucket;
  }

  // exemplar_of(bucket): an Exemplar, or null.
  template <class ExemplarOf>
  void write(MetricText& out, std::string_view labels, const MetricBlock& block,
             ExemplarOf&& exemplar_of) const {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < buckets(); ++i) {
      count += block.sum(first_ + i);
      std::optional<std::uint64_t> bound;
      if (i < bounds_.size()) bound = bounds_[i];
      out.bucket(labels, bound, decimals_, count, exemplar_of(i));
    }
    out.sum_and_count(labels, block.sum(first_ + buckets()), decimals_, count);
  }
  void write(MetricText& out, std::string_view labels, const MetricBlock& block) const {
    write(out, labels, block, [](std::size_t) -> const Exemplar* { return nullptr; });
  }

 private:
  std::vector<std::uint64_t> bounds_;
  unsigned decimals_;
  std::size_t first_;
};

}  // namespace guard::core
