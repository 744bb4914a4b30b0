// One destination of event lines, however many guard_event_log name it: opened while the
// configuration is read, with a LineSink in each worker. For events_module.cpp.
#pragma once

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/message_queue.h"
#include "core/metric.h"
#include "core/message_stream.h"
#include "core/stream_writer.h"
#include "events/chain.h"
#include "events/chained_lines.h"
#include "events/datagram_socket.h"
#include "events/ecs_encoder.h"
#include "events/file_sink.h"
#include "events/policy.h"
#include "events/syslog.h"
#include "ngx/config.h"
#include "ngx/outgoing.h"

namespace guard::events {

inline constexpr std::size_t kBuffer = 256 * 1024;  // bytes of lines that a worker keeps of a sink
inline constexpr std::size_t kFlushAt = 64 * 1024;
inline constexpr int kPipeSize = 1024 * 1024;

inline std::string_view without_line_feed(std::string_view line) noexcept {
  line.remove_suffix(1);
  return line;
}

// Datagrams or a TCP connection.
class SyslogSink : public LineSink {
 public:
  SyslogSink(const SyslogTarget& target, const ngx::Endpoint& endpoint, const Writer& writer)
      : format_(target, writer.host, writer.process_id), queue_(kBuffer) {
    if (target.transport == SyslogTransport::tcp) {
      stream_.emplace(endpoint, queue_);
    } else if (endpoint.count != 0) {
      const ngx::Endpoint::Address& address = endpoint.addresses[0];
      socket_.emplace(reinterpret_cast<const sockaddr*>(&address.bytes), address.length);
    }
  }

  std::size_t room() const noexcept override { return kLineMax; }

  bool append(std::string_view line, const LineFacts& facts) noexcept override {
    const std::string_view text = without_line_feed(line);
    std::array<char, SyslogFormat::kHeadMax> head;
    if (!queue_.push({format_.head(text, facts.severity, facts.kind, head), text})) {
      lose();
      return false;
    }
    took();
    if (queue_.used() >= kFlushAt && why().empty()) flush();
    return true;
  }

  bool flush() noexcept override {
    if (stream_) return stream_->flush();
    if (!socket_) return queue_.empty();
    const bool done = socket_->flush(queue_);
    for (std::uint64_t refused = socket_->take_refused(); refused != 0; --refused) lose();
    return done;
  }

  bool pending() const noexcept override { return !queue_.empty(); }
  bool busy() const noexcept override {
    return socket_ && (socket_->error() == EAGAIN || socket_->error() == ENOBUFS);
  }
  bool needs_loop() const noexcept override { return stream_.has_value(); }
  std::string_view why() const noexcept override {
    if (stream_) return stream_->why();
    if (!socket_) return "its host was not found";
    return socket_->error() == 0 ? std::string_view() : strerrordesc_np(socket_->error());
  }

 private:
  SyslogFormat format_;
  core::MessageQueue queue_;
  std::optional<core::MessageStream> stream_;
  std::optional<DatagramSocket> socket_;
};

class RedisSink : public LineSink {
 public:
  RedisSink(redis::Client& client, std::string key, std::uint64_t maxlen)
      : queue_(kBuffer), writer_(client, std::move(key), maxlen, queue_) {}

  std::size_t room() const noexcept override { return kLineMax; }
  bool append(std::string_view line, const LineFacts& /*facts*/) noexcept override {
    if (!queue_.push({without_line_feed(line)})) {
      lose();
      return false;
    }
    // After a failure only the timer tries again: an outage costs nothing per event.
    took();
    if (queue_.used() >= kFlushAt && why().empty()) flush();
    return true;
  }
  bool flush() noexcept override { return writer_.flush(); }
  bool finish() noexcept override { return queue_.empty(); }
  bool pending() const noexcept override { return !queue_.empty(); }
  bool needs_loop() const noexcept override { return true; }
  std::string_view why() const noexcept override { return writer_.why(); }

 private:
  core::MessageQueue queue_;
  core::StreamWriter writer_;
};

class Sink {
 public:
  // name: a file's full path, NUL-terminated, or what else the directive says. Opens what is to be
  // opened; throws.
  Sink(ngx_conf_t* cf, const LogPolicy& policy, std::string_view name)
      : place(ngx::place_of(cf)), policy_(policy), name_(name) {
    switch (policy.destination) {
      case Destination::file:
        open(cf);
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
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() {
    if (pipe_ >= 0) ::close(pipe_);
  }

  std::string_view name() const { return name_; }
  const LogPolicy& policy() const { return policy_; }
  bool is_file() const { return policy_.destination == Destination::file; }
  bool rotates() const { return policy_.rotate != 0; }

  // In a worker; may throw std::bad_alloc.
  void start(const Writer& writer) {
    switch (policy_.destination) {
      case Destination::file: {
        std::optional<Rotation> rotation;
        if (rotates()) rotation.emplace(std::string(name_), policy_.rotate, policy_.keep);
        auto made = std::make_unique<FileSink>(kBuffer, kFlushAt, std::move(rotation));
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
      chain = std::make_unique<Chain>(
          secret, ChainOwner{entity_id(writer), writer.host, std::string(name_)});
      secret = core::Secret();
      lines = std::make_unique<ChainedLines>(*chain, std::move(lines));
    }
    lines->count_in(*taken, *lost);
    attach();
  }

  // Before each use: nginx may have opened the file again.
  void attach() noexcept {
    if (file_lines_ != nullptr) file_lines_->attach(file_ != nullptr ? file_->fd : pipe_);
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
  bool complained_of_rotation = false;

 private:
  void open(ngx_conf_t* cf);

  LogPolicy policy_;
  std::string_view name_;
  ngx_open_file_t* file_ = nullptr;
  int pipe_ = -1;
  ngx::Endpoint endpoint_;
  redis::Client* redis_ = nullptr;
  FileSink* file_lines_ = nullptr;
};

// nginx opens and reopens regular files. It would wait for a reader of a named pipe, at the start
// and again at every USR1, so those are opened here, for reading as well: that never waits, and
// neither a missing reader nor one that goes away is an error.
inline void Sink::open(ngx_conf_t* cf) {
  struct stat info {};
  const bool there = ::stat(name_.data(), &info) == 0;
  if (rotates() && there && !S_ISREG(info.st_mode)) {
    core::fail("\"rotate=\" of \"", policy_.path, "\", which is no regular file");
  }
  if (!there || !S_ISFIFO(info.st_mode)) {
    ngx_str_t name = ngx::borrow(name_);
    file_ = ngx_conf_open_file(cf->cycle, &name);
    if (file_ == nullptr) throw std::bad_alloc();
    return;
  }
  pipe_ = ::open(name_.data(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (pipe_ < 0) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "open() \"%s\" failed", name_.data());
    throw ngx::AlreadyLogged{};
  }
  ::fcntl(pipe_, F_SETPIPE_SZ, kPipeSize);
}

}  // namespace guard::events
