// How much of a zone is in use, and how many of its keys are locked or banned now: counted by one
// worker of all, a piece at a time, so that nobody waits for it however large the zone is. What is
// read is the result of the last time round, some seconds old where the zone is large.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/leased_job.h"
#include "core/metric.h"

namespace guard::core {

struct Tally {
  std::uint64_t entries = 0;   // in use
  std::uint64_t in_force = 0;  // of locks or bans
};

class Census {
 public:
  static constexpr ngx_msec_t kInterval = 200;  // milliseconds between two pieces

  struct Subject {
    std::string zone;
    // Of locks or bans, with its labels; null: there is nothing of that kind.
    const MetricFamily* in_force = nullptr;
    std::string labels;
    void* context = nullptr;
    // All three in a worker. Sets of the zone, and entries of a set.
    std::uint64_t (*sets)(void* context) noexcept = nullptr;
    std::uint64_t ways = 1;
    // Adds what is in the sets first to first + count - 1.
    void (*add)(void* context, std::uint64_t first, std::uint64_t count,
                Tally& tally) noexcept = nullptr;
    // What was given up so far although it still counted.
    std::uint64_t (*evictions)(void* context) noexcept = nullptr;
  };

  explicit Census(Subject subject) : subject_(std::move(subject)) {}

  const std::string& zone() const { return subject_.zone; }
  // In a worker; false: the first time round is not over yet.
  bool read_use(std::uint64_t& used, std::uint64_t& places) const noexcept;

  // Configuration time.
  void add_to(ngx_conf_t* cf, MetricRegistry& registry);

 private:
  enum Word : std::uint8_t { kLease, kDone, kEntries, kPlaces, kInForce, kWords };

  static std::uint64_t& lease(void* context) noexcept;
  static void run(void* context, bool fresh) noexcept;
  static bool write_used(void* context, std::size_t index, MetricText& out);
  static bool write_evictions(void* context, std::size_t index, MetricText& out);
  static bool write_in_force(void* context, std::size_t index, MetricText& out);
  void step(bool fresh) noexcept;
  std::uint64_t read(Word word) const noexcept;

  Subject subject_;
  const MetricBlock* block_ = nullptr;
  std::uint64_t own_lease_ = 0;  // where there is no room for the words
  std::uint64_t next_ = 0;       // set
  std::uint64_t begun_ms_ = 0;   // when this round was
  Tally tally_;
};

// Somebody reads the metrics; before locations are merged.
void want_metrics(ngx_conf_t* cf);
bool metrics_wanted(ngx_conf_t* cf);

// While directives are read; counted only where somebody reads the metrics.
void add_census(ngx_conf_t* cf, Census::Subject subject);
// How full a zone is. Whether anybody can know is asked once all directives are read: throws
// ConfigError, who in it, if there is no such zone, or none that fills. For it somebody must
// want_metrics().
void check_zone_use(ngx_conf_t* cf, std::string_view zone, std::string_view who);
// In a worker, entries or pages; false: it is not known yet.
bool zone_use(ngx_cycle_t* cycle, std::string_view zone, std::uint64_t& used,
              std::uint64_t& places) noexcept;

// Zones of whatever module; null: there is none of that name.
const ngx_shm_zone_t* find_zone(const ngx_cycle_t* cycle, std::string_view name) noexcept;
// Of other modules' zones, in a worker. Guard's own take all pages at once: false.
bool pages_in_use(const ngx_shm_zone_t& zone, std::uint64_t& used, std::uint64_t& places) noexcept;

// For the module of the metrics, once all is known.
void start_censuses(ngx_conf_t* cf);

}  // namespace guard::core
