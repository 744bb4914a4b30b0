// One destination of event lines, however many guard_event_log name it: opened while the
// configuration is read, with a LineSink in each worker.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/event_ring.h"
#include "core/metric.h"
#include "core/secret.h"
#include "core/stream_writer.h"
#include "events/chain.h"
#include "events/chained_lines.h"
#include "events/ecs_encoder.h"
#include "events/file_sink.h"
#include "events/policy.h"
#include "events/request_facts.h"
#include "events/torn_mark.h"
#include "ngx/config.h"
#include "ngx/outgoing.h"

namespace guard::events {

class Sink {
 public:
  // name: a file's full path, NUL-terminated, or what else the directive says. Opens what is to be
  // opened; throws.
  Sink(ngx_conf_t* cf, const LogPolicy& policy, std::string_view name);
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink();

  std::string_view name() const { return name_; }
  const LogPolicy& policy() const { return policy_; }
  bool is_file() const { return policy_.destination == Destination::file; }
  bool rotates() const { return policy_.rotate != 0; }

  // In a worker; may throw std::bad_alloc.
  void start(const Writer& writer);

  // Before each use: nginx may have opened the file again.
  void attach() noexcept {
    if (file_lines_ != nullptr) file_lines_->attach(file_ != nullptr ? file_->fd : fd_);
  }

  // The errno of a file's last write, and that of its rotation.
  int write_error() const { return file_lines_ == nullptr ? 0 : file_lines_->error(); }
  int rotation_error() const { return file_lines_ == nullptr ? 0 : file_lines_->rotation_error(); }

  // The laxest of all its directives: what an event of the worker itself is held against.
  core::Severity min = core::Severity::critical;
  const ngx::Place place;  // of the first of them
  // Of chain= and checkpoints=. A worker wipes the secret as soon as it has its keys.
  core::Secret secret;
  Sink* checkpoints = nullptr;
  std::chrono::milliseconds checkpoint_interval{0};
  bool named = false;        // by a guard_event_log
  bool takes_events = true;  // false: checkpoints alone

  // The worker's own; null in a process without workers after a reload, which starts none.
  std::unique_ptr<Chain> chain;  // null: lines are not chained
  std::unique_ptr<LineSink> lines;
  std::uint64_t sequence = 0;
  const core::Counter* taken = nullptr;  // lines
  const core::Counter* lost = nullptr;
  bool complained = false;
  std::optional<ngx_msec_t> stuck_since;  // it is busy and has taken nothing
  bool complained_of_rotation = false;

 private:
  void open(ngx_conf_t* cf);
  void close() noexcept;

  LogPolicy policy_;
  std::string_view name_;
  TornMark torn_;                    // of a file
  ngx_open_file_t* file_ = nullptr;  // that nginx opens
  int fd_ = -1;                      // of what is opened here
  ngx::Endpoint endpoint_;
  redis::Client* redis_ = nullptr;
  FileSink* file_lines_ = nullptr;
};

// Configuration: that of a destination, made when it is first named.
Sink* sink_of(ngx_conf_t* cf, const LogPolicy& policy);

// Of the configuration in force.
const std::vector<Sink*>& all_sinks() noexcept;
// Whether this process has a use for events.
bool keeps_events() noexcept;
// facts: of the request that it is about; null: of none.
void write_line(Sink& sink, const core::Event& event, const RequestFacts* facts,
                const PrivacyPolicy& privacy) noexcept;
// Into the newest events, which have a number of their own.
void keep(core::EventRing& ring, const core::Event& event, const RequestFacts* facts,
          const PrivacyPolicy& privacy) noexcept;

}  // namespace guard::events
