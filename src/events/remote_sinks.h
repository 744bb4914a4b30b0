// Destinations of event lines that are no files: syslog and a stream of Redis.
#pragma once

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/message_queue.h"
#include "core/message_stream.h"
#include "core/stream_writer.h"
#include "events/datagram_socket.h"
#include "events/ecs_encoder.h"
#include "events/line_sink.h"
#include "events/syslog.h"

namespace guard::events {

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
  bool finish() noexcept override {
    flush();
    return queue_.empty();
  }

  bool pending() const noexcept override { return !queue_.empty(); }
  std::size_t waiting() const noexcept override { return queue_.size(); }
  bool busy() const noexcept override {
    return socket_ && (socket_->error() == EAGAIN || socket_->error() == ENOBUFS);
  }
  bool moved() const noexcept override { return !socket_ || socket_->moved(); }
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
  std::size_t waiting() const noexcept override { return queue_.size(); }
  bool needs_loop() const noexcept override { return true; }
  std::string_view why() const noexcept override { return writer_.why(); }

 private:
  core::MessageQueue queue_;
  core::StreamWriter writer_;
};

}  // namespace guard::events
