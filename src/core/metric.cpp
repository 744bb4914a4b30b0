#include "core/metric.h"

#include <algorithm>
#include <stdexcept>

#include "core/siphash.h"

namespace guard::core {

std::string metric_labels(
    std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (!text.empty()) text.push_back(',');
    text.append(name).append("=\"");
    append_label_value(text, value);
    text.push_back('"');
  }
  return text;
}

void WorkerGauge::set(std::uint64_t value) const noexcept {
  MetricWorker* worker = registry_->worker();
  if (worker != nullptr && index_ < kWorkerGauges) {
    worker->gauges[index_].store(value, std::memory_order_relaxed);
  }
}

void MetricRegistry::add(const MetricFamily& family, Write write, void* context) {
  auto same = [&family](const Family& known) { return known.about->name == family.name; };
  auto found = std::ranges::find_if(families_, same);
  if (found == families_.end()) found = families_.insert(found, {&family, {}});
  if (found->about->type != family.type) throw std::logic_error("one name for two metrics");
  found->sources.push_back({write, context});
}

bool MetricRegistry::write_counter(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto& counter = *static_cast<const Counter*>(context);
  out.sample(counter.labels_, counter.value(), counter.decimals_);
  return true;
}

bool MetricRegistry::write_gauge(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto& gauge = *static_cast<const WorkerGauge*>(context);
  out.sample(gauge.labels_, gauge.registry_->gauge_sum(gauge.index_));
  return true;
}

const Counter& MetricRegistry::counter(const MetricFamily& family, std::string labels,
                                       unsigned decimals) {
  std::string identity = std::string(family.name) + "{" + labels + "}";
  const Counter*& known = counter_by_name_[identity];
  if (known != nullptr) return *known;
  Counter& made = counters_.emplace_back();
  made.block_ = &block(std::move(identity), 1);
  made.labels_ = std::move(labels);
  made.decimals_ = decimals;
  add(family, write_counter, &made);
  known = &made;
  return made;
}

const Counter& MetricRegistry::hidden_counter(std::string identity) {
  Counter& made = counters_.emplace_back();
  made.block_ = &block(std::move(identity), 1);
  return made;
}

const WorkerGauge& MetricRegistry::worker_gauge(const MetricFamily& family, std::string labels) {
  const WorkerGauge*& known = gauge_by_name_[std::string(family.name) + "{" + labels + "}"];
  if (known != nullptr) return *known;
  WorkerGauge& made = gauges_.emplace_back();
  made.index_ = gauges_.size() - 1;
  made.labels_ = std::move(labels);
  made.registry_ = this;
  if (made.index_ < kWorkerGauges) add(family, write_gauge, &made);
  known = &made;
  return made;
}

const MetricBlock& MetricRegistry::block(std::string identity, std::uint32_t words) {
  const MetricBlock*& known = block_by_identity_[identity];
  if (known != nullptr) return *known;
  MetricBlock& made = blocks_.emplace_back();
  made.identity_ = std::move(identity);
  made.size_ = words;
  known = &made;
  return made;
}

std::size_t MetricRegistry::words() const {
  std::size_t total = 0;
  for (const MetricBlock& block : blocks_) total += block.size_;
  return total;
}

bool MetricRegistry::resolve(MetricMemory& memory) noexcept {
  const std::uint64_t generation = memory.begin_generation();
  bool whole = true;
  for (MetricBlock& block : blocks_) {
    block.base_ = memory.claim(block.identity_, block.size_, generation);
    block.memory_ = &memory;
    whole = whole && block.base_ != nullptr;
  }
  memory_ = &memory;
  generation_ = generation;
  try {
    layout_ = gauge_layout();
  } catch (...) {
    return false;
  }
  return whole;
}

std::uint64_t MetricRegistry::enter(MetricMemory& memory, std::uint64_t process,
                                    std::uint64_t number) noexcept {
  std::uint64_t crashed = 0;
  worker_ = memory.enter(process, number, generation_, layout_, crashed);
  return crashed;
}

void MetricRegistry::leave() noexcept {
  if (worker_ != nullptr) MetricMemory::leave(*worker_);
  worker_ = nullptr;
}

std::uint64_t MetricRegistry::gauge_layout() const {
  auto hash = KeyedHash(SipKey{}).start64();
  for (const auto& [name, gauge] : gauge_by_name_) {
    hash.part(name);
    hash.part(std::to_string(gauge->index_));
  }
  // 0 is that of nobody.
  return hash.finish() | 1;
}

void MetricRegistry::sample() const noexcept {
  for (const auto& [sampler, context] : samplers_) sampler(context);
}

std::uint64_t MetricRegistry::gauge_sum(std::size_t index) const noexcept {
  if (memory_ == nullptr) return 0;
  std::uint64_t total = 0;
  for (const MetricWorker& one : memory_->workers()) {
    if (one.process.load(std::memory_order_relaxed) == 0 || one.layout.load() != layout_) continue;
    total += one.gauges[index].load(std::memory_order_relaxed);
  }
  return total;
}

}  // namespace guard::core
