// Where event lines go, in nginx's terms: the logs of a configuration, and what each worker has of
// them.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/metrics.h"
#include "core/recent_events.h"
#include "core/version.h"
#include "events/remote_sinks.h"
#include "events/sinks_module.h"
#include "ngx/fence.h"
#include "ngx/module.h"
#include "ngx/timer.h"
#include "ngx/worker_user.h"

extern "C" {
extern ngx_module_t ngx_http_guard_sinks_module;
}

namespace guard::events {

namespace {

constexpr ngx_msec_t kFlushInterval = 200;
// Where somebody takes lines, but is slow.
constexpr ngx_msec_t kBusyInterval = 5;
// Who takes nothing for so long is not slow.
constexpr ngx_msec_t kBusyLimit = 5000;
// How long a worker that quits waits for what takes lines only while its event loop runs.
constexpr ngx_msec_t kQuitLimit = 1000;
constexpr int kPipeSize = 1024 * 1024;

struct MainConf {
  std::vector<Sink*> sinks;
};

void flush_all(void* context) noexcept;

// What a worker has of its own.
struct Worker {
  explicit Worker(const Writer& writer) : encoder(writer) {}

  EcsEncoder encoder;
  std::array<char, kLineMax> line;
  // Files and datagrams are flushed when a worker quits; for the others it must stay.
  ngx::Timer timer{flush_all, nullptr, false};
  ngx::Timer waited_timer{flush_all, nullptr, true};
  std::optional<ngx_msec_t> quitting_since;
};
std::unique_ptr<Worker> worker;

constexpr core::MetricFamily kLines = {"guard_event_log_lines", core::MetricType::counter, "",
                                       "Lines of an event log, by whether it could take them"};

void add_metrics(ngx_conf_t* cf, Sink& sink, std::string_view path) {
  auto counter = [&](std::string_view result) {
    return &core::metrics_of(cf).counter(kLines,
                                         core::metric_labels({{"log", path}, {"result", result}}));
  };
  sink.taken = counter("taken");
  sink.lost = counter("lost");
}

}  // namespace

Sink::Sink(ngx_conf_t* cf, const LogPolicy& policy, std::string_view name)
    : place(ngx::place_of(cf)), policy_(policy), name_(name) {
  switch (policy.destination) {
    case Destination::file:
      open(cf);
      torn_.set(ends_torn(name_.data()));
      break;
    case Destination::syslog:
      if (!ngx::resolve(cf, endpoint_, policy.syslog.host, policy.syslog.port)) {
        ngx::warn(cf, "host \"" + policy.syslog.host + "\" of event log \"" + policy.path +
                          "\" is not found, it is taken as unavailable");
      }
      break;
    case Destination::redis:
      redis_ = &core::StreamWriter::client_named(cf, policy.redis);
      break;
  }
}

Sink::~Sink() {
  close();
}

void Sink::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Sink::start(const Writer& writer) {
  switch (policy_.destination) {
    case Destination::file: {
      std::optional<Rotation> rotation;
      if (rotates()) rotation.emplace(std::string(name_), policy_.rotate, policy_.keep);
      auto made = std::make_unique<FileSink>(torn_, kBuffer, kFlushAt, std::move(rotation));
      file_lines_ = made.get();
      lines = std::move(made);
      break;
    }
    case Destination::syslog:
      lines = std::make_unique<SyslogSink>(policy_.syslog, endpoint_, writer);
      break;
    case Destination::redis:
      lines = std::make_unique<RedisSink>(*redis_, std::string(redis_->prefix()) + policy_.stream,
                                          policy_.maxlen);
      break;
  }
  if (!secret.empty()) {
    chain = std::make_unique<Chain>(secret,
                                    ChainOwner{entity_id(writer), writer.host, std::string(name_)});
    secret = core::Secret();
    lines = std::make_unique<ChainedLines>(*chain, std::move(lines));
  }
  lines->count_in(*taken, *lost);
  attach();
}

// nginx opens and reopens regular files, but for two kinds that are opened here. It would wait for
// a reader of a named pipe, at the start and again at every USR1; opened for reading as well that
// never waits, and neither a missing reader nor one that goes away is an error. And it follows
// links: a file that rotates is in a directory of the workers' user, who could have root open any
// file of the system for the log's lines; and workers must be able to open it again, which another
// `nginx -t` may have made.
void Sink::open(ngx_conf_t* cf) {
  struct stat info {};
  const bool pipe = ::stat(name_.data(), &info) == 0 && S_ISFIFO(info.st_mode);
  if (rotates()) {
    constexpr int kFlags =
        O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    fd_ = ::open(name_.data(), kFlags | O_EXCL, NGX_FILE_DEFAULT_ACCESS);
    if (fd_ >= 0) {
      ngx::give_to_workers(cf, fd_);
    } else if (errno == EEXIST) {
      fd_ = ::open(name_.data(), kFlags, NGX_FILE_DEFAULT_ACCESS);
    }
    const bool other = fd_ < 0 ? errno == ELOOP || errno == ENXIO || errno == EISDIR
                               : ::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode);
    if (other) {
      close();
      core::fail("\"rotate=\" of \"", policy_.path, "\", which is no regular file");
    }
  } else if (pipe) {
    fd_ = ::open(name_.data(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  } else {
    ngx_str_t name = ngx::borrow(name_);
    file_ = ngx_conf_open_file(cf->cycle, &name);
    if (file_ == nullptr) throw std::bad_alloc();
    return;
  }
  if (fd_ < 0) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "open() \"%s\" failed", name_.data());
    throw ngx::AlreadyLogged{};
  }
  if (!rotates()) ::fcntl(fd_, F_SETPIPE_SZ, kPipeSize);
}

