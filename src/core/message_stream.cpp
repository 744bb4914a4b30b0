#include "core/message_stream.h"

#include <algorithm>
#include <cstring>

namespace guard::core {

bool MessageStream::flush() noexcept {
  if (queue_.empty()) return true;
  switch (state_) {
    case State::closed:
      if (!tried_ || ngx_current_msec - tried_at_ >= kRetry) connect();
      break;
    case State::opening:
      if (ngx_current_msec - tried_at_ >= kConnect) lose("connecting takes too long");
      break;
    case State::open:
      break;
  }
  // The other end may have gone since: what is written then is lost.
  if (state_ != State::open || !drain()) return false;
  if (pump()) return true;
  // What it has been given is not lost, so the connection stays.
  if (state_ == State::open && ngx_current_msec - moved_at_ >= kStalled) {
    explain("the other side takes nothing");
  }
  return false;
}

void MessageStream::connect() noexcept {
  tried_ = true;
  tried_at_ = ngx_current_msec;
  switch (connection_.open(endpoint_, {})) {
    case ngx::Outgoing::Opening::opened:
      state_ = State::open;
      moved_at_ = ngx_current_msec;
      why_size_ = 0;
      break;
    case ngx::Outgoing::Opening::pending:
      state_ = State::opening;
      break;
    case ngx::Outgoing::Opening::failed:
      lose(connection_.why());
      break;
  }
}

void MessageStream::opened() noexcept {
  state_ = State::open;
  moved_at_ = ngx_current_msec;
  why_size_ = 0;
  pump();
}

// Whoever takes syslog has nothing to say but that it goes.
bool MessageStream::drain() noexcept {
  std::array<char, 256> ignored;
  ssize_t size = 0;
  do {
    size = connection_.read(ignored.data(), ignored.size());
  } while (size > 0);
  if (size == 0) return true;
  lose(connection_.why());
  return false;
}

bool MessageStream::pump() noexcept {
  while (!queue_.empty()) {
    std::array<char, 16384> chunk;
    std::size_t size = 0;
    std::size_t skip = written_;
    queue_.each([&](std::string_view message) {
      message.remove_prefix(skip);
      skip = 0;
      const std::size_t part = std::min(message.size(), chunk.size() - size);
      std::memcpy(chunk.data() + size, message.data(), part);
      size += part;
      return size < chunk.size();
    });
    const ssize_t sent = connection_.write({chunk.data(), size});
    if (sent < 0) {
      lose(connection_.why());
      return false;
    }
    if (sent == 0) return false;
    moved_at_ = ngx_current_msec;
    why_size_ = 0;
    written_ += static_cast<std::size_t>(sent);
    while (!queue_.empty() && written_ >= queue_.front().size()) {
      written_ -= queue_.front().size();
      queue_.pop();
    }
  }
  return true;
}

void MessageStream::explain(std::string_view why) noexcept {
  why_size_ = std::min(why.size(), why_.size());
  std::copy_n(why.begin(), why_size_, why_.begin());
}

void MessageStream::lose(std::string_view why) noexcept {
  // One that has long had nothing to take may have been closed for that: the next one will tell.
  const bool waited = state_ == State::open && ngx_current_msec - moved_at_ >= kStalled;
  explain(waited && queue_.empty() ? std::string_view() : why);
  connection_.close();
  state_ = State::closed;
  written_ = 0;
}

}  // namespace guard::core
