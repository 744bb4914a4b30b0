// A job that one of all workers does every so often: whoever holds its lease (core/lease.h). A
// worker that dies or hangs is replaced by another within kLeast or four intervals, whichever is
// longer; a dead one, usually, within one interval. During a reload the old workers keep the job
// until they have done it for the last time.
#pragma once

#include <cstdint>
#include <optional>

#include "core/lease.h"
#include "ngx/timer.h"

namespace guard::core {

class LeasedJob {
 public:
  static constexpr ngx_msec_t kLeast = 1000;  // milliseconds that a lease holds, at least

  struct Work {
    // The word of the lease, in shared memory.
    std::uint64_t& (*lease)(void* context) noexcept = nullptr;
    // The others are called in the event loop of the worker that holds the lease.
    //
    // fresh: this worker has just been given the job.
    void (*run)(void* context, bool fresh) noexcept = nullptr;
    // Whether what run() has begun is still under way. A worker that quits waits for it.
    bool (*busy)(void* context) noexcept = nullptr;
  };

  LeasedJob(ngx_msec_t interval, const Work& work, void* context) noexcept;

  // In a worker. One that quits runs the job once more.
  void start() noexcept;
  // Another one may have it, now.
  void stop() noexcept;

 private:
  void tick() noexcept;
  void quit() noexcept;
  bool hold() noexcept;

  ngx_msec_t interval_;
  Work work_;
  void* context_;
  std::optional<Lease> lease_;
  ngx_msec_t due_ = 0;
  bool quitting_ = false;
  ngx::Timer waiting_;  // of those who do not have the job, and never keep a worker alive
  ngx::Timer working_;  // of the one who has, and must do it once more before it goes
};

// At configuration time: all workers share this job from now on. interval: milliseconds; context
// must live as long as the configuration.
void add_job(ngx_conf_t* cf, ngx_msec_t interval, const LeasedJob::Work& work, void* context);

// For core_module.cpp.
void start_jobs(ngx_cycle_t* cycle) noexcept;
void stop_jobs(ngx_cycle_t* cycle) noexcept;

}  // namespace guard::core
