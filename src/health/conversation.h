// What is said to a server to see whether it is well, free of how the bytes travel. Every byte that
// comes in is taken for hostile: what is kept of it is bounded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "health/policy.h"
#include "health/result.h"

namespace guard::health {

inline constexpr std::size_t kMaxAnswer = 64 * 1024;

class Conversation {
 public:
  enum class Next : std::uint8_t {
    more,   // bytes are to come; say() may have become something else
    again,  // the same, on a connection of its own from the beginning
    done,   // result() is there
  };

  virtual ~Conversation() = default;

  // What is to be sent next; empty: nothing.
  virtual std::string_view say() const noexcept = 0;
  virtual void said() noexcept = 0;
  // A connection stands; of tcp:// that is all.
  virtual Next opened() noexcept { return Next::more; }
  virtual Next hear(std::string_view bytes) noexcept = 0;
  // The server has closed.
  virtual Next ended() noexcept = 0;

  // Status and output alone.
  const Result& result() const noexcept { return result_; }

 protected:
  Next pass() noexcept {
    result_ = {};
    result_.status = Status::pass;
    return Next::done;
  }
  Next fail(std::string_view text, std::string_view more = {}) noexcept {
    result_ = {};
    result_.status = Status::fail;
    result_.say(text);
    result_.say(more);
    return Next::done;
  }

 private:
  Result result_;
};

// Of tcp, http, postgres, mysql. Null: out of memory.
std::unique_ptr<Conversation> converse(const CheckPolicy& policy) noexcept;

}  // namespace guard::health