Sink* sink_of(ngx_conf_t* cf, const LogPolicy& policy) {
  ngx_str_t name = ngx::borrow(ngx::keep(cf, policy.path));
  if (policy.destination == Destination::file &&
      ngx_conf_full_name(cf->cycle, &name, 0) != NGX_OK) {
    throw std::bad_alloc();
  }
  auto& sinks =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_sinks_module))
          ->sinks;
  for (Sink* known : sinks) {
    if (known->name() != ngx::to_view(name)) continue;
    if (!same_destination(known->policy(), policy)) {
      core::fail("another \"rotate=\", \"keep=\" or \"maxlen=\" of event log \"", policy.path,
                 "\" than before");
    }
    return known;
  }
  if (policy.destination == Destination::file && !ngx::variables_in(policy.path).empty()) {
    ngx::warn(
        cf, "event log \"" + policy.path + "\" is one file: no variable is looked up in its name");
  }
  sinks.push_back(ngx::pool_new<Sink>(cf->pool, cf, policy, ngx::to_view(name)));
  add_metrics(cf, *sinks.back(), policy.path);
  return sinks.back();
}

const std::vector<Sink*>& all_sinks() noexcept {
  return static_cast<MainConf*>(
             ngx_http_cycle_get_module_main_conf(const_cast<ngx_cycle_t*>(ngx_cycle),
                                                 ngx_http_guard_sinks_module))
      ->sinks;
}

bool keeps_events() noexcept {
  return worker != nullptr;
}

// Writing

namespace {

void start_timer(ngx_msec_t interval, bool waited) noexcept;

std::uint64_t milliseconds() noexcept {
  const ngx_time_t* now = ngx_timeofday();
  return static_cast<std::uint64_t>(now->sec) * 1000 + now->msec;
}

}  // namespace

void write_line(Sink& sink, const core::Event& event, const RequestFacts* facts,
                const PrivacyPolicy& privacy) noexcept {
  if (sink.lines == nullptr) return;
  sink.attach();
  LineSink& lines = *sink.lines;
  const std::uint64_t now_ms = milliseconds();
  const std::span<char> line = std::span(worker->line).first(lines.room());
  const std::size_t size =
      worker->encoder.encode(event, facts, privacy, ++sink.sequence, now_ms, line);
  const LineFacts about = {event.severity.value_or(core::info_of(event.kind).severity),
                           core::kind_name_of(event), sink.sequence, now_ms};
  if (size == 0) {
    lines.lose();
  } else {
    lines.append({line.data(), size}, about);
  }
  const bool waited = lines.needs_loop();
  if (!worker->waited_timer.running() && (waited || !worker->timer.running())) {
    start_timer(kFlushInterval, waited);
  }
}

