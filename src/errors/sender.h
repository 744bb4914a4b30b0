// A request to Sentry, and what comes back.
#pragma once

#include <string>
#include <string_view>

#include "core/exchange.h"
#include "core/http_reply.h"

namespace guard::errors {

class Sender final : private core::Dialogue {
 public:
  static constexpr ngx_msec_t kTimeout = 10'000;        // for all of it
  static constexpr std::size_t kMaxAnswer = 16 * 1024;  // bytes of its fields

  // status 0: there was no answer, and why says why. fields: those of the answer.
  using Done = void (*)(void* context, unsigned status, std::string_view fields,
                        std::string_view why) noexcept;

  // endpoint and route must live as long as this.
  Sender(const ngx::Endpoint& endpoint, const ngx::Route& route, Done done, void* context) noexcept
      : done_(done),
        context_(context),
        exchange_(
            endpoint, route,
            [](void* self, std::string_view why) noexcept { static_cast<Sender*>(self)->end(why); },
            this) {}

  bool busy() const noexcept { return exchange_.running(); }

  // done() follows, maybe from within.
  void send(std::string request) noexcept {
    request_ = std::move(request);
    said_ = false;
    problem_ = {};
    reply_ = core::HttpReply(false, kMaxAnswer);
    exchange_.start(*this, kTimeout);
  }

  // Nobody hears of it any more.
  void stop() noexcept { exchange_.stop(); }

 private:
  std::string_view say() const noexcept override {
    return said_ ? std::string_view{} : std::string_view(request_);
  }
  Next said() noexcept override {
    said_ = true;
    return Next::more;
  }

  Next hear(std::string_view bytes) noexcept override {
    try {
      return after(reply_.add(bytes), "the answer is no HTTP");
    } catch (...) {
      problem_ = "no memory is left";
      return Next::done;
    }
  }
  Next ended() noexcept override { return after(reply_.end(), "the connection was closed"); }

  Next after(core::HttpReply::State state, std::string_view problem) noexcept {
    if (state == core::HttpReply::State::broken) problem_ = problem;
    const bool over =
        state == core::HttpReply::State::broken || state == core::HttpReply::State::done;
    return over ? Next::done : Next::more;
  }

  void end(std::string_view why) noexcept {
    if (why.empty()) why = problem_;
    const bool answered = why.empty();
    done_(context_, answered ? reply_.status() : 0, answered ? reply_.fields() : std::string_view{},
          why);
  }

  Done done_;
  void* context_;
  core::Exchange exchange_;
  core::HttpReply reply_{false, kMaxAnswer};
  std::string request_;
  std::string_view problem_;
  bool said_ = false;
};

}  // namespace guard::errors
