// One dialogue with a server, over a connection of its own and within a time, in the event loop of
// a worker.
#pragma once

#include <array>
#include <string_view>

#include "core/dialogue.h"
#include "ngx/outgoing.h"
#include "ngx/timer.h"

namespace guard::core {

class Exchange final : private ngx::Outgoing::Owner {
 public:
  // why: it came to no end because of that, a view of what is good for this call; empty: it is
  // done.
  using Done = void (*)(void* context, std::string_view why) noexcept;

  // endpoint and route must live as long as this. waited_for: see ngx::Timer.
  Exchange(const ngx::Endpoint& endpoint, const ngx::Route& route, Done done, void* context,
           bool waited_for = false) noexcept
      : endpoint_(endpoint),
        route_(route),
        done_(done),
        context_(context),
        connection_(*this),
        timer_(
            [](void* self) noexcept {
              auto* exchange = static_cast<Exchange*>(self);
              exchange->late_ = true;
              exchange->end("no answer in time");
            },
            this, waited_for) {}

  bool running() const noexcept { return dialogue_ != nullptr; }
  // The last one ended for want of time.
  bool late() const noexcept { return late_; }

  // done() follows, maybe from within; the dialogue must live until then, or stop(). timeout:
  // milliseconds, for all of it. Not while one is running.
  void start(Dialogue& dialogue, ngx_msec_t timeout) noexcept {
    dialogue_ = &dialogue;
    late_ = false;
    timer_.start(timeout);
    open();
  }

  // Nobody hears of it any more.
  void stop() noexcept {
    dialogue_ = nullptr;
    timer_.stop();
    connection_.close();
  }

 private:
  // Of a long text; then others have their turn.
  static constexpr int kTextsATurn = 8;

  void open() noexcept {
    written_ = 0;
    more_later_ = false;
    go_on(connection_.open(endpoint_, route_), false);
  }

  void go_on(ngx::Outgoing::Opening opening, bool secure) noexcept {
    secured_ = secure;
    switch (opening) {
      case ngx::Outgoing::Opening::opened:
        return opened();
      case ngx::Outgoing::Opening::pending:
        return;
      case ngx::Outgoing::Opening::failed:
        return broken();
    }
  }

  void opened() noexcept override {
    if (goes_on(secured_ ? dialogue_->secured() : dialogue_->opened())) readable();
  }
  void writable() noexcept override { write(); }
  void broken() noexcept override {
    const std::string_view why = connection_.why();
    end(why.empty() ? std::string_view("the connection failed") : why);
  }

  void readable() noexcept override {
    std::array<char, 4096> bytes;
    for (;;) {
      const ssize_t size = connection_.read(bytes.data(), bytes.size());
      if (size == 0) {
        if (more_later_) write();
        return;
      }
      const std::string_view got(bytes.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
      if (!goes_on(size < 0 ? dialogue_->ended() : dialogue_->hear(got)) || size < 0) return;
    }
  }

  // False: there is nothing more to be read from this connection for now.
  bool goes_on(Dialogue::Next next) noexcept {
    switch (next) {
      case Dialogue::Next::more:
        return write();
      case Dialogue::Next::again:
        connection_.close();
        open();
        return false;
      case Dialogue::Next::secure:
        go_on(connection_.secure(), true);
        return false;
      case Dialogue::Next::done:
        end({});
        return false;
    }
    return false;
  }

  bool write() noexcept {
    more_later_ = false;
    int texts = 0;
    for (std::string_view text = dialogue_->say(); !text.empty(); text = dialogue_->say()) {
      if (++texts > kTextsATurn) {
        more_later_ = true;
        connection_.read_later();
        return true;
      }
      text.remove_prefix(written_);
      const ssize_t size = connection_.write(text);
      if (size < 0) {
        broken();
        return false;
      }
      if (size == 0) return true;
      written_ += static_cast<std::size_t>(size);
      if (static_cast<std::size_t>(size) == text.size()) {
        written_ = 0;
        const Dialogue::Next next = dialogue_->said();
        if (next != Dialogue::Next::more) return goes_on(next);
      }
    }
    return true;
  }

  void end(std::string_view why) noexcept {
    stop();
    done_(context_, why);
  }

  const ngx::Endpoint& endpoint_;
  const ngx::Route& route_;
  Done done_;
  void* context_;
  ngx::Outgoing connection_;
  ngx::Timer timer_;
  Dialogue* dialogue_ = nullptr;
  std::size_t written_ = 0;
  bool secured_ = false;
  bool more_later_ = false;  // to be said once others have had their turn
  bool late_ = false;
};

}  // namespace guard::core
