// Timers and posted events outside of any request.
#pragma once

#include "ngx/compat.h"

namespace guard::ngx {

using Callback = void (*)(void* context) noexcept;

// An event with what nginx expects around it: debug logs read an event's data as a connection and
// print its fd.
class BareEvent {
 public:
  BareEvent(Callback callback, void* context) noexcept : callback_(callback), context_(context) {
    connection_.fd = static_cast<ngx_socket_t>(-1);
    connection_.data = this;
    event_.data = &connection_;
    event_.handler = [](ngx_event_t* event) noexcept {
      // With accept_mutex nginx looks at timers before it reads: what has come in time comes first.
      if (event->timedout != 0) {
        event->timedout = 0;
        ngx_post_event(event, &ngx_posted_events);
        return;
      }
      auto* self = reinterpret_cast<BareEvent*>(static_cast<ngx_connection_t*>(event->data)->data);
      self->callback_(self->context_);
    };
  }
  BareEvent(const BareEvent&) = delete;
  BareEvent& operator=(const BareEvent&) = delete;

 protected:
  ngx_event_t* event() noexcept {
    event_.log = ngx_cycle->log;
    return &event_;
  }
  bool timer_set() const noexcept { return event_.timer_set; }
  bool posted() const noexcept { return event_.posted; }
  void take_back() noexcept {
    if (!posted()) return;
    ngx_delete_posted_event(event());
  }

 private:
  ngx_event_t event_{};
  ngx_connection_t connection_{};
  Callback callback_;
  void* context_;
};

// Fires once. waited_for: somebody waits on it, a request or another who must have his answer
// before the worker may go; any other never keeps a quitting worker alive.
class Timer : private BareEvent {
 public:
  Timer(Callback callback, void* context, bool waited_for) noexcept
      : BareEvent(callback, context), waited_for_(waited_for) {}
  ~Timer() { stop(); }

  bool running() const noexcept { return timer_set() || posted(); }

  // Exactly: nginx by itself would keep a running timer that is less than 300 ms off.
  void start(ngx_msec_t delay) noexcept {
    stop();
    event()->cancelable = waited_for_ ? 0 : 1;
    ngx_add_timer(event(), delay);
  }

  void stop() noexcept {
    if (timer_set()) ngx_del_timer(event());
    take_back();
  }

 private:
  bool waited_for_;
};

// Called once when the current turn of the event loop ends, however often it was posted.
class TurnEnd : private BareEvent {
 public:
  TurnEnd(Callback callback, void* context) noexcept : BareEvent(callback, context) {}
  ~TurnEnd() { cancel(); }

  void post() noexcept {
    if (posted()) return;
    ngx_post_event(event(), &ngx_posted_events);
  }

  void cancel() noexcept { take_back(); }
};

// A timer that never keeps a quitting worker alive. A timer that a request waits on must do so.
class IntervalTimer {
 public:
  IntervalTimer() noexcept
      : timer_([](void* self) noexcept { static_cast<IntervalTimer*>(self)->tick(); }, this,
               false) {}

  // Calls callback every interval until stop() or the worker's exit. Safe to start again.
  void start(ngx_msec_t interval, Callback callback, void* context) noexcept {
    interval_ = interval;
    callback_ = callback;
    context_ = context;
    running_ = true;
    timer_.start(interval);
  }

  void stop() noexcept {
    running_ = false;
    timer_.stop();
  }

 private:
  void tick() noexcept {
    callback_(context_);
    if (running_) timer_.start(interval_);
  }

  Timer timer_;
  ngx_msec_t interval_ = 0;
  Callback callback_ = nullptr;
  void* context_ = nullptr;
  bool running_ = false;
};

}  // namespace guard::ngx
