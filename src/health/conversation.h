// What is said to a server to see whether it is well.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/dialogue.h"
#include "health/policy.h"
#include "health/result.h"

namespace guard::health {

inline constexpr std::size_t kMaxAnswer = 64 * 1024;

class Conversation : public core::Dialogue {
 public:
  virtual ~Conversation() = default;

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
