// What is counted of the requests of one route: which word of its block is which. Nothing of it
// depends on what clients send, but for which of the words is added to.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/metric_histogram.h"

namespace guard::metrics {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };

inline constexpr std::array<std::string_view, 8> kMethodNames = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};
// none: the connection ended before there was a status.
inline constexpr std::array<std::string_view, 6> kStatusNames = {"1xx", "2xx", "3xx",
                                                                 "4xx", "5xx", "none"};

constexpr std::size_t status_class(unsigned status) {
  return status >= 100 && status < 600 ? status / 100 - 1 : 5;
}

struct RequestNumbers {
  Method method = Method::other;
  unsigned status = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t milliseconds = 0;
  bool asked_upstream = false;
  std::uint64_t upstream_milliseconds = 0;
};

// Whatever a configuration says of times, these words mean the same.
struct RouteCounts {
  static constexpr std::size_t kBytesIn = kMethodNames.size() * kStatusNames.size();
  static constexpr std::size_t kBytesOut = kBytesIn + 1;
  static constexpr std::uint32_t kWords = kBytesOut + 1;

  // words: a block's, in this process's lane.
  static void record(std::uint64_t* words, const RequestNumbers& numbers) noexcept;

  static void write_requests(core::MetricText& out, std::string_view labels,
                             const core::MetricBlock& block);
  static void write_bytes_in(core::MetricText& out, std::string_view labels,
                             const core::MetricBlock& block);
  static void write_bytes_out(core::MetricText& out, std::string_view labels,
                              const core::MetricBlock& block);
};

// The same for all routes of a configuration.
class RouteTimes {
 public:
  explicit RouteTimes(const std::vector<std::uint64_t>& bounds);

  std::uint32_t words() const noexcept { return words_; }
  // Part of the identity of these words: other buckets are other counts.
  const std::string& fingerprint() const { return fingerprint_; }

  // words: a block's, in this process's lane. Answers the bucket of the request's time.
  std::size_t record(std::uint64_t* words, const RequestNumbers& numbers) const noexcept;

  // The words of the exemplar of a bucket.
  std::uint64_t* exemplar(std::uint64_t* words, std::size_t bucket) const noexcept;
  const std::uint64_t* exemplar(const std::uint64_t* words, std::size_t bucket) const noexcept;

  void write_duration(core::MetricText& out, std::string_view labels,
                      const core::MetricBlock& block) const;
  void write_upstream_duration(core::MetricText& out, std::string_view labels,
                               const core::MetricBlock& block) const;

 private:
  core::Histogram duration_;
  core::Histogram upstream_;
  std::uint32_t words_;
  std::string fingerprint_;
};

// The request that a bucket has counted last, in shared memory: whoever writes may be overtaken or
// die, whoever reads sees a whole one or none.
//
// Words: when (milliseconds since 1970, doubled; odd: it is being written), the two halves of the
// request id, the value.
class ExemplarSlot {
 public:
  static constexpr std::size_t kWords = 4;
  static constexpr std::uint64_t kLeastAge = 1000;  // milliseconds that one stays, at least

  struct Content {
    std::uint64_t timestamp_ms = 0;
    std::array<std::uint64_t, 2> id{};
    std::uint64_t value = 0;
  };

  // Whether it is time for another one.
  static bool is_due(const std::uint64_t* words, std::uint64_t now_ms) noexcept;
  static void put(std::uint64_t* words, const Content& content) noexcept;
  // False: there is none, or it is being written.
  static bool get(const std::uint64_t* words, Content& content) noexcept;
};

// 32 hexadecimal digits, as $request_id is. False: it is something else.
bool parse_request_id(std::string_view text, std::array<std::uint64_t, 2>& id) noexcept;

}  // namespace guard::metrics