void keep(core::EventRing& ring, const core::Event& event, const RequestFacts* facts,
          const PrivacyPolicy& privacy) noexcept {
  const std::span<char> line = std::span(worker->line).first(core::EventRing::kLineMax);
  const std::size_t size =
      worker->encoder.encode(event, facts, privacy, ring.last() + 1, milliseconds(), line);
  if (size != 0) ring.put(without_line_feed({line.data(), size}));
}

namespace {

// Once per outage.
void complain(Sink& sink) noexcept {
  const std::string_view why = sink.lines->why();
  if (sink.complained || why.empty()) return;
  sink.complained = true;
  if (sink.is_file()) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, sink.write_error(),
                  "write() to event log \"%s\" failed, its lines are kept", sink.name().data());
    return;
  }
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                "event log \"%*s\" takes no lines, they are kept: %*s", sink.name().size(),
                sink.name().data(), why.size(), why.data());
}

bool is_slow(Sink& sink) noexcept {
  if (!sink.lines->busy()) return false;
  if (sink.lines->moved() || !sink.stuck_since) sink.stuck_since = ngx_current_msec;
  return ngx_current_msec - *sink.stuck_since < kBusyLimit;
}

void complain_of_rotation(Sink& sink) noexcept {
  const int error = sink.rotation_error();
  if (error != 0 && !sink.complained_of_rotation) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, error,
                  "rotation of event log \"%s\" failed, it goes on as it is", sink.name().data());
  }
  sink.complained_of_rotation = error != 0;
}

void tell_lost(Sink& sink) noexcept {
  std::array<char, 512> text;
  const u_char* end = ngx_snprintf(reinterpret_cast<u_char*>(text.data()), text.size(),
                                   "Lines for \"%*s\" could not be written", sink.name().size(),
                                   sink.name().data());
  core::Event event;
  event.kind = core::EventKind::events_lost;
  event.count = sink.lines->take_lost();
  event.detail = {text.data(),
                  static_cast<std::size_t>(reinterpret_cast<const char*>(end) - text.data())};
  core::publish(event);
}

// A checkpoint of all that the log took, once that is out of the worker: it must never promise a
// line that a killed worker had only in its buffer.
void sign(Sink& sink, CheckpointState state) noexcept {
  std::array<char, kCheckpointMax> line;
  const std::size_t size = sink.chain->checkpoint(state, milliseconds(), line);
  sink.checkpoints->attach();
  if (size == 0) {
    sink.checkpoints->lines->lose();
  } else {
    sink.checkpoints->lines->append({line.data(), size},
                                    {.severity = core::Severity::info, .kind = "checkpoint"});
  }
}

// What is flushed is signed when it is time. True if there is more to do.
bool keep_signed(Sink& sink) noexcept {
  if (!sink.chain || sink.checkpoints == nullptr) return false;
  // A worker that quits may have no other occasion.
  const std::uint64_t interval =
      ngx_exiting ? 0 : static_cast<std::uint64_t>(sink.checkpoint_interval.count());
  if (sink.chain->checkpoint_due(milliseconds(), interval)) sign(sink, CheckpointState::open);
  return sink.chain->unsigned_lines() || sink.checkpoints->lines->pending();
}

// A worker that quits waits for those who are gone, but not for ever.
bool may_wait() noexcept {
  if (!ngx_exiting) return true;
  if (!worker->quitting_since) worker->quitting_since = ngx_current_msec;
  return ngx_current_msec - *worker->quitting_since < kQuitLimit;
}

void flush_all(void* /*context*/) noexcept {
  bool pending = false;
  bool waited = false;
  ngx_msec_t interval = kFlushInterval;
  for (Sink* sink : all_sinks()) {
    if (sink->lines == nullptr) continue;
    sink->attach();
    const bool done = sink->lines->flush();
    complain_of_rotation(*sink);
    if (done) {
      sink->complained = false;
      sink->stuck_since.reset();
      if (sink->lines->lost() == 0) {
        if (keep_signed(*sink)) {
          pending = true;
          waited = waited || sink->checkpoints->lines->needs_loop();
        }
        continue;
      }
      tell_lost(*sink);
    } else if (is_slow(*sink)) {
      interval = kBusyInterval;
    } else {
      complain(*sink);
    }
    pending = true;
    waited = waited || sink->lines->needs_loop();
  }
  if (pending) start_timer(interval, waited && may_wait());
}

