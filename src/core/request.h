// Guard's state of one main request. It lives in a pool cleanup of the main request, since nginx
// wipes r->ctx on internal redirects.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "core/check.h"
#include "ngx/compat.h"

namespace guard::core {

class Request {
 public:
  // The state of r's main request; null if no gate has seen it (or, for get, out of memory).
  static Request* find(ngx_http_request_t* r) noexcept;
  static Request* get(ngx_http_request_t* r) noexcept;

  ngx_http_request_t* native() const { return r_; }
  ngx_pool_t* pool() const { return r_->pool; }

  // Each (check, policy) runs once per main request: true the first time it is asked for this
  // policy object, whatever location asks. Bounded; past the bound it answers true.
  bool first_time(const void* policy) noexcept;

  // A feature's own state, in the request's pool, made on first use; null if out of memory. T is
  // value-initialised and must be trivially destructible.
  template <class T>
  T* state(Feature feature) noexcept;

  // What a waiting check calls when what it waited for is there. Safe from any event handler.
  void resume() noexcept;

  // Records a refusal that is not acted upon (dry_run and the like): event, $guard_verdict.
  void observe(const Refusal& refusal) noexcept;

  void publish(const Event& event) noexcept;

  Verdict verdict() const { return verdict_; }
  std::string_view code() const { return code_; }   // of the first refusal, real or would-be
  bool refused() const { return verdict_ == Verdict::refused; }

  // The whole body in one piece with at least kBodyPadding readable bytes behind it, after the gate
  // has read it; empty if there is none; nothing if it cannot be had (a temporary file that cannot
  // be read, out of memory). Valid until this request waits or another request asks.
  static constexpr std::size_t kBodyPadding = 64;
  std::optional<std::string_view> body() noexcept;
  // The body was longer than the limit that the checks asked for; body() is then nothing.
  bool body_over_limit() const { return body_over_limit_; }
  // Bytes of the body as far as it was read.
  std::size_t body_size() const { return body_size_; }

  // How the client is named where nothing else is asked for: v4 /32, v6 /64. "192.0.2.1",
  // "2001:db8:0:1::/64"; in pool memory.
  std::string_view client_net() noexcept;
  // "http" or "https" as the client used it: the connection's own, or X-Forwarded-Proto of a
  // trusted proxy.
  std::string_view scheme() noexcept;
  // guard_route of the location that decided, or empty.
  std::string_view route() const noexcept;
  std::string_view request_id() noexcept;  // $request_id

 private:
  friend class GateRun;
  friend class BodyReader;

  ngx_http_request_t* r_ = nullptr;
  Verdict verdict_ = Verdict::none;
  bool body_over_limit_ = false;
  std::size_t body_size_ = 0;
  std::string_view code_;
  std::array<void*, kFeatureCount> states_{};
  // ... the gates' own state follows; see gate.cpp
};

template <class T>
T* Request::state(Feature feature) noexcept {
  static_assert(std::is_trivially_destructible_v<T>);
  void*& slot = states_[index_of(feature)];
  if (slot == nullptr) {
    void* memory = ngx_palloc(r_->pool, sizeof(T));
    if (memory == nullptr) return nullptr;
    slot = new (memory) T{};
  }
  return static_cast<T*>(slot);
}

}  // namespace guard::core
