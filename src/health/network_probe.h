// A probe over the network, in the event loop of the worker that has the lease.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/clock.h"
#include "core/exchange.h"
#include "health/conversation.h"
#include "health/policy.h"

namespace guard::health {

class NetworkProbe {
 public:
  using Done = void (*)(void* context, const Result& result) noexcept;

  // endpoint and route must live as long as this.
  NetworkProbe(const CheckPolicy& policy, const ngx::Endpoint& endpoint, const ngx::Route& route,
               Done done, void* context) noexcept
      : policy_(policy),
        done_(done),
        context_(context),
        exchange_(
            endpoint, route,
            [](void* self, std::string_view why) noexcept {
              static_cast<NetworkProbe*>(self)->hear(why);
            },
            this) {}

  bool running() const noexcept { return exchange_.running(); }

  void start() noexcept {
    if (running()) return;
    started_ = core::microseconds();
    conversation_ = converse(policy_);
    if (conversation_ == nullptr) return fail("no memory is left");
    exchange_.start(*conversation_, static_cast<ngx_msec_t>(policy_.timeout.count()));
  }

 private:
  void hear(std::string_view why) noexcept {
    why.empty() ? finish(conversation_->result()) : fail(why);
  }

  void fail(std::string_view why) noexcept {
    Result result;
    result.status = Status::fail;
    result.say(why);
    finish(result);
  }

  void finish(Result result) noexcept {
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
  Done done_;
  void* context_;
  std::unique_ptr<Conversation> conversation_;
  core::Exchange exchange_;
  std::uint64_t started_ = 0;
};

}  // namespace guard::health
