// A probe over the network, in the event loop of the worker that has the lease.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "core/clock.h"
#include "health/conversation.h"
#include "health/policy.h"
#include "ngx/outgoing.h"
#include "ngx/timer.h"

namespace guard::health {

class NetworkProbe final : private ngx::Outgoing::Owner {
 public:
  using Done = void (*)(void* context, const Result& result) noexcept;

  // endpoint and route must live as long as this.
  NetworkProbe(const CheckPolicy& policy, const ngx::Endpoint& endpoint, const ngx::Route& route,
               Done done, void* context) noexcept
      : policy_(policy),
        endpoint_(endpoint),
        route_(route),
        done_(done),
        context_(context),
        connection_(*this),
        timer_([](void* self) noexcept { static_cast<NetworkProbe*>(self)->on_timer(); }, this,
               false) {}

  bool running() const noexcept { return running_; }

  void start() noexcept {
    if (running_) return;
    started_ = core::microseconds();
    conversation_ = converse(policy_);
    running_ = true;
    timer_.start(static_cast<ngx_msec_t>(policy_.timeout.count()));
    written_ = 0;
    if (conversation_ != nullptr) open();
  }

  // Nobody hears of it any more.
  void stop() noexcept {
    running_ = false;
    timer_.stop();
    connection_.close();
  }

 private:
  void open() noexcept {
    switch (connection_.open(endpoint_, route_)) {
      case ngx::Outgoing::Opening::opened:
        return talk(conversation_->opened());
      case ngx::Outgoing::Opening::pending:
        return;
      case ngx::Outgoing::Opening::failed:
        return fail(connection_.why());
    }
  }

  void opened() noexcept override { talk(conversation_->opened()); }
  void writable() noexcept override { write(); }
  void broken() noexcept override { fail(connection_.why()); }

  void readable() noexcept override {
    std::array<char, 4096> bytes;
    for (;;) {
      const ssize_t size = connection_.read(bytes.data(), bytes.size());
      if (size == 0) return;
      if (size < 0) return talk(conversation_->ended());
      if (!goes_on(conversation_->hear({bytes.data(), static_cast<std::size_t>(size)}))) return;
    }
  }

  void talk(Conversation::Next next) noexcept {
    if (goes_on(next)) write();
  }

  // False: there is nothing more to be read from this connection.
  bool goes_on(Conversation::Next next) noexcept {
    switch (next) {
      case Conversation::Next::more:
        return write();
      case Conversation::Next::again:
        connection_.close();
        written_ = 0;
        open();
        return false;
      case Conversation::Next::done:
        finish(conversation_->result());
        return false;
    }
    return false;
  }

  bool write() noexcept {
    for (std::string_view text = conversation_->say(); !text.empty(); text = conversation_->say()) {
      text.remove_prefix(written_);
      const ssize_t size = connection_.write(text);
      if (size < 0) {
        fail(connection_.why());
        return false;
      }
      if (size == 0) return true;
      written_ += static_cast<std::size_t>(size);
      if (static_cast<std::size_t>(size) == text.size()) {
        written_ = 0;
        conversation_->said();
      }
    }
    return true;
  }

  void on_timer() noexcept {
    fail(conversation_ == nullptr ? "no memory is left" : "no answer in time");
  }

  void fail(std::string_view why) noexcept {
    Result result;
    result.status = Status::fail;
    result.say(why.empty() ? std::string_view("the connection failed") : why);
    finish(result);
  }

  void finish(Result result) noexcept {
    stop();
    const std::uint64_t took = core::microseconds() - started_;
    if (result.status == Status::pass) {
      result.value = static_cast<std::int64_t>(took);
      if (policy_.warn != 0 && took >= policy_.warn) {
        result.status = Status::warn;
        result.say("the answer took long");
      }
    }
    done_(context_, result);
  }

  const CheckPolicy& policy_;
  const ngx::Endpoint& endpoint_;
  const ngx::Route& route_;
  Done done_;
  void* context_;
  ngx::Outgoing connection_;
  ngx::Timer timer_;
  std::unique_ptr<Conversation> conversation_;
  std::size_t written_ = 0;
  std::uint64_t started_ = 0;
  bool running_ = false;
};

}  // namespace guard::health
