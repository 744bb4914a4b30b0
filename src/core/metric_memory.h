// The shared memory of all metrics: words that any process adds to, found by the names of what they
// count, so that a configuration goes on where the one before it has counted, and old and new
// workers count in the same words.
//
// Every word is there once for each lane, and a worker adds in its own lane: the hot words of many
// workers are in different cache lines. A lane that no worker uses is never touched.
//
// Which words are whose says a directory. Only the master changes it, before it starts workers.
// Words that no living process's configuration names any more are given to others when there is no
// more room.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace guard::core {

inline constexpr std::size_t kMetricLanes = 8;
inline constexpr std::size_t kWorkerGauges = 56;
inline constexpr std::size_t kMetricWorkers = 256;  // processes, old ones among them

// Where this process's lane begins, in words from lane 0.
inline std::size_t metric_lane = 0;

// word: in lane 0.
inline void add_metric(std::uint64_t* word, std::uint64_t amount) noexcept {
  __atomic_fetch_add(word + metric_lane, amount, __ATOMIC_RELAXED);
}

// A worker, as the others see it.
struct alignas(64) MetricWorker {
  std::atomic<std::uint64_t> process;  // 0: nobody
  std::atomic<std::uint64_t> generation;
  std::atomic<std::uint64_t> layout;  // of its gauges
  std::atomic<std::uint64_t> exiting;
  std::atomic<std::uint64_t> number;
  std::atomic<std::uint64_t> resident_bytes;
  std::atomic<std::uint64_t> connections;
  std::atomic<std::uint64_t> gauges[kWorkerGauges];
};

struct MetricEntry;
struct MetricHeader;

class MetricMemory {
 public:
  MetricMemory() = default;
  // False: it holds something else, or is too small for anything.
  bool format(std::span<std::byte> memory) noexcept;
  bool adopt(std::span<std::byte> memory) noexcept;

  // Bytes for so many words of a lane and entries of the directory.
  static std::size_t bytes_for(std::size_t words, std::size_t entries) noexcept;

  // A configuration begins to claim its words: the number by which its processes are known.
  std::uint64_t begin_generation() noexcept;
  // The words of that name and size, in lane 0: what they count goes on, if they were there; null:
  // there is no room.
  std::uint64_t* claim(std::string_view identity, std::uint32_t words,
                       std::uint64_t generation) noexcept;

  // How much is claimed by configurations that may still count, of the words or of the directory,
  // whichever is fuller.
  void read_use(std::uint64_t& used, std::uint64_t& places) const noexcept;
  // How often claim() had no room.
  std::uint64_t refused() const noexcept;

  std::uint64_t sum(const std::uint64_t* word) const noexcept {
    std::uint64_t total = 0;
    each_lane([&](std::size_t offset) { total += load(word[offset]); });
    return total;
  }
  // each(offset): of the lanes in which anybody ever has counted.
  template <class Each>
  void each_lane(Each&& each) const noexcept {
    const std::uint64_t used = load(*used_lanes_);
    for (std::size_t lane = 0; lane < kMetricLanes; ++lane) {
      if ((used >> lane & 1) != 0) each(lane * lane_words_);
    }
  }

  // In a worker. Sets metric_lane. Null: more processes than kMetricWorkers. crashed: set to how
  // many were found dead that had not said goodbye.
  MetricWorker* enter(std::uint64_t process, std::uint64_t number, std::uint64_t generation,
                      std::uint64_t layout, std::uint64_t& crashed) noexcept;
  static void leave(MetricWorker& worker) noexcept { worker.process.store(0); }
  // How many have died since that had not said goodbye. Each is told once, to one process.
  std::uint64_t forget_dead() noexcept;
  std::span<MetricWorker> workers() const noexcept;

  // The time of day in milliseconds at which the memory was laid out: when this nginx began.
  std::uint64_t started_ms() const noexcept;
  // True to the first who asks for this configuration, which is then the one in force since now_ms.
  bool put_in_force(std::uint64_t configuration, std::uint64_t now_ms) noexcept;
  std::uint64_t configurations() const noexcept;  // that were put in force
  std::uint64_t in_force_since_ms() const noexcept;

 private:
  static std::uint64_t load(const std::uint64_t& word) noexcept {
    return __atomic_load_n(&word, __ATOMIC_RELAXED);
  }
  void locate(std::span<std::byte> memory) noexcept;
  MetricEntry* find(std::uint64_t low, std::uint64_t high) const noexcept;
  std::uint64_t oldest_alive(std::uint64_t generation) const noexcept;
  MetricEntry* recycle(std::uint32_t words, std::uint64_t generation) noexcept;
  void clear(const MetricEntry& entry) noexcept;

  MetricHeader* header_ = nullptr;
  std::uint64_t* used_lanes_ = nullptr;
  MetricEntry* entries_ = nullptr;
  std::uint64_t* words_ = nullptr;
  std::size_t capacity_ = 0;    // entries
  std::size_t lane_words_ = 0;  // words of a lane
};

}  // namespace guard::core
