// Workers that share a job, on a clock and with process numbers of the test's own: who does it,
// when, and what becomes of it when one of them hangs, dies or quits.
#include <functional>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "nginx_stub.h"

#include "core/core_config.h"
#include "core/leased_job.h"

using guard::core::LeasedJob;

namespace {

pid_t process;  // whose turn it is
guard::core::MainConf* configured;

}  // namespace

// The clock of leases goes with the timers'.
extern "C" int clock_gettime(clockid_t, timespec* now) noexcept {
  now->tv_sec = static_cast<time_t>(ngx_current_msec / 1000);
  now->tv_nsec = static_cast<long>(ngx_current_msec % 1000) * 1'000'000;
  return 0;
}

extern "C" pid_t getpid() noexcept {
  return process;
}

namespace guard::core {

MainConf* main_conf(ngx_cycle_t*) noexcept {
  return configured;
}

}  // namespace guard::core

namespace {

struct Run {
  ngx_msec_t at;
  bool fresh;
};

struct Worker {
  explicit Worker(std::uint64_t& lease, ngx_msec_t interval = 100)
      : word(lease), job(interval, kWork, this) {}

  void start(pid_t number) {
    process = number;
    job.start();
  }
  std::vector<ngx_msec_t> times() const {
    std::vector<ngx_msec_t> all;
    for (const Run& run : runs) all.push_back(run.at);
    return all;
  }

