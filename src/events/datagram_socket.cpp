#include "events/datagram_socket.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace guard::events {

bool DatagramSocket::open() noexcept {
  if (fd_ >= 0) return true;
  fd_ = ::socket(address_->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ >= 0 && ::connect(fd_, address_, length_) == 0) return true;
  error_ = errno;
  close();
  return false;
}

void DatagramSocket::close() noexcept {
  unheard_ = false;
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

// Who has been refused is away until a datagram is not.
void DatagramSocket::listen() noexcept {
  if (!std::exchange(unheard_, false)) return;
  socklen_t size = sizeof(error_);
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error_, &size) != 0) error_ = errno;
  if (error_ == ECONNREFUSED) ++refused_;
}

bool DatagramSocket::flush(core::MessageQueue& queue) noexcept {
  moved_ = false;
  listen();
  if (queue.empty()) return error_ == 0;
  if (!open()) return false;
  while (!queue.empty()) {
    const std::string_view message = queue.front();
    ssize_t sent = 0;
    do {
      sent = ::send(fd_, message.data(), message.size(), MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EMSGSIZE) {
      ++refused_;
      queue.pop();
      continue;
    }
    if (sent < 0) {
      error_ = errno;
      if (error_ == ECONNREFUSED && std::exchange(unheard_, false)) ++refused_;
      // It is full, for the moment; anything else may be another server's by the next try.
      if (error_ != EAGAIN && error_ != ENOBUFS) close();
      return false;
    }
    queue.pop();
    moved_ = true;
    unheard_ = address_->sa_family != AF_UNIX;
  }
  if (!unheard_) error_ = 0;
  return !unheard_;
}

}  // namespace guard::events
