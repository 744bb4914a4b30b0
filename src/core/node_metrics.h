// What is known of this nginx as a whole: workers, connections, zones, certificates, configuration.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/metric.h"
#include "ngx/compat.h"

namespace guard::core {

class NodeMetrics {
 public:
  // Configuration time; both live as long as the configuration.
  void add_to(ngx_conf_t* cf, MetricRegistry& registry);

  MetricMemory& memory() noexcept { return memory_; }

  // In a worker. Its own figures are taken now, and once a second.
  void enter(MetricRegistry& registry) noexcept;
  void leave(MetricRegistry& registry) noexcept;
  void refresh() noexcept;

 private:
  static constexpr std::size_t kNumbers = 256;  // of workers; those above share the last

  struct Certificate {
    std::string labels;
    std::int64_t not_after = 0;  // seconds since 1970
  };

  void add_certificates(ngx_conf_t* cf);
  template <class Figure>
  bool write_worker(std::size_t number, MetricText& out, Figure&& figure) const;

  static bool write_cpu(void* context, std::size_t index, MetricText& out);
  static bool write_resident(void* context, std::size_t index, MetricText& out);
  static bool write_open(void* context, std::size_t index, MetricText& out);
  static bool write_processes(void* context, std::size_t index, MetricText& out);
  static bool write_started(void* context, std::size_t index, MetricText& out);
  static bool write_generation(void* context, std::size_t index, MetricText& out);
  static bool write_loaded(void* context, std::size_t index, MetricText& out);
  static bool write_certificate(void* context, std::size_t index, MetricText& out);

  MetricMemory memory_;
  MetricRegistry* registry_ = nullptr;
  const MetricBlock* cpu_ = nullptr;  // microseconds, by the number of the worker
  const Counter* starts_ = nullptr;
  const Counter* crashes_ = nullptr;
  std::vector<Certificate> certificates_;
  std::uint64_t configuration_ = 0;  // tells configurations apart
  std::uint64_t counted_cpu_ = 0;    // of this worker
};

}  // namespace guard::core
