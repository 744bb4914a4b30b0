// Why a Redis has not answered as it was asked, for logs and health.
#pragma once

#include <string_view>

#include "redis/reply.h"

namespace guard::core {

// A literal, or Redis's own words, as long as the reply; empty: nothing is wrong.
inline std::string_view reason_of(const redis::Reply& reply) noexcept {
  switch (reply.fault()) {
    case redis::Fault::none:
      break;
    case redis::Fault::error:
      return reply.text();
    case redis::Fault::unavailable:
      return "Redis is unavailable";
    case redis::Fault::overflow:
      return "too many commands are waiting";
    case redis::Fault::timeout:
      return "no answer in time";
    case redis::Fault::lost:
      return "the connection broke";
  }
  return {};
}

}  // namespace guard::core
