// Guard's state of one main request. It lives in a pool cleanup of the main request, since nginx
// wipes r->ctx on internal redirects.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "core/address.h"
#include "core/check.h"
#include "core/own_answer.h"
#include "ngx/compat.h"

namespace guard::core {

class BodyReading;
struct JsonLimits;

class Request {
 public:
  // The state of r's main request; null if no gate has seen it (or, for get, out of memory).
  static Request* find(ngx_http_request_t* r) noexcept;
  static Request* get(ngx_http_request_t* r) noexcept;

  ngx_http_request_t* native() const { return r_; }
  ngx_pool_t* pool() const { return r_->pool; }

  // Each (check, policy) runs once per main request: true the first time it is asked for this
  // policy object, whatever location asks, and once more where it binds (the check is enforced
  // here, and this use of it is no dry run) after it has refused where it did not. Bounded; past
  // the bound it answers true.
  bool first_time(const void* policy, bool binding = true) noexcept;
  // The policy has refused in a dry run. What guard_mode observes core notes itself.
  void spare(const void* policy) noexcept;

  // A feature's own state, in the request's pool, made on first use; null if out of memory. T is
  // value-initialised and must be trivially destructible.
  template <class T>
  T* state(Feature feature) noexcept;
  // The same if it has been used; null if not.
  template <class T>
  T* used_state(Feature feature) const noexcept {
    return static_cast<T*>(states_[index_of(feature)]);
  }

  // Room for count elements in the request's pool, contents unspecified; null: there is no more
  // memory. They are not destroyed.
  template <class T>
  T* memory(std::size_t count) noexcept;
  // A copy of the text in the request's pool; nothing: no memory.
  std::optional<std::string_view> keep(std::string_view text) noexcept;

  // What a waiting check calls when what it waited for is there. Safe from any event handler.
  void resume() noexcept;

  // Records a refusal that is not acted upon (dry_run and the like): event, $guard_verdict.
  void observe(const Refusal& refusal) noexcept;
  // The same of one that is acted upon, by whoever calls.
  void deny(const Refusal& refusal) noexcept;

  void publish(const Event& event) noexcept;
  // Whom an event of the application's answer would name, of the first of these kinds that does, as
  // far as that is known before there is one; empty: nobody.
  std::string_view user_of(std::span<const NamedKind> kinds) noexcept;

  Verdict verdict() const { return verdict_; }
  std::string_view code() const { return code_; }  // of the first refusal, real or would-be
  bool refused() const { return verdict_ == Verdict::refused; }

  // The status of the application's own answer, before any error_page; for stages that judge it.
  std::uint16_t own_status() const { return own_answer_.status; }
  // Whether it is the application's own: not, if all that came of an upstream is a 502 or 504.
  bool answered() const { return !own_answer_.silent; }
  // An upstream has answered with 5xx, or not at all, and upstream_failed was published where
  // somebody watches.
  bool application_failed() const {
    return own_answer_.judged && own_answer_.of_upstream && own_answer_.status >= 500;
  }

  // The whole body in one piece, after the gate has read it; empty if there is none; nothing if it
  // cannot be had (a temporary file that cannot be read, out of memory). Nothing behind its end is
  // readable. Valid until this request waits or another request asks.
  std::optional<std::string_view> body() noexcept;
  // The number of the body that body() has last answered with: with the same number, the same bytes
  // are still at the same place. 0: body() has not answered with any.
  std::uint64_t body_number() const { return body_.number; }
  // All of it has been read.
  bool body_complete() const { return body_.ready; }
  // Copies what there is from offset on, up to size bytes, wherever nginx keeps it, once all of it
  // has been read. Fewer than size: it has ended. Nothing: a temporary file that cannot be read.
  std::optional<std::size_t> copy_body(std::size_t offset, char* to, std::size_t size) noexcept;
  // Reading has ended at a limit, or was not begun for it: the check that has set the limit refuses
  // the request, so that others need not judge what there is not.
  bool body_stopped() const { return body_.stopped; }
  // Reading has begun, and has not come to the end of it: what there is is a part.
  bool body_partial() const { return body_.asked && !body_.ready; }
  // Such a part is for nobody any more.
  void give_up_body() noexcept;
  // nginx is still reading it.
  bool body_in_flight() const { return body_.asked && !body_.ended && !body_.failed; }
  // nginx itself could not read the body (400, 408, 413); an error page is being shown.
  bool body_failed() const { return body_.failed; }
  // Bytes of the body: Content-Length, or as many as have arrived. More than the limit that a check
  // asked for means that reading was stopped (or never begun) and body() is nothing.
  std::size_t body_size() const noexcept;
  // Whether the request has or may have a body: a Content-Length other than 0, chunked, or an
  // HTTP/2 or HTTP/3 stream that the client has not ended. Exact once the gate has read it.
  bool has_body() const noexcept;
  // It may have one, of which nothing is known before it has been read: it may be empty.
  bool has_open_body() const noexcept;

