#include "core/metric_memory.h"

#include <algorithm>
#include <new>

#include "core/clock.h"
#include "core/process.h"
#include "core/siphash.h"

namespace guard::core {

struct MetricHeader {
  static constexpr std::uint64_t kMagic = 0x317274654d47ULL;  // "GMetr1"
  std::uint64_t magic;
  std::uint64_t bytes;
  std::uint64_t started_ms;
  std::uint64_t generation;  // the last one; changed by the master alone, like the next three
  std::uint64_t entries;     // in use
  std::uint64_t words;       // of a lane, given away
  std::uint64_t refused;     // claims that found no room
  alignas(64) std::uint64_t used_lanes;
  std::uint64_t configuration;  // the one in force
  std::uint64_t configurations;
  std::uint64_t in_force_since_ms;
  MetricWorker workers[kMetricWorkers];
};

struct MetricEntry {
  std::uint64_t low;  // hash of the name and size
  std::uint64_t high;
  std::uint64_t generation;  // the last that names it
  std::uint32_t at;          // words from the beginning of a lane
  std::uint32_t words;
};

namespace {

// What the directory may take of the whole.
constexpr std::size_t kDirectoryShare = 32;
constexpr std::size_t kLine = 64;

Hash128 hash_of(std::string_view identity, std::uint32_t words) noexcept {
  const char size[] = {static_cast<char>(words), static_cast<char>(words >> 8),
                       static_cast<char>(words >> 16), static_cast<char>(words >> 24)};
  // Names come from the configuration: the key need not be secret.
  return KeyedHash(SipKey{}).hash128({identity, std::string_view(size, sizeof(size))});
}

}  // namespace

void MetricMemory::locate(std::span<std::byte> memory) noexcept {
  header_ = reinterpret_cast<MetricHeader*>(memory.data());
  used_lanes_ = &header_->used_lanes;
  entries_ = reinterpret_cast<MetricEntry*>(memory.data() + sizeof(MetricHeader));
  capacity_ = memory.size() / kDirectoryShare / sizeof(MetricEntry);
  const std::size_t front =
      (sizeof(MetricHeader) + capacity_ * sizeof(MetricEntry) + kLine - 1) / kLine * kLine;
  words_ = reinterpret_cast<std::uint64_t*>(memory.data() + front);
  // Lanes begin in lines of their own.
  lane_words_ = (memory.size() - front) / kMetricLanes / kLine * (kLine / sizeof(std::uint64_t));
}

std::size_t MetricMemory::bytes_for(std::size_t words, std::size_t entries) noexcept {
  const std::size_t lanes = (words + 8) * sizeof(std::uint64_t) * kMetricLanes;
  const std::size_t rest = lanes + sizeof(MetricHeader) + 2 * kLine;
  return std::max(rest + rest / (kDirectoryShare - 1) + kLine,
                  (entries + 1) * sizeof(MetricEntry) * kDirectoryShare);
}

bool MetricMemory::format(std::span<std::byte> memory) noexcept {
  if (memory.size() < bytes_for(1, 1)) return false;
  // What nobody counts in stays as it is, and takes no memory.
  locate(memory);
  new (memory.data()) MetricHeader{};
  header_->magic = MetricHeader::kMagic;
  header_->bytes = memory.size();
  header_->started_ms = wall_microseconds() / 1000;
  return true;
}

bool MetricMemory::adopt(std::span<std::byte> memory) noexcept {
  if (memory.size() < bytes_for(1, 1)) return false;
  const auto* header = reinterpret_cast<const MetricHeader*>(memory.data());
  if (header->magic != MetricHeader::kMagic || header->bytes != memory.size()) return false;
  locate(memory);
  return true;
}

std::uint64_t MetricMemory::begin_generation() noexcept {
  return ++header_->generation;
}

MetricEntry* MetricMemory::find(std::uint64_t low, std::uint64_t high) const noexcept {
  for (std::size_t i = 0; i < header_->entries; ++i) {
    if (entries_[i].low == low && entries_[i].high == high) return &entries_[i];
  }
  return nullptr;
}

// Of the generations whose processes may still count.
std::uint64_t MetricMemory::oldest_alive(std::uint64_t generation) const noexcept {
  // The configuration before this one is kept in any case: the master may return to it.
  std::uint64_t oldest = generation - 1;
  for (const MetricWorker& worker : workers()) {
    const std::uint64_t process = worker.process.load();
    if (process != 0 && !is_gone(process)) oldest = std::min(oldest, worker.generation.load());
  }
  return oldest;
}

void MetricMemory::clear(const MetricEntry& entry) noexcept {
  each_lane([&](std::size_t offset) {
    std::fill_n(words_ + offset + entry.at, entry.words, std::uint64_t{0});
  });
}

MetricEntry* MetricMemory::recycle(std::uint32_t words, std::uint64_t generation) noexcept {
  const std::uint64_t oldest = oldest_alive(generation);
  MetricEntry* best = nullptr;
  for (std::size_t i = 0; i < header_->entries; ++i) {
    MetricEntry& entry = entries_[i];
    if (entry.words < words || entry.generation >= oldest) continue;
    if (best == nullptr || entry.words < best->words) best = &entry;
  }
  return best;
}

std::uint64_t* MetricMemory::claim(std::string_view identity, std::uint32_t words,
                                   std::uint64_t generation) noexcept {
  const Hash128 hash = hash_of(identity, words);
  MetricEntry* entry = find(hash.low, hash.high);
  if (entry == nullptr) {
    if (header_->entries < capacity_ && header_->words + words <= lane_words_) {
      entry = &entries_[header_->entries++];
      *entry = {};
      entry->at = static_cast<std::uint32_t>(header_->words);
      entry->words = words;
      header_->words += words;
    } else {
      entry = recycle(words, generation);
      if (entry == nullptr) {
        __atomic_fetch_add(&header_->refused, 1, __ATOMIC_RELAXED);
        return nullptr;
      }
    }
    entry->low = hash.low;
    entry->high = hash.high;
    clear(*entry);
  }
  entry->generation = generation;
  return words_ + entry->at;
}

void MetricMemory::read_use(std::uint64_t& used, std::uint64_t& places) const noexcept {
  const std::uint64_t oldest = oldest_alive(header_->generation);
  std::uint64_t words = 0;
  std::uint64_t entries = 0;
  for (std::size_t i = 0; i < header_->entries; ++i) {
    if (entries_[i].generation < oldest) continue;
    ++entries;
    words += entries_[i].words;
  }
  const bool by_words = words * capacity_ >= entries * lane_words_;
  used = by_words ? words : entries;
  places = by_words ? lane_words_ : capacity_;
}

std::uint64_t MetricMemory::refused() const noexcept {
  return load(header_->refused);
}

std::span<MetricWorker> MetricMemory::workers() const noexcept {
  return {static_cast<MetricWorker*>(header_->workers), kMetricWorkers};
}

MetricWorker* MetricMemory::enter(std::uint64_t process, std::uint64_t number,
                                  std::uint64_t generation, std::uint64_t layout,
                                  std::uint64_t& crashed) noexcept {
  const std::size_t lane = number % kMetricLanes;
  __atomic_fetch_or(used_lanes_, std::uint64_t{1} << lane, __ATOMIC_RELAXED);
  metric_lane = lane * lane_words_;
  crashed = forget_dead();
  MetricWorker* own = nullptr;
  for (MetricWorker& worker : workers()) {
    std::uint64_t nobody = 0;
    if (!worker.process.compare_exchange_strong(nobody, process)) continue;
    own = &worker;
    break;
  }
  if (own == nullptr) return nullptr;
  own->layout.store(0);
  for (auto& gauge : own->gauges) gauge.store(0);
  own->resident_bytes.store(0);
  own->connections.store(0);
  own->number.store(number);
  own->generation.store(generation);
  own->exiting.store(0);
  own->layout.store(layout);
  return own;
}

std::uint64_t MetricMemory::forget_dead() noexcept {
  std::uint64_t crashed = 0;
  for (MetricWorker& worker : workers()) {
    std::uint64_t process = worker.process.load(std::memory_order_relaxed);
    if (process != 0 && is_gone(process) && worker.process.compare_exchange_strong(process, 0)) {
      ++crashed;
    }
  }
  return crashed;
}

std::uint64_t MetricMemory::started_ms() const noexcept {
  return header_->started_ms;
}

bool MetricMemory::put_in_force(std::uint64_t configuration, std::uint64_t now_ms) noexcept {
  std::uint64_t before = load(header_->configuration);
  if (before == configuration ||
      !__atomic_compare_exchange_n(&header_->configuration, &before, configuration, false,
                                   __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    return false;
  }
  __atomic_store_n(&header_->in_force_since_ms, now_ms, __ATOMIC_RELAXED);
  __atomic_fetch_add(&header_->configurations, 1, __ATOMIC_RELAXED);
  return true;
}

std::uint64_t MetricMemory::configurations() const noexcept {
  return load(header_->configurations);
}

std::uint64_t MetricMemory::in_force_since_ms() const noexcept {
  return load(header_->in_force_since_ms);
}

}  // namespace guard::core
