#include "core/request.h"

#include <algorithm>
#include <array>
#include <bit>

#include "core/cidr.h"
#include "core/core_config.h"
#include "core/forwarded.h"
#include "core/hex.h"
#include "core/random_bytes.h"
#include "ngx/fields.h"
#include "ngx/strings.h"

namespace guard::core {

// The cleanup's address is also how the state is found again after an internal redirect has wiped
// r->ctx.
void forget_request(void* data) noexcept {
  static_cast<Request*>(data)->end();
}

// Marks the memory, which is there as long as the request's pool: nginx writes its access log when
// it has called the handlers of the request's end.
void keep_request(void* /*data*/) noexcept {}

namespace {

constexpr std::string_view kHttp = "http";
constexpr std::string_view kHttps = "https";

std::string_view own_scheme([[maybe_unused]] ngx_http_request_t* r) noexcept {
#if (NGX_HTTP_SSL)
  if (r->connection->ssl != nullptr) return kHttps;
#endif
  return kHttp;
}

bool peer_is_trusted(ngx_http_request_t* r, const CidrList& trusted) noexcept {
  if (const std::optional<std::string_view> text = replaced_peer(r)) {
    if (*text == "unix:") return trusted.contains_unix();
    std::optional<Address> address = parse_address(*text);
    return address && trusted.contains(*address);
  }
  std::optional<Address> address = address_of(r->connection->sockaddr);
  return address ? trusted.contains(*address) : trusted.contains_unix();
}

std::optional<std::string_view> forwarded_proto(ngx_http_request_t* r) noexcept {
  std::optional<std::string_view> last;
  for (const ngx_table_elt_t& field : ngx::request_fields(r)) {
    if (ngx::is_named(field, "x-forwarded-proto")) last = ngx::to_view(field.value);
  }
  return last;
}

}  // namespace

std::optional<Address> address_of(const sockaddr* socket) noexcept {
  if (socket->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(socket);
    return Address::from_v4(reinterpret_cast<const std::uint8_t*>(&in->sin_addr));
  }
  if (socket->sa_family == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(socket);
    return Address::from_v6(reinterpret_cast<const std::uint8_t*>(&in6->sin6_addr));
  }
  return std::nullopt;
}

std::optional<std::string_view> replaced_peer(ngx_http_request_t* r) noexcept {
  const ngx_int_t index = main_conf(r)->realip_remote_addr_index;
  if (index == NGX_ERROR) return std::nullopt;
  const ngx_http_variable_value_t* peer =
      ngx_http_get_indexed_variable(r, static_cast<ngx_uint_t>(index));
  const bool replaced = peer != nullptr && peer->valid && !peer->not_found &&
                        peer->data != r->connection->addr_text.data;
  if (!replaced) return std::nullopt;
  return ngx::to_view(*peer);
}

std::string_view scheme_of(ngx_http_request_t* r) noexcept {
  const LocationConf* conf = location_conf(r);
  if (!conf->trusted_proxies.empty() && peer_is_trusted(r, conf->trusted_proxies)) {
    std::optional<std::string_view> field = forwarded_proto(r);
    if (field) {
      std::optional<std::string_view> proto = parse_forwarded_proto(*field);
      if (proto) return *proto == kHttps ? kHttps : kHttp;
    }
  }
  return own_scheme(r);
}

Request* Request::find(ngx_http_request_t* r) noexcept {
  ngx_http_request_t* main = r->main;
  void* known = ngx_http_get_module_ctx(main, ngx_http_guard_module);
  if (known != nullptr) return static_cast<Request*>(known);
  const ngx_pool_cleanup_t* cleanup = main->pool->cleanup;
  for (; cleanup != nullptr; cleanup = cleanup->next) {
    if (cleanup->handler == keep_request) return static_cast<Request*>(cleanup->data);
  }
  return nullptr;
}

Request* Request::get(ngx_http_request_t* r) noexcept {
  Request* known = find(r);
  if (known != nullptr) return known;
  ngx_pool_cleanup_t* kept = ngx_pool_cleanup_add(r->main->pool, sizeof(Request));
  ngx_http_cleanup_t* cleanup = ngx_http_cleanup_add(r->main, 0);
  if (kept == nullptr || cleanup == nullptr) return nullptr;
  auto* request = new (kept->data) Request;
  request->r_ = r->main;
  kept->handler = keep_request;
  cleanup->data = request;
  cleanup->handler = forget_request;
  return request;
}

bool Request::first_time(const void* policy, bool binding) noexcept {
  const std::size_t place = place_of(policy);
  if (place < policy_count_) {
    const std::uint32_t bit = std::uint32_t{1} << place;
    if ((spared_ & bit) == 0 || !enforced_ || !binding) return false;
    spared_ &= ~bit;
    return true;
  }
  if (policy_count_ < policies_.size()) {
    askers_[policy_count_] = check_;
    policies_[policy_count_++] = policy;
  }
  return true;
}

std::size_t Request::place_of(const void* policy) const noexcept {
  const auto end = policies_.begin() + policy_count_;
  return static_cast<std::size_t>(std::find(policies_.begin(), end, policy) - policies_.begin());
}

void Request::spare(const void* policy) noexcept {
  const std::size_t place = place_of(policy);
  if (place < policy_count_) spared_ |= std::uint32_t{1} << place;
}

void Request::spare_all(std::uint8_t check) noexcept {
  for (std::size_t i = 0; i < policy_count_; ++i) {
    if (askers_[i] == check) spared_ |= std::uint32_t{1} << i;
  }
}

std::optional<std::string_view> Request::keep(std::string_view text) noexcept {
  char* copy = memory<char>(text.size());
  if (copy == nullptr) return std::nullopt;
  return std::string_view(copy, text.copy(copy, text.size()));
}

void Request::resume() noexcept {
  resumed_ = true;
  ngx_event_t* event = r_->connection->write;
  ngx_post_event(event, &ngx_posted_events);
}

void Request::end() noexcept {
  std::uint32_t open = waiting_;
  for (const GateState& gate : gates_) open |= gate.asked;
  for (; open != 0; open &= open - 1) {
    const Check& check = *main_conf(r_)->checks[static_cast<std::size_t>(std::countr_zero(open))];
    if (check.abandon != nullptr) check.abandon(*this);
  }
  waiting_ = 0;
}

void Request::record(const Refusal& refusal, Action action) noexcept {
  Event event;
  event.kind = refusal.event;
  event.action = action;
  event.code = refusal.code;
  event.policy = refusal.policy;
  event.detail = refusal.detail.empty() ? refusal.title : refusal.detail;
  event.key_hash = refusal.key_hash;
  event.user = refusal.user;
  event.labels = refusal.labels;
  event.status = refusal.status;
  event.file = refusal.file;
  event.rule = refusal.rule;
  event.rules = refusal.rules;
  event.score = refusal.score;
  if (!refusal.errors.empty()) {
    const FieldError& first = refusal.errors.front();
    event.pointer = first.pointer;
    if (refusal.detail.empty()) event.detail = first.detail;
    if (event.detail != first.detail) event.message = first.detail;
  }
  if (code_.empty()) code_ = refusal.code;
  verdict_ = action == Action::denied ? Verdict::refused : Verdict::observed;
  main_conf(r_)->refusals.count(refusal.code, action);
  if (!refusal.silent) return publish(event);
  for (Listener listener : main_conf(r_)->refusal_listeners) listener(event, this);
}

void Request::observe(const Refusal& refusal) noexcept {
  record(refusal, Action::observed);
}

void Request::deny(const Refusal& refusal) noexcept {
  record(refusal, Action::denied);
}

std::string_view Request::user_of(std::span<const NamedKind> kinds) noexcept {
  const UserSource source = main_conf(r_)->user_source;
  return source == nullptr ? std::string_view() : source(*this, kinds);
}

void Request::publish(const Event& event) noexcept {
  for (Listener listener : main_conf(r_)->listeners) listener(event, this);
}

std::optional<Address> Request::client_address() const noexcept {
  return address_of(r_->connection->sockaddr);
}

bool Request::is_trusted_proxy(const Address& address) const noexcept {
  return location_conf(r_)->trusted_proxies.contains(address);
}

std::string_view Request::client_net() noexcept {
  const sockaddr* socket = r_->connection->sockaddr;
  if (client_net_of_ == socket) return client_net_;
  client_net_of_ = socket;
  std::optional<Address> address = address_of(socket);
  if (!address) return client_net_ = "unix";
  auto* buffer = static_cast<char*>(ngx_pnalloc(r_->pool, kClientNetMax));
  if (buffer == nullptr) {
    client_net_of_ = nullptr;
    return "unknown";
  }
  return client_net_ = std::string_view(buffer, write_client_net(*address, buffer));
}

std::string_view Request::scheme() noexcept {
  const void* location = location_conf(r_);
  if (scheme_of_ == location) return scheme_;
  scheme_of_ = location;
  return scheme_ = core::scheme_of(r_);
}

std::string_view Request::route() const noexcept {
  const std::string_view route = location_conf(r_)->route;
  return route.empty() ? operation_ : route;
}

// nginx would draw it as these bytes are drawn, but each by a call of its own. Who has asked for
// the variable before, or does so later, finds the same there.
std::string_view Request::request_id() noexcept {
  const auto index = static_cast<ngx_uint_t>(main_conf(r_)->request_id_index);
  ngx_http_variable_value_t& id = r_->variables[index];
  if (id.valid || id.not_found) return ngx::to_view(id);
  std::array<unsigned char, 16> bytes;
  auto* text = static_cast<u_char*>(ngx_pnalloc(r_->pool, 2 * bytes.size()));
  if (text == nullptr || !random_bytes(bytes)) return {};
  write_hex(bytes, reinterpret_cast<char*>(text));
  id = {};
  id.len = 2 * bytes.size();
  id.valid = 1;
  id.data = text;
  return ngx::to_view(id);
}

}  // namespace guard::core
