// Replies out of bytes that a server, or whatever answers in its place, has sent: hiredis's parser
// within bounds.
#pragma once

#include <hiredis/read.h>

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <string_view>

#include "redis/reply.h"

namespace guard::redis {

class Reader {
 public:
  static constexpr std::size_t kMostBytes = 1 << 20;      // without a whole reply among them
  static constexpr std::size_t kMostElements = 64 << 10;  // of one array

  explicit Reader(std::size_t most_bytes = kMostBytes) noexcept : most_bytes_(most_bytes) {}

  // False: out of memory.
  bool start() noexcept;
  void stop() noexcept { reader_.reset(); }

  // False: not RESP, too much, or out of memory; nothing can be read any more.
  bool feed(std::string_view bytes) noexcept;
  // Calls each(Reply) for every whole reply; ends early, with true, once each answers false, after
  // which the reader may be gone. That reply is good until the next call, the others until each
  // returns. False: as feed().
  template <class Each>
  bool drain(Each&& each) noexcept {
    for (;;) {
      begin();
      void* reply = nullptr;
      if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) return false;
      if (reply == nullptr) return bytes_ <= most_bytes_;
      bytes_ = 0;
      whole_ = true;
      if (!each(Reply(static_cast<const Element*>(reply)))) return true;
    }
  }

 private:
  struct Functions;
  struct Free {
    void operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }
  };

  // Takes back the memory of a reply that has been whole; one that has begun keeps its own.
  void begin() noexcept {
    if (whole_) {
      memory_.release();
      elements_ = 0;
    }
    whole_ = false;
  }

  std::unique_ptr<redisReader, Free> reader_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;     // since the last whole reply
  std::size_t elements_ = 0;  // that its arrays have announced
  bool whole_ = false;
  std::array<std::byte, 2048> first_;  // enough for most replies
  std::pmr::monotonic_buffer_resource memory_{first_.data(), first_.size()};
};

}  // namespace guard::redis
