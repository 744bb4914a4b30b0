// A timer outside of any request: it never keeps a quitting worker alive. A timer that a request
// waits on must do so, and is an ngx_event_t of its own (see core/test_module.cpp).
#pragma once

#include "ngx/compat.h"

namespace guard::ngx {

class IntervalTimer {
 public:
  using Callback = void (*)(void* context) noexcept;

  // Calls callback every interval until stop() or the worker's exit. Safe to start again.
  void start(ngx_cycle_t* cycle, ngx_msec_t interval, Callback callback, void* context) noexcept {
    interval_ = interval;
    callback_ = callback;
    context_ = context;
    // Debug logs read an event's data as a connection and print its fd.
    connection_.fd = static_cast<ngx_socket_t>(-1);
    event_ = {};
    event_.handler = [](ngx_event_t* event) noexcept {
      auto* self =
          reinterpret_cast<IntervalTimer*>(static_cast<ngx_connection_t*>(event->data)->data);
      self->callback_(self->context_);
      if (!ngx_exiting && self->running_) ngx_add_timer(event, self->interval_);
    };
    connection_.data = this;
    event_.data = &connection_;
    event_.log = cycle->log;
    event_.cancelable = 1;
    running_ = true;
    ngx_add_timer(&event_, interval);
  }

  void stop() noexcept {
    running_ = false;
    if (event_.timer_set) ngx_del_timer(&event_);
  }

 private:
  ngx_event_t event_{};
  ngx_connection_t connection_{};
  ngx_msec_t interval_ = 0;
  Callback callback_ = nullptr;
  void* context_ = nullptr;
  bool running_ = false;
};

}  // namespace guard::ngx
