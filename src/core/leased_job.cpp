#include "core/leased_job.h"

#include <unistd.h>

#include <algorithm>

#include "core/clock.h"
#include "core/core_config.h"
#include "ngx/module.h"

namespace guard::core {

namespace {

constexpr ngx_msec_t kMaxStep = 100;   // within which the holder sees that it is to quit
constexpr ngx_msec_t kFinishStep = 5;  // within which it sees that its last run is over

}  // namespace

LeasedJob::LeasedJob(ngx_msec_t interval, const Work& work, void* context) noexcept
    : interval_(interval),
      work_(work),
      context_(context),
      waiting_([](void* self) noexcept { static_cast<LeasedJob*>(self)->tick(); }, this, false),
      working_([](void* self) noexcept { static_cast<LeasedJob*>(self)->tick(); }, this, true) {}

void LeasedJob::start() noexcept {
  lease_.emplace(work_.lease(context_), getpid());
  due_ = ngx_current_msec;
  quitting_ = false;
  waiting_.start(std::min(interval_, kMaxStep));
}

void LeasedJob::stop() noexcept {
  waiting_.stop();
  working_.stop();
  if (lease_) lease_->release();
}

bool LeasedJob::hold() noexcept {
  return lease_->hold(microseconds() / 1000, std::max(4 * interval_, kLeast));
}

void LeasedJob::tick() noexcept {
  if (ngx_exiting) return quit();
  bool fresh = !lease_->held();
  if (!hold()) return waiting_.start(interval_);
  if (fresh || static_cast<ngx_msec_int_t>(ngx_current_msec - due_) >= 0) {
    // In step, unless a step was missed.
    due_ += interval_;
    if (static_cast<ngx_msec_int_t>(ngx_current_msec - due_) >= 0 || fresh) {
      due_ = ngx_current_msec + interval_;
    }
    work_.run(context_, fresh);
  }
  working_.start(std::min(due_ - ngx_current_msec, kMaxStep));
}

// The other workers may be about to end as well, or to go on.
void LeasedJob::quit() noexcept {
  if (!lease_->held()) return;
  if (!quitting_) {
    quitting_ = true;
    if (!hold()) return;
    work_.run(context_, false);
  }
  if (work_.busy(context_) && hold()) return working_.start(kFinishStep);
  lease_->release();
}

void add_job(ngx_conf_t* cf, ngx_msec_t interval, const LeasedJob::Work& work, void* context) {
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
  main.jobs.push_back(std::make_unique<LeasedJob>(interval, work, context));
}

void start_jobs(ngx_cycle_t* cycle) noexcept {
  if (!ngx::is_worker()) return;
  const MainConf* conf = main_conf(cycle);
  if (conf == nullptr) return;
  for (const auto& job : conf->jobs) job->start();
}

void stop_jobs(ngx_cycle_t* cycle) noexcept {
  const MainConf* conf = main_conf(cycle);
  if (conf == nullptr) return;
  for (const auto& job : conf->jobs) job->stop();
}

}  // namespace guard::core
