// A server that requests of this worker talk to, each over a connection of its own: how many at a
// time, who waits for his turn, and whether the server is worth asking.
//
// It is doubted after as many failures as open a breaker (core/breaker.h), and asked at once by a
// probe of its own, while requests go on. Only if that fails, too, it is away: nobody is let to it
// any more, those who wait are sent away, and the probe is repeated until it is answered. So no
// request can make a server be away by what it sends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/backoff.h"
#include "core/breaker.h"
#include "core/exchange.h"
#include "core/turns.h"
#include "ngx/timer.h"

namespace guard::core {

class Service {
 public:
  struct Limits {
    std::size_t connections = 1;
    std::size_t waiting = 0;
    ngx_msec_t probe_timeout = 1000;
  };

  // The server is away, why, or there again. Never from within a call of a request's.
  using Tell = void (*)(void* context, bool there, std::string_view why) noexcept;

  // All must live as long as this.
  Service(const ngx::Endpoint& endpoint, const ngx::Route& route, const Limits& limits,
          Probe& probe, Tell tell, void* context) noexcept;

  // In a worker. doubted: it was away when last was heard of it.
  void start(bool doubted) noexcept;
  void stop() noexcept;

  bool available() const noexcept { return state_ != State::away; }
  std::size_t talking() const noexcept { return turns_.taken(); }
  std::size_t waiting() const noexcept { return turns_.waiting(); }

  // What came of asking it, as whoever asked judges: what is the fault of his request is neither.
  void succeeded() noexcept;
  void failed() noexcept;

 private:
  friend class ServiceCall;
  enum class State : std::uint8_t { well, doubted, away };

  void leave() noexcept;
  void turn_ends() noexcept;
  void ask() noexcept;
  void heard(std::string_view why) noexcept;
  void stands() noexcept;

  const ngx::Endpoint& endpoint_;
  const ngx::Route& route_;
  const Limits& limits_;
  Probe& probe_;
  Tell tell_;
  void* context_;
  Turns turns_;
  Breaker breaker_;
  Backoff backoff_;
  State state_ = State::well;
  bool told_ = false;      // that it is away, by this worker or one before it
  Exchange exchange_;      // of the probe
  ngx::Timer timer_;       // until the next one
  ngx::TurnEnd turn_end_;  // so that nobody is called from within a call of his own
};

// What one request has to say to the server: it waits for its turn, then holds it for any number of
// dialogues, one after the other.
class ServiceCall final : private Turns::Waiter {
 public:
  class Owner {
   public:
    // Its turn has come; or, not there, the server is away; or, late, time is over.
    enum class Turn : std::uint8_t { come, away, late };
    virtual void turned(Turn turn) noexcept = 0;
    // A dialogue is over; as of core::Exchange. late: for want of time.
    virtual void talked(std::string_view why, bool late) noexcept = 0;

   protected:
    ~Owner() = default;
  };
  enum class Entry : std::uint8_t { taken, waiting, full, away, late };

  // timeout: for all of it, the waiting included, from now on. The service must outlive this.
  ServiceCall(Service& service, std::chrono::milliseconds timeout, Owner& owner) noexcept;
  ~ServiceCall() { leave(); }

  Service& service() const noexcept { return service_; }
  bool has_turn() const noexcept { return has_turn_; }
  bool late() const noexcept { return left() == 0; }

  // waiting: turned() follows, never from within.
  Entry enter() noexcept;
  // talked() follows, maybe from within; the dialogue must live until then, or leave().
  void talk(Dialogue& dialogue) noexcept;
  // Nobody hears of it any more, and another may have its turn.
  void leave() noexcept;

 private:
  friend class Service;

  // Milliseconds; 0: time is over.
  ngx_msec_t left() const noexcept;

  Service& service_;
  Owner& owner_;
  ngx_msec_t deadline_;
  Exchange exchange_;
  ngx::Timer timer_;  // of waiting
  bool has_turn_ = false;
};

}  // namespace guard::core
