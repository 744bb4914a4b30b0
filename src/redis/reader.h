// Replies out of bytes that a server, or whatever answers in its place, has sent: hiredis's parser
// within bounds.
#pragma once

#include <hiredis/hiredis.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "redis/reply.h"

namespace guard::redis {

class Reader {
 public:
  static constexpr std::size_t kMostBytes = 1 << 20;      // without a whole reply among them
  static constexpr std::size_t kMostElements = 64 << 10;  // of one array

  // False: out of memory.
  bool start() noexcept;
  void stop() noexcept { reader_.reset(); }

  // False: not RESP, too much, or out of memory; nothing can be read any more.
  bool feed(std::string_view bytes) noexcept;
  // Calls each(Reply) for every whole reply; ends early, with true, once each answers false, after
  // which the reader may be gone. False: as feed().
  template <class Each>
  bool drain(Each&& each) noexcept {
    for (;;) {
      void* reply = nullptr;
      if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) return false;
      if (reply == nullptr) return bytes_ <= kMostBytes;
      bytes_ = 0;
      const std::unique_ptr<void, Free> owner(reply);
      if (!each(Reply(static_cast<const void*>(reply)))) return true;
    }
  }

 private:
  struct Free {
    void operator()(void* reply) const noexcept { freeReplyObject(reply); }
    void operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }
  };
  std::unique_ptr<redisReader, Free> reader_;
  std::size_t bytes_ = 0;  // since the last whole reply
};

}  // namespace guard::redis