void start_timer(ngx_msec_t interval, bool waited) noexcept {
  worker->timer.stop();
  worker->waited_timer.stop();
  (waited ? worker->waited_timer : worker->timer).start(interval);
}

// A worker's life

std::string host_name() {
  return {reinterpret_cast<const char*>(ngx_cycle->hostname.data), ngx_cycle->hostname.len};
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  if (ngx_get_conf(cycle->conf_ctx, ngx_http_module) == nullptr) return NGX_OK;
  const auto& sinks = all_sinks();
  if (!ngx::is_worker()) {
    // nginx's helpers write no events and need no secrets.
    for (Sink* sink : sinks) sink->secret = core::Secret();
    return NGX_OK;
  }
  if (sinks.empty() && core::recent_events(cycle) == nullptr) return NGX_OK;
  try {
    const Writer writer{host_name(), std::string(core::kVersion),
                        static_cast<std::uint64_t>(ngx_pid), milliseconds()};
    worker = std::make_unique<Worker>(writer);
    for (Sink* sink : sinks) sink->start(writer);
    for (Sink* sink : sinks) {
      if (!sink->chain || sink->checkpoints == nullptr) continue;
      sign(*sink, CheckpointState::open);
      if (!worker->timer.running()) start_timer(kFlushInterval, false);
    }
  } catch (...) {
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "no memory for the event log");
    return NGX_ERROR;
  }
  core::Event event;
  event.kind = core::EventKind::config_loaded;
  core::publish_once(event);
  return NGX_OK;
}

void exit_process(ngx_cycle_t* cycle) noexcept {
  if (worker == nullptr) return;
  worker->timer.stop();
  worker->waited_timer.stop();
  const auto& sinks = all_sinks();
  for (Sink* sink : sinks) {
    if (sink->lines == nullptr) continue;
    sink->attach();
    if (!sink->lines->finish()) sink->lines->give_up();
    if (sink->lines->lost() != 0) tell_lost(*sink);
  }
  // What was told of one log may be in others; checkpoints come when those are done.
  for (const bool logs : {true, false}) {
    for (Sink* sink : sinks) {
      if (sink->lines == nullptr || sink->takes_events != logs) continue;
      if (sink->lines->finish() && sink->chain && sink->checkpoints != nullptr &&
          !sink->checkpoints->lines->needs_loop()) {
        sign(*sink, CheckpointState::end);
      }
      if (sink->lines->pending() || sink->lines->lost() != 0) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, sink->write_error(),
                      "lines of event log \"%*s\" are lost", sink->name().size(),
                      sink->name().data());
      }
    }
  }
  for (Sink* sink : sinks) {
    sink->lines.reset();
    sink->chain.reset();
  }
  worker.reset();
}

// Workers rename what a master that is root has opened.
void check_rotation(ngx_conf_t* cf) {
  const auto* conf =
      static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_sinks_module));
  for (const Sink* sink : conf->sinks) {
    if (!sink->rotates()) continue;
    const std::string name(sink->name());
    const std::string folder = name.substr(0, std::max<std::size_t>(name.rfind('/'), 1));
    const ngx::DirectoryAccess access = ngx::worker_access(cf, folder.c_str());
    if (access.writable && !access.sticky) continue;
    ngx::fail(cf, sink->place,
              "\"rotate=\" needs a directory where the workers' user \"" +
                  std::string(ngx::worker_user(cf)) + "\" may rename files, \"" + folder +
                  (access.writable ? "\" is sticky" : "\" is not writable for it"));
  }
}

ngx_http_module_t context = {
    nullptr,
    ngx::configuration<check_rotation>,
    ngx::create_conf<MainConf>,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

ngx_command_t commands[] = {ngx_null_command};

}  // namespace

}  // namespace guard::events

constinit ngx_module_t ngx_http_guard_sinks_module =
    guard::ngx::http_module(&guard::events::context, guard::events::commands,
                            {guard::events::init_process, guard::events::exit_process});
