// What can be counted and read: families of metrics, the handles that count, and the registry that
// a configuration fills. Who reads them (guard_metrics) is not the business of those who count: a
// room registers what it owns and adds to it; where nobody reads, adding is one branch.
//
// Labels come from the configuration alone, never from a client: how many series there are is known
// once a configuration is read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/metric_memory.h"
#include "core/metric_text.h"

namespace guard::core {

// name="value",... with the values escaped. Label values that are no UTF-8 become it.
std::string metric_labels(
    std::initializer_list<std::pair<std::string_view, std::string_view>> labels);

// Words of the metrics' memory, each changed by relaxed atomic adds in this process's lane.
class MetricBlock {
 public:
  bool counts() const noexcept { return base_ != nullptr; }
  void add(std::size_t word, std::uint64_t amount = 1) const noexcept {
    if (base_ != nullptr) add_metric(base_ + word, amount);
  }
  // In this process's lane; null: nobody reads.
  std::uint64_t* words() const noexcept { return base_ == nullptr ? nullptr : base_ + metric_lane; }
  // Words that one process sets rather than all add to; null: there is no room for them.
  std::uint64_t* shared() const noexcept { return base_; }
  // Over all lanes.
  std::uint64_t sum(std::size_t word) const noexcept {
    return base_ == nullptr ? 0 : memory_->sum(base_ + word);
  }
  // Of every lane in use: each(const std::uint64_t* words).
  template <class Each>
  void each_lane(Each&& each) const noexcept {
    if (base_ == nullptr) return;
    memory_->each_lane([&](std::size_t offset) { each(base_ + offset); });
  }

 private:
  friend class MetricRegistry;
  std::string identity_;
  std::uint32_t size_ = 0;
  std::uint64_t* base_ = nullptr;  // of lane 0
  const MetricMemory* memory_ = nullptr;
};

class MetricRegistry;

// One series that only grows.
class Counter {
 public:
  void add(std::uint64_t amount = 1) const noexcept { block_->add(0, amount); }
  std::uint64_t value() const noexcept { return block_->sum(0); }

 private:
  friend class MetricRegistry;
  const MetricBlock* block_ = nullptr;
  std::string labels_;
  unsigned decimals_ = 0;
};

// A value that each worker has of its own; read as the sum over those that live.
class WorkerGauge {
 public:
  void set(std::uint64_t value) const noexcept;

 private:
  friend class MetricRegistry;
  std::string labels_;
  std::size_t index_ = 0;
  const MetricRegistry* registry_ = nullptr;
};

class MetricRegistry {
 public:
  // Writes the series number `index` of a family; false: there is none of that number. Called
  // piece by piece, so one call must not write more than a few dozen lines. May throw
  // std::bad_alloc.
  using Write = bool (*)(void* context, std::size_t index, MetricText& out);
  // Called once a second in each worker, and before it answers a scrape.
  using Sampler = void (*)(void* context) noexcept;

  struct Source {
    Write write;
    void* context;
  };
  struct Family {
    const MetricFamily* about;
    std::vector<Source> sources;
  };

  MetricRegistry() = default;
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  // Configuration time. The families must be static; what is answered lives as long as the
  // registry. Of the same family and labels, or the same identity, there is one.
  //
  // decimals: a count of 1500 with three of them is read as 1.5.
  const Counter& counter(const MetricFamily& family, std::string labels, unsigned decimals = 0);
  // One that is written by somebody else.
  const Counter& hidden_counter(std::string identity);
  const WorkerGauge& worker_gauge(const MetricFamily& family, std::string labels);
  // Words that keep their counts over reloads as long as somebody names them so.
  const MetricBlock& block(std::string identity, std::uint32_t words);
  void add(const MetricFamily& family, Write write, void* context);
  void add_sampler(Sampler sampler, void* context) { samplers_.emplace_back(sampler, context); }

  const std::vector<Family>& families() const { return families_; }
  // Of lane 0, and with the directory: what resolve() needs in words of a lane, and in entries.
  std::size_t words() const;
  std::size_t entries() const { return blocks_.size(); }

  // Finds or makes the words of all blocks; false: there is no room for them.
  bool resolve(MetricMemory& memory) noexcept;
  std::uint64_t generation() const { return generation_; }
  // In a worker: its gauges are read from now on. process: its number of the system; number: that
  // of nginx. Answers how many workers were found dead that had not left.
  std::uint64_t enter(MetricMemory& memory, std::uint64_t process, std::uint64_t number) noexcept;
  void leave() noexcept;
  void sample() const noexcept;
  std::uint64_t gauge_sum(std::size_t index) const noexcept;

  // This worker's place among all; null: it has none.
  MetricWorker* worker() const noexcept { return worker_; }

 private:
  // What says that the worker gauges of two configurations are the same.
  std::uint64_t gauge_layout() const;
  static bool write_counter(void* context, std::size_t index, MetricText& out);
  static bool write_gauge(void* context, std::size_t index, MetricText& out);

  std::vector<Family> families_;
  std::deque<Counter> counters_;
  std::deque<WorkerGauge> gauges_;
  std::deque<MetricBlock> blocks_;
  std::map<std::string, const Counter*, std::less<>> counter_by_name_;
  std::map<std::string, const WorkerGauge*, std::less<>> gauge_by_name_;
  std::map<std::string, const MetricBlock*, std::less<>> block_by_identity_;
  std::vector<std::pair<Sampler, void*>> samplers_;
  const MetricMemory* memory_ = nullptr;
  MetricWorker* worker_ = nullptr;
  std::uint64_t generation_ = 0;
  std::uint64_t layout_ = 0;
};

}  // namespace guard::core
