// Bytes on their way to Redis, and how commands are spelled in them: RESP arrays of bulk strings
// (RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec/).
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/scratch.h"

namespace guard::redis {

// A queue of bytes. Running out of memory is remembered until clear(): what was put since is
// worthless, and the connection must be given up.
class Output {
 public:
  static constexpr std::size_t kKeep = 64 << 10;  // bytes that are held while nothing waits

  void put(std::string_view bytes) noexcept;

  // "*N\r\n": a command of count words follows.
  void begin(std::size_t count) noexcept { prefix('*', count); }
  void bulk(std::string_view word) noexcept { bulk(word, {}); }
  // One word out of two pieces.
  void bulk(std::string_view head, std::string_view tail) noexcept;
  void bulk(std::uint64_t number) noexcept;

  std::string_view pending() const noexcept;
  // That many of the pending bytes are on their way.
  void sent(std::size_t bytes) noexcept;
  void clear() noexcept;
  bool failed() const noexcept { return failed_; }
  std::size_t memory() const noexcept;

 private:
  void prefix(char type, std::size_t count) noexcept;
  char* room(std::size_t bytes) noexcept;

  core::Scratch<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool failed_ = false;
};

}  // namespace guard::redis
