// The asynchronous Redis client of a worker: one for each guard_redis. It owns connections, TLS,
// timers, the breaker and the topology (one server, Sentinel, Cluster); who uses it sees commands
// and replies only. It knows nothing of requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "ngx/timer.h"
#include "redis/chain.h"
#include "redis/output.h"
#include "redis/policy.h"
#include "redis/reply.h"
#include "redis/settings.h"

namespace guard::redis {

class Link;
class Topology;

// A command that waits, in its sender's memory: it must stay where it is until done() was called or
// forget() returns. It is written when its connection is ready for it, at the earliest when the
// current turn of the event loop ends; so what is put into it before then leaves with it.
class Command : private Hook {
 public:
  // Writes itself: one command in RESP. Called again if it has to be sent again (another node of
  // the cluster has the key).
  using Write = void (*)(Command& command, Output& output) noexcept;
  // Called exactly once for each send() that was not forgotten, with the reply or the fault. Never
  // from within send(). The command may be sent again, or freed, from here.
  using Done = void (*)(Command& command, const Reply& reply) noexcept;

  Command(Write write, Done done) noexcept : write_(write), done_(done) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  // Between send() and done(), forget() or the first write.
  bool queued() const noexcept { return state_ == State::queued; }
  // Between send() and done() or forget().
  bool waiting() const noexcept { return state_ != State::idle; }

  // The key that decides which node of a cluster gets it, as it is sent; empty: any master.
  // Must be set before send() and live as long as the command waits.
  std::string_view route;
  // That the user lacks this command says nothing of the others, nor of the server.
  bool may_be_lacking = false;

 private:
  friend class Link;
  friend class Client;
  // held: by a topology that will send it again. failed: done() is about to be called.
  enum class State : std::uint8_t { idle, held, queued, sent, failed };

  ngx_msec_int_t time_left() const noexcept {
    return static_cast<ngx_msec_int_t>(deadline_ - ngx_current_msec);
  }

  Write write_;
  Done done_;
  State state_ = State::idle;
  Fault fault_ = Fault::none;
  std::uint8_t hops_ = 0;  // how often it was sent on, without being held
  bool asking_ = false;    // goes behind an ASKING
  Link* link_ = nullptr;
  std::uint64_t ticket_ = 0;  // which of the link's commands it is
  ngx_msec_t deadline_ = 0;
};

class Client {
 public:
  // The client that guard_redis NAME defines; null: there is none of that name. For configuration
  // time (the directive must stand before its use); the pointer is good for the whole cycle, in
  // every process of it.
  static Client* find(ngx_conf_t* cf, std::string_view name) noexcept;
  static Client* find(ngx_cycle_t* cycle, std::string_view name) noexcept;

  // The guard_redis name, and its prefix= ("guard:").
  std::string_view name() const noexcept { return settings_.policy.name; }
  std::string_view prefix() const noexcept { return settings_.policy.prefix; }
  // timeout= in milliseconds: no command waits longer.
  ngx_msec_t timeout() const noexcept { return settings_.timeout(); }
  // Whether keys with different hash tags may live on different nodes.
  bool is_cluster() const noexcept { return settings_.policy.url.kind == Kind::cluster; }

  // In a worker. The command's done() is called later in any case. A command that a request waits
  // for keeps a quitting worker alive until then.
  void send(Command& command) noexcept;
  // From done(): once more, written anew, within what is left of the time that it had.
  void send_again(Command& command) noexcept;
  // done() will not be called. Redis may carry the command out all the same.
  void forget(Command& command) noexcept;
  // Whether a command that is sent now has a chance; if not, it would fail with
  // Fault::unavailable.
  bool available() const noexcept;
  // How many commands wait, for a connection or for a reply.
  std::size_t waiting() const noexcept;

  // Hears when a server is lost that commands need (of a cluster: some master), and when all are
  // there again; also when they are for the first time. why: of a loss, the reason; else what is to
  // be said of it, if anything.
  using Changed = void (*)(Client& client, bool whole, std::string_view why) noexcept;

  // For redis_module.cpp: made while configuration is read, started and stopped by a worker.
  Client(Settings&& settings, Changed changed) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();
  Settings& settings() noexcept { return settings_; }
  bool start() noexcept;  // false: out of memory
  void stop() noexcept;

  // For links and topologies. A command does not wait at a link any more when it comes here.
  void answer(Command& command, const Reply& reply, Link& from) noexcept;
  // done() follows later.
  void fail(Command& command, Fault fault) noexcept;
  // Once more, through this link, before the same deadline.
  void send_on(Command& command, Link& link, bool asking) noexcept;
  std::uint8_t hops(const Command& command) const noexcept { return command.hops_; }
  // Until release() or its deadline.
  void hold(Command& command) noexcept;
  // Asks the topology again where each of those goes that are held.
  void release() noexcept;
  // A link came up, or its breaker opened, or other links count from now on. why: as Changed gets
  // it.
  void reconsider(std::string_view why) noexcept;
  // Commands are refused, again and again, while others go well: says so, once a minute at most.
  void complain(std::string_view error) noexcept;

 private:
  void enter(Command& command, Hook& later) noexcept;
  void dispatch(Command& command) noexcept;
  void push(Command& command, Link& link) noexcept;
  void settle(Command& command) noexcept;
  void end_turn() noexcept;
  void set_deadlines() noexcept;
  void deliver() noexcept;
  void expire() noexcept;

  Settings settings_;
  Changed changed_;
  std::unique_ptr<Topology> topology_;
  Hook sent_now_;  // in this turn: their time begins when it ends
  Hook waiting_;   // by deadline
  Hook failed_;
  std::uint64_t settled_ = 0;  // counts those that left one of the two
  bool delivering_ = false;
  bool told_ = false;
  bool said_whole_ = true;
  ngx::Timer deadline_;
  ngx::Timer delivery_;
  ngx::TurnEnd turn_end_;
};

}  // namespace guard::redis