  static const LeasedJob::Work kWork;
  std::uint64_t& word;
  LeasedJob job;
  std::vector<Run> runs;
  std::function<void()> work = [] {};
  bool busy = false;
};

const LeasedJob::Work Worker::kWork = {
    [](void* self) noexcept -> std::uint64_t& { return static_cast<Worker*>(self)->word; },
    [](void* self, bool fresh) noexcept {
      auto& worker = *static_cast<Worker*>(self);
      worker.runs.push_back({ngx_current_msec, fresh});
      worker.work();
    },
    [](void* self) noexcept { return static_cast<Worker*>(self)->busy; }};

// Both are alive: numbers of processes that the lease can look for.
pid_t one_number, other_number;

pid_t gone() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

void run_until(ngx_msec_t end) {
  while (stub::run_timer(end)) {
  }
  ngx_current_msec = end;
}

int begin(void**) {
  ngx_current_msec = 1'000'000;
  ngx_exiting = 0;
  ngx_process = NGX_PROCESS_WORKER;
  configured = nullptr;
  return 0;
}

void one_of_all_does_it(void**) {
  std::uint64_t lease = 0;
  Worker one(lease), other(lease);
  one.start(one_number);
  other.start(other_number);
  run_until(1'001'000);
  assert_true(other.runs.empty());
  assert_int_equal(one.runs.size(), 10);
  for (std::size_t i = 0; i < one.runs.size(); ++i) {
    assert_int_equal(one.runs[i].at, 1'000'100 + 100 * i);
    assert_int_equal(one.runs[i].fresh, i == 0);
  }
  // It is given up in good order: the other has it within an interval.
  one.job.stop();
  assert_int_equal(lease, 0);
  run_until(1'001'300);
  assert_int_equal(one.runs.size(), 10);
  assert_in_range(other.runs.size(), 2, 3);
  assert_true(other.runs[0].fresh);
  assert_false(other.runs[1].fresh);
  other.job.stop();
  assert_false(stub::run_timer());
}

// A timer that fires late moves nothing, unless a whole step was missed.
void steps_are_kept(void**) {
  std::uint64_t lease = 0;
  Worker one(lease);
  one.start(one_number);
  run_until(1'000'100);
  for (const ngx_msec_t at : {1'000'230, 1'000'399, 1'000'400, 1'000'510, 1'000'850, 1'000'950}) {
    ngx_current_msec = at;
    assert_true(stub::run_timer());
    assert_int_equal(ngx_current_msec, at);
    assert_int_equal(one.runs.back().at, at);
  }
  // The next one that is due comes at its time.
  assert_true(stub::run_timer());
  assert_int_equal(one.runs.back().at, 1'001'050);
  assert_int_equal(one.runs.size(), 8);
  one.job.stop();
}

// Who has the job looks more often than he works: he might be told to quit.
void a_long_interval(void**) {
  std::uint64_t lease = 0;
  Worker one(lease, 5000), other(lease, 5000);
  one.start(one_number);
  other.start(other_number);
  run_until(1'016'000);
  const std::vector<ngx_msec_t> times = one.times();
  assert_int_equal(times.size(), 4);
  assert_int_equal(times[0], 1'000'100);
  for (std::size_t i = 1; i < times.size(); ++i) assert_int_equal(times[i] - times[i - 1], 5000);
  assert_true(other.runs.empty());
  ngx_exiting = 1;
  const ngx_msec_t told = ngx_current_msec;
  while (one.runs.size() == 4) assert_true(stub::run_timer());
  assert_in_range(ngx_current_msec - told, 0, 100);
  other.job.stop();
}

void who_hangs_is_replaced(void**) {
  std::uint64_t lease = 0;
  Worker one(lease), other(lease);
  one.work = [&] {
    if (one.runs.size() != 3) return;
    // Only the other's timers run meanwhile.
    const ngx_msec_t begun = ngx_current_msec;
    process = other_number;
    while (other.runs.empty()) assert_true(stub::run_timer());
    assert_in_range(ngx_current_msec - begun, LeasedJob::kLeast - 100, LeasedJob::kLeast + 100);
  };
  one.start(one_number);
  other.start(other_number);
  run_until(1'003'000);
  // He finds another one's name there, and stays away.
  assert_int_equal(one.runs.size(), 3);
  assert_true(other.runs.size() > 10);
  assert_true(other.runs[0].fresh);
  other.job.stop();
  run_until(1'003'300);
  assert_true(one.runs.size() > 3);
  assert_true(one.runs[3].fresh);
  one.job.stop();
}

void who_dies_is_replaced_at_once(void**) {
  std::uint64_t lease = 0;
  Worker one(lease);
  guard::core::Lease dead(lease, gone());
  assert_true(dead.hold(ngx_current_msec, 3'600'000));
  one.start(one_number);
  run_until(1'000'100);
  assert_int_equal(one.runs.size(), 1);
  assert_true(one.runs[0].fresh);
  one.job.stop();
}

// A reload: the old worker does it once more, waits until it is done, and then the new one has it.
void who_quits_does_it_once_more(void**) {
  std::uint64_t lease = 0;
  Worker old(lease), idle(lease);
  old.start(one_number);
  idle.start(other_number);
  run_until(1'000'450);
  const std::size_t before = old.runs.size();
  old.busy = true;
  ngx_exiting = 1;
  run_until(1'000'700);
  assert_int_equal(old.runs.size(), before + 1);
  assert_false(old.runs.back().fresh);
  // nginx lets the worker go when no such timer is left.
  assert_true(stub::waited_for());
  assert_true(lease != 0);
  old.busy = false;
  while (stub::run_timer()) {
  }
  assert_int_equal(lease, 0);
  assert_int_equal(old.runs.size(), before + 1);
  // Who does not have it has nothing to finish.
  assert_true(idle.runs.empty());

  ngx_exiting = 0;
  Worker next(lease);
  next.start(other_number);
  run_until(ngx_current_msec + 150);
  assert_int_equal(next.runs.size(), 1);
  assert_true(next.runs[0].fresh);
  next.job.stop();
}

// Nobody waits for an idle worker's timers, nor does the job outlive its lease.
void a_quit_is_not_held_up(void**) {
  std::uint64_t lease = 0;
  Worker idle(lease);
  guard::core::Lease other(lease, other_number);
  assert_true(other.hold(ngx_current_msec, 3'600'000));
  idle.start(one_number);
  run_until(1'000'300);
  assert_false(stub::waited_for());
  idle.job.stop();
  other.release();

  Worker holder(lease);
  holder.start(one_number);
  run_until(1'000'600);
  assert_int_equal(holder.runs.empty(), false);
  holder.busy = true;
  ngx_exiting = 1;
  run_until(1'000'700);
  assert_true(stub::waited_for());
  // It hangs, and another one takes over: what it still does is not worth waiting for.
  ngx_current_msec = ngx_current_msec + (2 * LeasedJob::kLeast);
  assert_true(other.hold(ngx_current_msec, 1000));
  assert_true(stub::run_timer());
  assert_false(stub::waited_for());
  // Nor does it take away what is the other's.
  assert_true(other.hold(ngx_current_msec, 1000));
  other.release();

  // One that has lost the lease before it hears of the quit does nothing at all.
  ngx_exiting = 0;
  Worker late(lease);
  late.start(one_number);
  run_until(ngx_current_msec + 300);
  const std::size_t runs = late.runs.size();
  assert_true(runs > 0);
  ngx_current_msec = ngx_current_msec + (2 * LeasedJob::kLeast);
  assert_true(other.hold(ngx_current_msec, 1000));
  ngx_exiting = 1;
  while (stub::run_timer()) {
  }
  assert_int_equal(late.runs.size(), runs);
  assert_true(other.hold(ngx_current_msec, 1000));
}

void jobs_of_the_configuration(void**) {
  stub::Conf conf;
  guard::core::MainConf main;
  void* confs[] = {&main};
  ngx_http_conf_ctx_t context{};
  context.main_conf = confs;
  conf.get()->ctx = &context;
  std::uint64_t leases[2] = {};
  Worker one(leases[0]), other(leases[1]);
  guard::core::add_job(conf.get(), 100, Worker::kWork, &one);
  guard::core::add_job(conf.get(), 300, Worker::kWork, &other);
  assert_int_equal(main.jobs.size(), 2);

  // No http {} at all.
  guard::core::start_jobs(conf.cycle());
  assert_false(stub::run_timer());
  configured = &main;
  // The processes that look after caches.
  ngx_process = NGX_PROCESS_HELPER;
  guard::core::start_jobs(conf.cycle());
  assert_false(stub::run_timer());
  process = one_number;
  for (const ngx_uint_t kind : {NGX_PROCESS_WORKER, NGX_PROCESS_SINGLE}) {
    one.runs.clear();
    other.runs.clear();
    ngx_process = kind;
    guard::core::start_jobs(conf.cycle());
    run_until(ngx_current_msec + 1000);
    assert_in_range(one.runs.size(), 9, 11);
    assert_in_range(other.runs.size(), 3, 5);
    guard::core::stop_jobs(conf.cycle());
    assert_false(stub::run_timer());
    assert_true(leases[0] == 0 && leases[1] == 0);
  }
  configured = nullptr;
  guard::core::stop_jobs(conf.cycle());
}

}  // namespace

int main() {
  one_number = getppid();
  // The clock's and the numbers' own functions are the test's; a child that sleeps is another one.
  other_number = fork();
  if (other_number == 0) {
    pause();
    _exit(0);
  }
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(one_of_all_does_it, begin),
      cmocka_unit_test_setup(steps_are_kept, begin),
      cmocka_unit_test_setup(a_long_interval, begin),
      cmocka_unit_test_setup(who_hangs_is_replaced, begin),
      cmocka_unit_test_setup(who_dies_is_replaced_at_once, begin),
      cmocka_unit_test_setup(who_quits_does_it_once_more, begin),
      cmocka_unit_test_setup(a_quit_is_not_held_up, begin),
      cmocka_unit_test_setup(jobs_of_the_configuration, begin),
  };
  const int failures = cmocka_run_group_tests(tests, nullptr, nullptr);
  kill(other_number, SIGKILL);
  waitpid(other_number, nullptr, 0);
  return failures;
}
