#include "core/service.h"

#include <utility>

namespace guard::core {

Service::Service(const ngx::Endpoint& endpoint, const ngx::Route& route, const Limits& limits,
                 Probe& probe, Tell tell, void* context) noexcept
    : endpoint_(endpoint),
      route_(route),
      limits_(limits),
      probe_(probe),
      tell_(tell),
      context_(context),
      turns_(limits.connections, limits.waiting),
      exchange_(
          endpoint, route,
          [](void* self, std::string_view why) noexcept {
            static_cast<Service*>(self)->heard(why);
          },
          this),
      timer_([](void* self) noexcept { static_cast<Service*>(self)->ask(); }, this, false),
      turn_end_([](void* self) noexcept { static_cast<Service*>(self)->turn_ends(); }, this) {}

void Service::start(bool doubted) noexcept {
  if (!doubted) return;
  state_ = State::doubted;
  told_ = true;
  // What is posted before the event loop runs waits for another event.
  timer_.start(0);
}

void Service::stop() noexcept {
  exchange_.stop();
  timer_.stop();
  turn_end_.cancel();
}

void Service::succeeded() noexcept {
  breaker_.succeeded(ngx_current_msec);
  if (state_ != State::well) stands();
}

void Service::failed() noexcept {
  if (!breaker_.failed(ngx_current_msec) || state_ != State::well) return;
  state_ = State::doubted;
  turn_end_.post();
}

void Service::leave() noexcept {
  turns_.leave();
  if (turns_.waiting() > 0) turn_end_.post();
}

// Whoever has his turn may end it at once, and be freed with it.
void Service::turn_ends() noexcept {
  if (state_ == State::doubted && !exchange_.running()) ask();
  while (Turns::Waiter* waiter = turns_.next()) {
    auto* call = static_cast<ServiceCall*>(waiter);
    call->timer_.stop();
    call->has_turn_ = true;
    call->owner_.turned(ServiceCall::Owner::Turn::come);
  }
}

void Service::ask() noexcept {
  exchange_.start(probe_, limits_.probe_timeout);
}

void Service::heard(std::string_view why) noexcept {
  if (why.empty()) why = probe_.problem();
  if (why.empty()) return stands();
  timer_.start(static_cast<ngx_msec_t>(backoff_.next(static_cast<std::uint64_t>(ngx_random()))));
  if (state_ == State::away) return;
  state_ = State::away;
  told_ = true;
  breaker_.open();
  tell_(context_, false, why);
  while (Turns::Waiter* waiter = turns_.turn_away()) {
    auto* call = static_cast<ServiceCall*>(waiter);
    call->timer_.stop();
    call->owner_.turned(ServiceCall::Owner::Turn::away);
  }
}

void Service::stands() noexcept {
  const bool was_told = std::exchange(told_, false);
  state_ = State::well;
  breaker_.close();
  backoff_.reset();
  exchange_.stop();
  timer_.stop();
  if (was_told) tell_(context_, true, {});
}

ServiceCall::ServiceCall(Service& service, std::chrono::milliseconds timeout, Owner& owner) noexcept
    : service_(service),
      owner_(owner),
      deadline_(ngx_current_msec + static_cast<ngx_msec_t>(timeout.count())),
      exchange_(
          service.endpoint_, service.route_,
          [](void* self, std::string_view why) noexcept {
            auto* call = static_cast<ServiceCall*>(self);
            call->owner_.talked(why, call->exchange_.late());
          },
          this, true),
      timer_(
          [](void* self) noexcept {
            auto* call = static_cast<ServiceCall*>(self);
            call->service_.turns_.forget(*call);
            call->owner_.turned(Owner::Turn::late);
          },
          this, true) {}

ngx_msec_t ServiceCall::left() const noexcept {
  const auto left = static_cast<ngx_msec_int_t>(deadline_ - ngx_current_msec);
  return left > 0 ? static_cast<ngx_msec_t>(left) : 0;
}

ServiceCall::Entry ServiceCall::enter() noexcept {
  if (late()) return Entry::late;
  if (!service_.available()) return Entry::away;
  switch (service_.turns_.enter(*this)) {
    case Turns::Entry::taken:
      has_turn_ = true;
      return Entry::taken;
    case Turns::Entry::waiting:
      timer_.start(left());
      return Entry::waiting;
    case Turns::Entry::full:
      break;
  }
  return Entry::full;
}

void ServiceCall::talk(Dialogue& dialogue) noexcept {
  exchange_.start(dialogue, left());
}

void ServiceCall::leave() noexcept {
  exchange_.stop();
  timer_.stop();
  if (waits()) service_.turns_.forget(*this);
  if (has_turn_) service_.leave();
  has_turn_ = false;
}

}  // namespace guard::core
