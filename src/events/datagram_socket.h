// Datagrams of a queue to a UDP or Unix socket. Plain POSIX, nothing waits.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <utility>

#include "core/message_queue.h"

namespace guard::events {

class DatagramSocket {
 public:
  // address must outlive it.
  DatagramSocket(const sockaddr* address, socklen_t length) noexcept
      : address_(address), length_(length) {}
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;
  ~DatagramSocket() { close(); }

  // Sends what it can of the queue, each message as one datagram, and opens the socket where that
  // is needed. True if nothing is left, nor anything unknown of what was sent: UDP tells only
  // afterwards that nobody was there.
  bool flush(core::MessageQueue& queue) noexcept;

  // Messages that were refused for good since the last call: too long, or nobody was there.
  std::uint64_t take_refused() noexcept { return std::exchange(refused_, 0); }
  // The errno of the last failure; 0: none.
  int error() const noexcept { return error_; }
  // Whether the last flush() brought anything away.
  bool moved() const noexcept { return moved_; }

 private:
  bool open() noexcept;
  void close() noexcept;
  void listen() noexcept;

  const sockaddr* address_;
  socklen_t length_;
  int fd_ = -1;
  int error_ = 0;
  bool moved_ = false;
  bool unheard_ = false;  // the last datagram may still be refused
  std::uint64_t refused_ = 0;
};

}  // namespace guard::events
