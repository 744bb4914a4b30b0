// What all connections of a client have in common.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/secret.h"
#include "ngx/outgoing.h"
#include "redis/policy.h"
#include "redis/round_trips.h"

namespace guard::redis {

// Of all workers of this nginx, in the zone guard_redis:NAME.
struct Shared {
  static constexpr std::uint64_t kMagic = 0x327364655247ULL;  // "GReds2"
  std::uint64_t magic;
  std::atomic<std::uint32_t> down;
  std::atomic<std::uint64_t> commands;       // RESP commands that were written
  std::atomic<std::uint64_t> errors;         // replies that are errors
  std::atomic<std::uint64_t> timeouts;       // commands without a reply in time
  std::atomic<std::uint64_t> connects;       // connections that were opened
  std::atomic<std::uint64_t> complained_at;  // milliseconds, see Client::complain
};

struct Settings {
  Policy policy;
  core::Secret password;
  core::Secret sentinel_password;
  // In the order of the URL: the server, the sentinels, the seeds of the cluster.
  std::unique_ptr<std::vector<ngx::Endpoint>> endpoints;
  ngx::Route route;
  Shared* shared = nullptr;  // once the zone is there
  RoundTrips round_trips;

  ngx_msec_t timeout() const noexcept { return static_cast<ngx_msec_t>(policy.timeout.count()); }
  ngx_msec_t connect_timeout() const noexcept {
    return static_cast<ngx_msec_t>(policy.connect_timeout.count());
  }
};

inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) noexcept {
  counter.fetch_add(n, std::memory_order_relaxed);
}

}  // namespace guard::redis
