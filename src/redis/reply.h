// What Redis answered, or why it did not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace guard::redis {

enum class Fault : std::uint8_t {
  none,
  error,        // Redis answered with an error: text() says which
  unavailable,  // not even tried: the breaker is open, or there is no connection
  overflow,     // not even tried: too many commands are waiting
  timeout,      // no answer in time; the command may have been carried out
  lost,         // the connection broke; the command may have been carried out
};

// A view of a reply, valid only within the callback that gets it. Every accessor is safe whatever
// the reply is: what is not there is 0, empty or another null view.
class Reply {
 public:
  explicit Reply(Fault fault) noexcept : fault_(fault) {}
  explicit Reply(const void* native) noexcept;  // a redisReply

  Fault fault() const noexcept { return fault_; }
  bool ok() const noexcept { return fault_ == Fault::none; }

  bool is_null() const noexcept;
  bool is_integer() const noexcept;
  bool is_text() const noexcept;  // a bulk or simple string
  bool is_array() const noexcept;
  std::int64_t integer() const noexcept;   // of an integer; a decimal bulk string is read, too
  std::string_view text() const noexcept;  // of a string or an error
  std::size_t size() const noexcept;       // elements of an array
  Reply operator[](std::size_t index) const noexcept;

 private:
  const void* native_ = nullptr;
  Fault fault_ = Fault::none;
};

}  // namespace guard::redis
