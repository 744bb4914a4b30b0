// One request to Sentry at a time, in the event loop of a worker.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/http_reply.h"
#include "ngx/outgoing.h"
#include "ngx/timer.h"

namespace guard::errors {

class Sender final : private ngx::Outgoing::Owner {
 public:
  static constexpr ngx_msec_t kTimeout = 10'000;        // for all of it
  static constexpr std::size_t kMaxAnswer = 16 * 1024;  // bytes of its fields

  // status 0: there was no answer, and why says why. fields: those of the answer.
  using Done = void (*)(void* context, unsigned status, std::string_view fields,
                        std::string_view why) noexcept;

  // endpoint and route must live as long as this.
  Sender(const ngx::Endpoint& endpoint, const ngx::Route& route, Done done, void* context) noexcept
      : endpoint_(endpoint),
        route_(route),
        done_(done),
        context_(context),
        connection_(*this),
        timer_([](void* self) noexcept { static_cast<Sender*>(self)->fail("no answer in time"); },
               this, false) {}

  bool busy() const noexcept { return busy_; }

  // done() follows, maybe from within.
  void send(std::string request) noexcept {
    request_ = std::move(request);
    reply_ = core::HttpReply(false, kMaxAnswer);
    written_ = 0;
    busy_ = true;
    timer_.start(kTimeout);
    switch (connection_.open(endpoint_, route_)) {
      case ngx::Outgoing::Opening::opened:
        return write();
      case ngx::Outgoing::Opening::pending:
        return;
      case ngx::Outgoing::Opening::failed:
        return fail(connection_.why());
    }
  }

  // Nobody hears of it any more.
  void stop() noexcept {
    busy_ = false;
    timer_.stop();
    connection_.close();
  }

 private:
  void opened() noexcept override { write(); }
  void writable() noexcept override { write(); }
  void broken() noexcept override { fail(connection_.why()); }

  void readable() noexcept override {
    std::array<char, 4096> bytes;
    for (;;) {
      const ssize_t size = connection_.read(bytes.data(), bytes.size());
      if (size == 0) return;
      try {
        const auto state =
            size < 0 ? reply_.end() : reply_.add({bytes.data(), static_cast<std::size_t>(size)});
        if (state == core::HttpReply::State::done) return finish();
        if (state == core::HttpReply::State::broken) {
          return fail(size < 0 ? "the connection was closed" : "the answer is no HTTP");
        }
      } catch (...) {
        return fail("no memory is left");
      }
    }
  }

  void write() noexcept {
    while (written_ < request_.size()) {
      const ssize_t size = connection_.write(std::string_view(request_).substr(written_));
      if (size < 0) return fail(connection_.why());
      if (size == 0) return;
      written_ += static_cast<std::size_t>(size);
    }
  }

  void finish() noexcept {
    stop();
    done_(context_, reply_.status(), reply_.fields(), {});
  }

  void fail(std::string_view why) noexcept {
    stop();
    done_(context_, 0, {}, why.empty() ? std::string_view("the connection failed") : why);
  }

  const ngx::Endpoint& endpoint_;
  const ngx::Route& route_;
  Done done_;
  void* context_;
  ngx::Outgoing connection_;
  ngx::Timer timer_;
  core::HttpReply reply_{false, kMaxAnswer};
  std::string request_;
  std::size_t written_ = 0;
  bool busy_ = false;
};

}  // namespace guard::errors