  // The client's own, as realip has found it; nothing: it came through a Unix socket.
  std::optional<Address> client_address() const noexcept;
  // Whether guard_trusted_proxies has it.
  bool is_trusted_proxy(const Address& address) const noexcept;
  // How the client is named where nothing else is asked for: v4 /32, v6 /64. "192.0.2.1",
  // "2001:db8:0:1::/64"; in pool memory.
  std::string_view client_net() noexcept;
  // "http" or "https" as the client used it: the connection's own, or X-Forwarded-Proto of a
  // trusted proxy.
  std::string_view scheme() noexcept;
  // guard_route of the location that decided; or else what set_operation() was given, or empty.
  std::string_view route() const noexcept;
  // What an API description calls the request. It must live as long as the request.
  void set_operation(std::string_view name) noexcept { operation_ = name; }
  std::string_view operation() const { return operation_; }
  std::string_view request_id() noexcept;  // $request_id

  // The location that the answer is judged as that of: the last one of which answers are judged.
  void judge_answer_of(void** location) noexcept { answer_place_ = location; }
  void** answer_place() const { return answer_place_; }

  // The last location that the request came to before any error page, where that has some.
  void note_asked(void** location) noexcept { asked_ = location; }
  void** asked() const { return asked_; }

 private:
  friend class GateRun;
  friend class BodyReader;
  friend class JsonBody;
  friend class AnswerReader;
  friend void forget_request(void* data) noexcept;
  friend void note_answerer(ngx_http_request_t* r, Reached reached) noexcept;
  friend void judge_own_answer(ngx_http_request_t* r) noexcept;

  static constexpr std::size_t kMaxPolicies = 32;

  struct GateState {
    std::uint8_t cursor = 0;     // the check to be asked next
    bool charging = false;       // second round
    bool done = false;           // this gate has let this pass of the request through
    std::uint32_t observed = 0;  // checks that refused in observe mode: not charged
    std::uint32_t asked = 0;     // those that have been told to ask, and have not charged since
    std::uint32_t charged = 0;
  };

  struct BodyState {
    bool asked = false;
    bool ended = false;     // nginx has no more of it to read
    bool ready = false;     // and all of it is there
    bool failed = false;    // nginx could not read it; what there is of it must not be judged
    bool stopped = false;   // reading ended at the limit
    std::size_t limit = 0;  // 0: none
    std::size_t received = 0;
    // Bits of the checks that hear it as it comes: those that were given it in this pass, those
    // that are still to be given the next piece, and those that may stop it.
    std::uint32_t heard = 0;
    std::uint32_t hearing = 0;
    std::uint32_t deciding = 0;
    std::uint64_t number = 0;
  };

  // held: nothing is sent yet. followed: it passes, and is kept. replaced: something else was sent.
  enum class AnswerStage : std::uint8_t { none, held, followed, replaced, done };

  struct AnswerState {
    AnswerStage stage = AnswerStage::none;
    const AnswerCheck* check = nullptr;  // once there is a stage
    void** place = nullptr;              // the location that it was activated in
    AnswerBody body = AnswerBody::whole;
    bool start = false;  // as AnswerNeed has it
    std::size_t limit = 0;
    char* data = nullptr;  // in the request's pool
    std::size_t size = 0;
    std::size_t capacity = 0;
  };

  void begin_pass() noexcept;
  void end() noexcept;
  std::size_t place_of(const void* policy) const noexcept;  // policy_count_: unknown
  // The policies that this check has asked for have refused, and that was only observed.
  void spare_all(std::uint8_t check) noexcept;
  void record(const Refusal& refusal, Action action) noexcept;

  ngx_http_request_t* r_ = nullptr;
  Verdict verdict_ = Verdict::none;
  bool resumed_ = false;
  std::uint32_t waiting_ = 0;  // checks
  std::array<GateState, 2> gates_{};
  BodyState body_{};
  OwnAnswer own_answer_;
  AnswerState answer_{};
  const JsonLimits* json_limits_ = nullptr;  // under which JsonBody has parsed the body
  const BodyReading* json_reading_ = nullptr;
  bool json_confining_ = false;  // a check wants to know what JsonBody::confined() tells
  std::span<const std::uint64_t> json_confined_;
  std::string_view code_;
  std::string_view operation_;
  void** asked_ = nullptr;
  void** answer_place_ = nullptr;
  // Each with that of which it was made: realip may find another address, and another location may
  // trust another proxy.
  std::string_view client_net_;
  const sockaddr* client_net_of_ = nullptr;
  std::string_view scheme_;
  const void* scheme_of_ = nullptr;
  std::array<void*, kFeatureCount> states_{};
  // Of the check that is being asked.
  std::uint8_t check_ = 0;
  bool enforced_ = false;
  std::uint8_t policy_count_ = 0;
  std::uint32_t spared_ = 0;  // bit per policy: it has refused where it did not bind
  std::array<std::uint8_t, kMaxPolicies> askers_;
  std::array<const void*, kMaxPolicies> policies_;
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

template <class T>
T* Request::memory(std::size_t count) noexcept {
  static_assert(std::is_trivially_destructible_v<T>);
  const std::size_t size = count * sizeof(T);
  void* room = alignof(T) > 1 ? ngx_palloc(r_->pool, size) : ngx_pnalloc(r_->pool, size);
  return static_cast<T*>(room);
}

// Nothing for a Unix socket.
std::optional<Address> address_of(const sockaddr* socket) noexcept;

// Who really connected, where realip has put another address in its place; nothing: it has not.
std::optional<std::string_view> replaced_peer(ngx_http_request_t* r) noexcept;

}  // namespace guard::core
