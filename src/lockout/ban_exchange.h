// Bans of a policy with redis=: who is banned by one nginx is told to the others, which take it
// into their shared memory. No request waits for any of it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>

#include "core/remote_store.h"
#include "core/script_call.h"
#include "lockout/ban_news.h"
#include "lockout/ban_register.h"

namespace guard::lockout {

class BanExchange {
 public:
  static constexpr std::uint64_t kInterval = 250;  // milliseconds from one look to the next

  BanExchange(BanRegister& owner, core::RemoteStore& store);
  BanExchange(const BanExchange&) = delete;
  BanExchange& operator=(const BanExchange&) = delete;

  // By one worker, every so often: asks what the others have told. fresh: it has just been given
  // the job, and begins with all there is.
  void run(bool fresh) noexcept;
  bool busy() const noexcept { return pull_.waiting(); }

  // To the others, some time later and if it can be done. now: microseconds.
  void tell(std::uint64_t hash, const Ban& ban, std::uint64_t now) noexcept;
  // tag: 48 bits of the hash. False: Redis cannot be told.
  bool tell_lifted(std::uint64_t tag) noexcept;

 private:
  class Telling;
  struct Lift {
    std::uint64_t tag;
    std::uint64_t age;  // milliseconds since it was told
    auto operator<=>(const Lift&) const = default;
  };

  struct Pull : core::ScriptCall {
    explicit Pull(BanExchange& of) noexcept;
    BanExchange& exchange;
  };

  void ask() noexcept;
  void write(redis::Output& out, bool in_full, std::string_view since,
             std::size_t more) const noexcept;
  void hear(const redis::Reply& reply) noexcept;
  void adopt(const BanNews& news, std::uint64_t redis_now, std::uint64_t now) noexcept;
  // lifts: sorted.
  void lift(std::span<const Lift> lifts, std::uint64_t now) noexcept;

  BanRegister& owner_;
  core::RemoteStore& store_;
  std::string list_;
  std::string counter_;
  std::uint64_t life_;  // of both, milliseconds
  std::uint64_t heard_ = 0;
  std::uint64_t runs_ = 0;
  bool again_ = false;  // all is to be read anew
  Pull pull_;
};

}  // namespace guard::lockout
