// One connection to one server: pipelining, what is said first on it, its breaker, and coming back
// after a loss.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/backoff.h"
#include "core/breaker.h"
#include "core/plain_text.h"
#include "ngx/outgoing.h"
#include "ngx/timer.h"
#include "redis/output.h"
#include "redis/reader.h"
#include "redis/ring.h"
#include "redis/topology.h"

namespace guard::redis {

class Link final : private ngx::Outgoing::Owner {
 public:
  explicit Link(Topology& topology, Client& client) noexcept;
  ~Link() = default;

  // Connects, and from then on again whenever it is lost.
  void start() noexcept;
  // Another server from now on (Topology::endpoint): what was sent to the old one is lost.
  void restart(std::string_view why) noexcept;

  // There is reason to believe that it can be connected to, whatever has failed before.
  void renew() noexcept;
  // Never connects again; what was sent is lost.
  void end() noexcept;

  // Whether it takes commands: it stands, or comes up with no reason to doubt that it will.
  bool usable() const noexcept { return breaker_.closed(); }
  bool ready() const noexcept { return state_ == State::ready; }
  // Ready, and not for the mere reason that the probe goes well where no command does, or just in
  // time.
  bool trusted() const noexcept { return ready() && !doubted_ && !late_; }

  // Of commands of the client. False: no memory, or too many wait; or, and then it is not usable
  // any more, the server has not answered for long.
  bool push(Command& command) noexcept;
  // It does not wait here any more.
  void forget(Command& command) noexcept;
  // Its time is over.
  void expired(Command& command) noexcept;

  // Of the last failure; never holds a secret.
  std::string_view why() const noexcept { return why_.view(); }

 private:
  // waiting: for the next attempt. setup: AUTH and the like. probe: a command like those to come.
  enum class State : std::uint8_t { idle, waiting, connecting, setup, probe, ready };
  enum class Step : std::uint8_t { auth, select, name, role, probe };

  // opened: a failure that opens the breaker. none: says nothing of the server.
  enum class Verdict : std::uint8_t { none, success, failure, opened };
  // Tells what kind of command it is.
  using Writer = Command::Write;

  void opened() noexcept override;
  void readable() noexcept override;
  void writable() noexcept override;
  void broken() noexcept override;

  bool hangs() noexcept;
  void connect() noexcept;
  void give_time(ngx_msec_t limit) noexcept;
  void add_step(Step step) noexcept;
  void on_setup_reply(const Reply& reply) noexcept;
  void stand() noexcept;
  void flush() noexcept;
  void fill() noexcept;
  void skip_unwritten() noexcept;
  bool write_out() noexcept;
  void on_reply(const Reply& reply) noexcept;
  Verdict judge(const Reply& reply, const Command& command) noexcept;
  bool in_good_time(std::uint32_t asked_at) const noexcept;
  void forgive() noexcept;
  void trust() noexcept;
  void on_timer() noexcept;
  void explain_time(const char* what, ngx_msec_t limit) noexcept;
  void close() noexcept;
  void attempt_failed(std::string_view text, std::string_view more = {}) noexcept;
  void lose(std::string_view why) noexcept;
  void trip() noexcept;
  void drop(bool unsent) noexcept;
  void drop(Command& command, Fault fault) noexcept;
  void retry_later() noexcept;

  Topology& topology_;
  Client& client_;
  ngx::Outgoing connection_;
  Output output_;
  Reader reader_;
  Ring ring_;
  core::Breaker breaker_;
  core::Backoff backoff_;
  State state_ = State::idle;
  std::array<Step, 4> steps_{};  // whose replies are still to come
  std::uint8_t step_count_ = 0;
  std::uint8_t step_ = 0;
  bool early_ = false;     // what else was read with the last reply came before what was asked then
  bool objected_ = false;  // what it has said to the first words is why() it will close
  std::uint32_t life_ = 0;  // counts connections that came to an end
  ngx_msec_t stands_since_ = 0;
  bool in_vain_ = false;  // it stands again, and no command has succeeded since
  // The last time that it stood again was in vain, or commands were refused that are unlike the
  // probe.
  bool doubted_ = false;
  Writer denied_ = nullptr;  // doubted for want of a right, which commands of this writer need
  bool relapsed_ = false;    // so again soon, and so until it has refused nothing for long
  ngx_msec_t pardoned_at_ = 0;
  unsigned refused_ = 0;  // commands, since that was last said or it was unavailable
  bool late_ = false;     // replies came too late, and since then none in good time
  std::uint32_t probed_at_ = 0;
  std::uint64_t timed_since_ = 0;  // microseconds; 0: no command is timed
  std::uint64_t timed_ = 0;        // its ticket
  ngx::Timer timer_;               // of connecting, of what is said first, of waiting, of doubt
  ngx::TurnEnd turn_end_;
  core::PlainText<256> why_;
};

}  // namespace guard::redis
