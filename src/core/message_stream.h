// Messages of a queue over a TCP connection that opens itself again: nothing blocks, nothing is
// said in the log. What was not written as a whole when a connection breaks is written again, as a
// whole, over the next one.
#pragma once

#include <array>
#include <string_view>

#include "core/message_queue.h"
#include "ngx/outgoing.h"

namespace guard::core {

class MessageStream final : private ngx::Outgoing::Owner {
 public:
  static constexpr ngx_msec_t kRetry = 1000;    // between two attempts to connect
  static constexpr ngx_msec_t kConnect = 5000;  // for one
  static constexpr ngx_msec_t kStalled = 5000;  // who takes nothing for so long is not slow

  // Both must outlive it. The queue's messages are written as they are, one behind the other.
  MessageStream(const ngx::Endpoint& endpoint, MessageQueue& queue) noexcept
      : endpoint_(endpoint), queue_(queue), connection_(*this) {}

  // Writes what the connection takes, and opens it where that is due. To be called again while
  // something is left; true: nothing is.
  bool flush() noexcept;

  // Why nothing can be written; empty while it can, or while it is not known yet.
  std::string_view why() const noexcept { return {why_.data(), why_size_}; }

 private:
  enum class State : std::uint8_t { closed, opening, open };

  void opened() noexcept override;
  void readable() noexcept override { drain(); }
  void writable() noexcept override { pump(); }
  void broken() noexcept override { lose(connection_.why()); }

  void connect() noexcept;
  bool pump() noexcept;
  bool drain() noexcept;
  void lose(std::string_view why) noexcept;
  void explain(std::string_view why) noexcept;

  const ngx::Endpoint& endpoint_;
  MessageQueue& queue_;
  ngx::Outgoing connection_;
  State state_ = State::closed;
  bool tried_ = false;
  ngx_msec_t tried_at_ = 0;
  ngx_msec_t moved_at_ = 0;  // when the connection last took anything
  std::size_t written_ = 0;  // of the first message
  std::array<char, 128> why_{};
  std::size_t why_size_ = 0;
};

}  // namespace guard::core
